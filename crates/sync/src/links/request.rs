//! Requests beside the conversation: each is a stream of its own on the sync connection, opened by
//! whoever asks. A [`Request`], then what that kind of request is answered with.
//!
//! To add a kind: a variant with a new number and its arm in `serve_one`.

use super::counters::add;
use super::{CLOSE_GARBAGE, Shared, blobs, close, rows};
use crate::blobs::Ask;
use crate::stream::{StreamError, read_message, write_message};
use records::id::{Hash, SiteId};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Requests of one peer that are answered at the same time; more wait in the transport.
pub(crate) const MAX_STREAMS: u32 = 8;
/// A request must be there so soon after its stream was opened.
const ASKED_WITHIN: Duration = Duration::from_secs(10);
/// Requests yield to the conversation, whose stream has priority 0.
const PRIORITY: i32 = -10;

/// What a site may ask of another one.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub(crate) enum Request {
    /// A blob's manifest or some of its chunks; answered with [`blobs::Answer`]s.
    #[n(0)]
    Blob {
        /// The blob.
        #[n(0)]
        hash: Hash,
        /// What of it.
        #[n(1)]
        ask: Ask,
    },
    /// A page of rows as the site lists them; answered with one [`rows::Answer`].
    #[n(1)]
    Rows {
        /// Where the page before ended.
        #[n(0)]
        after: Option<String>,
    },
}

/// Answers the requests of one peer until the connection is closed, and what is under way then to
/// its end: every stream is over, so that is soon.
pub(super) async fn serve(shared: Arc<Shared>, connection: quinn::Connection, peer: SiteId) {
    let mut answering = JoinSet::new();
    loop {
        tokio::select! {
            streams = connection.accept_bi() => {
                let Ok(streams) = streams else { break };
                let shared = shared.clone();
                answering.spawn(async move { serve_one(&shared, streams).await });
            }
            Some(answered) = answering.join_next() => {
                if let Ok(Err(StreamError::Wire(error))) = answered {
                    add(&shared.counters.garbage, 1);
                    shared.log_once(connection.remote_address(), &error.to_string());
                    tracing::debug!(peer.site = %peer, "a request was not understood");
                    close(&connection, CLOSE_GARBAGE);
                }
            }
        }
    }
    while answering.join_next().await.is_some() {}
}

async fn serve_one(
    shared: &Arc<Shared>,
    (send, mut receive): (quinn::SendStream, quinn::RecvStream),
) -> Result<(), StreamError> {
    // A stream that has been finished already takes no priority, and needs none.
    let _ = send.set_priority(PRIORITY);
    let asked = tokio::time::timeout(ASKED_WITHIN, read_message(&mut receive)).await;
    match asked.map_err(|_| StreamError::Ended)?? {
        Request::Blob { hash, ask } => blobs::answer(shared, send, hash, ask).await,
        Request::Rows { after } => rows::answer(shared, send, after).await,
    }
}

/// Opens a stream and asks.
pub(super) async fn ask(
    connection: &quinn::Connection,
    request: &Request,
) -> Result<quinn::RecvStream, StreamError> {
    let opened = tokio::time::timeout(ASKED_WITHIN, connection.open_bi()).await;
    let (mut send, receive) = opened
        .map_err(|_| StreamError::Ended)?
        .map_err(|_| StreamError::Ended)?;
    let _ = send.set_priority(PRIORITY);
    write_message(&mut send, request).await?;
    // Finishing fails only on a stream that is over, and then reading says so.
    let _ = send.finish();
    Ok(receive)
}
