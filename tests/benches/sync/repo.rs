//! The other anchor of `reconnect` and `missing`: samod, the Rust automerge-repo, a document a
//! record, two repositories in this process with nothing but channels between them.

use anyhow::{Context as _, Result};
use automerge::Automerge;
use futures::channel::mpsc::{self, UnboundedReceiver};
use futures::stream::{Stream, StreamExt as _};
use samod::{
    AcceptorHandle, BackoffConfig, ConnectionId, DialError, Dialer, DialerHandle, DocHandle, Repo,
    Transport,
};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use url::Url;

/// With no message for so long, both repositories have said all they have to say.
const QUIET: Duration = Duration::from_millis(250);

/// Bytes of all messages when two repositories meet again, of each pair the first document at one
/// and the second at the other, which was equal when they parted. Every document stays open at
/// both, so nothing has to be asked for or loaded.
pub(crate) async fn sync(documents: Vec<[Automerge; 2]>) -> Result<u64> {
    let (one, other) = (
        Repo::build_tokio().load().await,
        Repo::build_tokio().load().await,
    );
    let line = Line::connect(&one, &other).await?;
    let (known, new): (Vec<_>, Vec<_>) = documents
        .into_iter()
        .partition(|[_, before]| !before.get_heads().is_empty());
    let mut open = Vec::new();
    for [after, before] in known {
        let handle = one.create(before).await?;
        let there = other.find(handle.document_id().clone()).await?;
        there.context("a document just made")?;
        open.push((handle, after));
    }
    line.cut();
    for (handle, after) in &mut open {
        handle.with_document(|document| document.merge(after))?;
    }
    let mut handles: Vec<DocHandle> = open.into_iter().map(|(handle, _)| handle).collect();
    for [after, _] in new {
        handles.push(one.create(after).await?);
    }
    let line = Line::connect(&one, &other).await?;
    for handle in &handles {
        handle.they_have_our_changes(line.connection).await;
    }
    let bytes = line.when_quiet().await;
    line.cut();
    Ok(bytes)
}

/// A connection of two repositories, and how much went over it.
struct Line {
    handle: DialerHandle<Infallible>,
    connection: ConnectionId,
    bytes: Arc<watch::Sender<u64>>,
}

impl Line {
    async fn connect(from: &Repo, to: &Repo) -> Result<Self> {
        let url = Url::parse("channel://there")?;
        let bytes = Arc::new(watch::Sender::new(0));
        let channel = Channel {
            acceptor: to.make_acceptor(url.clone())?,
            url,
            bytes: Arc::clone(&bytes),
        };
        let handle = from.dial(BackoffConfig::default(), Arc::new(channel))?;
        handle.established().await?;
        let connection = handle.connection_id().context("a connection")?;
        Ok(Self {
            handle,
            connection,
            bytes,
        })
    }

    /// All bytes that went over it, once no more do.
    async fn when_quiet(&self) -> u64 {
        let mut bytes = self.bytes.subscribe();
        // Ends by the time-out: this line holds the sender itself.
        while let Ok(Ok(())) = tokio::time::timeout(QUIET, bytes.changed()).await {}
        *bytes.borrow()
    }

    fn cut(self) {
        self.handle.close();
    }
}

/// Dials the other repository of this process.
struct Channel {
    url: Url,
    acceptor: AcceptorHandle,
    bytes: Arc<watch::Sender<u64>>,
}

impl Dialer for Channel {
    type Error = Infallible;

    fn url(&self) -> Url {
        self.url.clone()
    }

    fn connect(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<Transport, DialError<Infallible>>> + Send>> {
        let (there, to_acceptor) = mpsc::unbounded();
        let (back, to_dialer) = mpsc::unbounded();
        let accepting = Transport::new(counted(to_acceptor, &self.bytes), back);
        let dialling = Transport::new(counted(to_dialer, &self.bytes), there);
        let accepted = self.acceptor.accept(accepting);
        Box::pin(async move {
            accepted.map_err(DialError::transient)?;
            Ok(dialling)
        })
    }
}

fn counted(
    messages: UnboundedReceiver<Vec<u8>>,
    bytes: &Arc<watch::Sender<u64>>,
) -> impl Stream<Item = Result<Vec<u8>, Infallible>> + Send + Unpin + 'static {
    let bytes = Arc::clone(bytes);
    messages.map(move |message| {
        bytes.send_modify(|bytes| *bytes += message.len() as u64);
        Ok(message)
    })
}
