//! Bare QUIC for anchors and for pacing: no store, no session, only connections through the
//! simulated line.

use crate::figure::{now, quantile_ms};
use anyhow::{Context as _, Result};
use bytes::Bytes;
use quinn::congestion::{ControllerFactory, CubicConfig};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use sync::links::{Congestion, paced};
use tests::quic::line;

/// What carries the large transfer.
#[derive(Clone, Copy)]
pub(crate) enum Transfer {
    /// As sync connections do, with what their link does about loss.
    Paced(Congestion),
    /// As QUIC does by itself.
    Cubic,
}

/// What came of media beside a transfer.
pub(crate) struct Beside {
    pub(crate) one_way_p95_ms: f64,
    pub(crate) lost_share: f64,
    pub(crate) bulk_mbit: f64,
}

/// What a transfer has brought over before it counts as being in flow; 1.7 s at 20 Mbit/s.
const FIRST_BYTES: u64 = 4 << 20;

type Factory = Arc<dyn ControllerFactory + Send + Sync>;

fn transport(factory: Factory) -> Arc<quinn::TransportConfig> {
    let mut transport = quinn::TransportConfig::default();
    transport
        .congestion_controller_factory(factory)
        .datagram_receive_buffer_size(Some(1 << 20))
        .datagram_send_buffer_size(256 * 1024);
    Arc::new(transport)
}

fn cubic() -> Factory {
    Arc::new(CubicConfig::default())
}

/// An endpoint that takes connections, and what a client needs to dial it.
fn server() -> Result<(quinn::Endpoint, quinn::ClientConfig)> {
    let made = rcgen::generate_simple_self_signed(vec!["bench".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = made.cert.der().clone();
    let tls = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())?;
    let tls = quinn::crypto::rustls::QuicServerConfig::try_from(tls)?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    config.transport_config(transport(cubic()));
    let endpoint = quinn::Endpoint::server(config, SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate)?;
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls)?;
    Ok((endpoint, quinn::ClientConfig::new(Arc::new(tls))))
}

async fn connect(
    client: &quinn::Endpoint,
    to: SocketAddr,
    config: &quinn::ClientConfig,
    factory: Factory,
) -> Result<quinn::Connection> {
    let mut config = config.clone();
    config.transport_config(transport(factory));
    Ok(client.connect_with(config, to, "bench")?.await?)
}

/// Round trips of `len` bytes there and one byte back, one every `every`, sorted.
pub(crate) async fn echo(
    words: &str,
    len: usize,
    count: usize,
    every: Duration,
) -> Result<Vec<Duration>> {
    let (server, config) = server()?;
    let line = line(server.local_addr()?, words)?;
    let answering = tokio::spawn(async move {
        let connection = server.accept().await.context("a client")?.await?;
        let (mut send, mut receive) = connection.accept_bi().await?;
        let mut bytes = vec![0; len];
        while receive.read_exact(&mut bytes).await.is_ok() {
            send.write_all(&[1]).await?;
        }
        anyhow::Ok(())
    });
    let client = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let connection = connect(&client, line.address(), &config, cubic()).await?;
    let (mut send, mut receive) = connection.open_bi().await?;
    let mut waits = Vec::new();
    let mut pace = tokio::time::interval(every);
    for _ in 0..count {
        pace.tick().await;
        let begun = now();
        send.write_all(&vec![7; len]).await?;
        receive.read_exact(&mut [0; 1]).await?;
        waits.push(begun.elapsed());
    }
    send.finish()?;
    answering.await??;
    waits.sort();
    Ok(waits)
}

/// Datagrams as media sends them, while a transfer runs beside them for `length`.
pub(crate) async fn media_beside(
    words: &str,
    transfer: Transfer,
    length: Duration,
) -> Result<Beside> {
    let (server, config) = server()?;
    let line = line(server.local_addr()?, words)?;
    let client = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let begun = now();
    let received = Arc::new(AtomicU64::new(0));
    let takes = tokio::spawn(take(server, begun, received.clone()));
    let media = connect(&client, line.address(), &config, cubic()).await?;
    // The server tells the two apart by which has a stream.
    let factory = match transfer {
        Transfer::Paced(congestion) => paced(congestion),
        Transfer::Cubic => cubic(),
    };
    let bulk = connect(&client, line.address(), &config, factory).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let pushing = tokio::spawn(push(bulk, stop.clone()));
    until_in_flow(&received).await?;
    let (bytes_before, from) = (received.load(Ordering::Relaxed), now());
    let sent = send_media(&media, begun, length).await?;
    let took = from.elapsed().as_secs_f64();
    let bytes = received.load(Ordering::Relaxed) - bytes_before;
    stop.store(true, Ordering::Relaxed);
    pushing.await??;
    let mut waits = takes.await??;
    media.close(0u32.into(), b"");
    waits.sort();
    Ok(Beside {
        one_way_p95_ms: quantile_ms(&waits, 0.95),
        lost_share: 1.0 - waits.len() as f64 / f64::from(sent),
        bulk_mbit: bytes as f64 * 8.0 / took / 1e6,
    })
}

/// Counting begins only when the transfer has found its pace: these first bytes are past then.
async fn until_in_flow(received: &AtomicU64) -> Result<()> {
    let mut look = tokio::time::interval(Duration::from_millis(10));
    let waiting = async {
        while received.load(Ordering::Relaxed) < FIRST_BYTES {
            look.tick().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    waited.context("the transfer does not flow")
}

async fn send_media(media: &quinn::Connection, begun: Instant, length: Duration) -> Result<u32> {
    let mut tick = tokio::time::interval(Duration::from_micros(3_333));
    let (from, mut sent) = (now(), 0);
    while from.elapsed() < length {
        tick.tick().await;
        let mut datagram = vec![0; 1_100];
        let at = u64::try_from(begun.elapsed().as_micros())?;
        datagram[..8].copy_from_slice(&at.to_be_bytes());
        media.send_datagram(Bytes::from(datagram))?;
        sent += 1;
    }
    Ok(sent)
}

async fn push(bulk: quinn::Connection, stop: Arc<AtomicBool>) -> Result<()> {
    let mut stream = bulk.open_uni().await?;
    let bytes = vec![7; 64 * 1024];
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(&bytes).await?;
    }
    bulk.close(0u32.into(), b"");
    Ok(())
}

/// Takes the media connection, then the transfer's; returns the datagrams' one-way times.
async fn take(
    server: quinn::Endpoint,
    begun: Instant,
    received: Arc<AtomicU64>,
) -> Result<Vec<Duration>> {
    let media = server
        .accept()
        .await
        .context("the media connection")?
        .await?;
    let bulk = server.accept().await.context("the transfer")?.await?;
    let counting = tokio::spawn(async move {
        let Ok(mut stream) = bulk.accept_uni().await else {
            return;
        };
        while let Ok(Some(chunk)) = stream.read_chunk(usize::MAX, true).await {
            received.fetch_add(chunk.bytes.len() as u64, Ordering::Relaxed);
        }
    });
    let mut waits = Vec::new();
    let mut next = media.read_datagram().await;
    while let Ok(datagram) = next {
        let (at, _) = datagram.split_first_chunk::<8>().context("a time")?;
        let sent = Duration::from_micros(u64::from_be_bytes(*at));
        waits.push(begun.elapsed().saturating_sub(sent));
        // They come every few milliseconds; a second without one is the end of the last on the way.
        let waited = tokio::time::timeout(Duration::from_secs(1), media.read_datagram()).await;
        next = waited.unwrap_or(Err(quinn::ConnectionError::TimedOut));
    }
    counting.await?;
    Ok(waits)
}
