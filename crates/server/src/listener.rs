//! The door browsers come through: plain HTTP on loopback, TLS elsewhere.
//!
//! Handshakes run beside each other, so that one slow browser does not keep others out. The
//! number of connections is bounded, and one that moves no byte for [`IDLE`] is closed.

use crate::http::Peer;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use sync::identity::Identity;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// Browsers' connections at a time; a page has up to seven.
const MAX_CONNECTIONS: usize = 4096;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Longer than a long-poll waits and than the feed's heartbeat.
const IDLE: Duration = Duration::from_secs(120);
/// Accepting goes on after so long when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Why the door does not open.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Somebody else has the port, or the address is not ours.
    #[error("cannot listen for browsers on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Plain HTTP was asked for on an address that others can reach.
    #[error("plain HTTP is served on loopback only, and {0} is not loopback")]
    PlainOutside(SocketAddr),
    /// The certificate or key file cannot be read.
    #[error("cannot read {file}")]
    Pem {
        /// Which file.
        file: String,
        /// What is wrong with it.
        #[source]
        source: pem::Error,
    },
    /// Certificate and key do not fit, or are of no use to TLS.
    #[error("the certificate cannot be used for HTTPS")]
    Certificate(#[source] rustls::Error),
    /// The site's own key is damaged.
    #[error("the site's own key cannot be used for HTTPS")]
    Key,
}

/// How the door is locked.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// The site's own certificate, from the institution's CA.
    ///
    /// # Errors
    /// [`DoorError::Key`] or [`DoorError::Certificate`].
    pub fn of_identity(identity: &Identity) -> Result<Self, DoorError> {
        let key = PrivateKeyDer::try_from(identity.tls_key.clone()).map_err(|_| DoorError::Key)?;
        Self::new(vec![identity.certificate.clone(), identity.ca.clone()], key)
    }

    /// A certificate chain and key from PEM files.
    ///
    /// # Errors
    /// [`DoorError::Pem`] or [`DoorError::Certificate`].
    pub fn of_files(certificate: &Path, key: &Path) -> Result<Self, DoorError> {
        let in_file = |file: &Path| {
            let file = file.display().to_string();
            move |source| DoorError::Pem { file, source }
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(in_file(certificate))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(in_file(key))?;
        Self::new(chain, key)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, DoorError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(DoorError::Certificate)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(DoorError::Certificate)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// An open door; handed to [`crate::serve()`].
pub struct Door {
    address: SocketAddr,
    tls: bool,
    connections: mpsc::Receiver<(Connection, SocketAddr)>,
    accepting: JoinHandle<()>,
}

impl Door {
    /// Listens on `address`. Without `tls` it must be a loopback address.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn open(address: SocketAddr, tls: Option<Tls>) -> Result<Self, DoorError> {
        if tls.is_none() && !address.ip().to_canonical().is_loopback() {
            return Err(DoorError::PlainOutside(address));
        }
        let listen = |source| DoorError::Listen { address, source };
        let tcp = TcpListener::bind(address).await.map_err(listen)?;
        let bound = tcp.local_addr().map_err(listen)?;
        let acceptor = tls.map(|tls| TlsAcceptor::from(tls.0));
        let (sender, connections) = mpsc::channel(16);
        Ok(Self {
            address: bound,
            tls: acceptor.is_some(),
            connections,
            accepting: tokio::spawn(accept(tcp, acceptor, sender)),
        })
    }

    /// Whether it speaks TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Where browsers find it, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

type Arrived = mpsc::Sender<(Connection, SocketAddr)>;

async fn accept(tcp: TcpListener, tls: Option<TlsAcceptor>, arrived: Arrived) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let permit = Arc::clone(&room)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        match tcp.accept().await {
            Ok((stream, peer)) => {
                tokio::spawn(admit(stream, peer, tls.clone(), permit, arrived.clone()));
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a browser's connection could not be accepted"
                );
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn admit(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    permit: OwnedSemaphorePermit,
    arrived: Arrived,
) {
    // Small answers wait for nothing; failing to say so only costs time.
    let _faster = stream.set_nodelay(true);
    let stream: Box<dyn Stream> = match tls {
        None => Box::new(stream),
        Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => Box::new(stream),
            Ok(Err(_)) | Err(_) => {
                tracing::debug!("a TLS handshake failed");
                return;
            }
        },
    };
    let connection = Connection {
        stream,
        idle: Box::pin(tokio::time::sleep(IDLE)),
        _permit: permit,
    };
    // The site is stopping if nobody takes it.
    let _taken = arrived.send((connection, peer)).await;
}

impl Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.connections.recv().await {
            Some(arrived) => arrived,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self(*stream.remote_addr())
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A browser's connection.
pub struct Connection {
    stream: Box<dyn Stream>,
    idle: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    fn moved<T>(&mut self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.idle.as_mut().reset(Instant::now() + IDLE);
        }
        polled
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if polled.is_pending() && self.idle.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.moved(polled)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.moved(polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
