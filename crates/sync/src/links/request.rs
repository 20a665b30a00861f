//! Requests beside the conversation ([`crate::wire::request`]): each is a stream of its own on the sync
//! connection, opened by whoever asks.
//!
//! To add a kind: a variant of [`Request`] with a new number and its arm in `serve_one`.

use super::counters::add;
use super::{CLOSE_GARBAGE, Shared, blobs, close, rows};
use crate::stream::{StreamError, read_message, read_uncounted, write_message};
use crate::wire::request::{MAX_REQUEST_LEN, Reply, Request, decode_request};
use records::id::SiteId;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Requests of one peer that are answered at the same time; more wait in the transport.
pub(crate) const MAX_STREAMS: u32 = 8;
/// A request must be there so soon after its stream was opened.
const ASKED_WITHIN: Duration = Duration::from_secs(10);
/// A site that has not begun to answer by then has failed.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// Requests yield to the conversation, whose stream has priority 0.
const PRIORITY: i32 = -10;

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
    (mut send, mut receive): (quinn::SendStream, quinn::RecvStream),
) -> Result<(), StreamError> {
    // A stream that has been finished already takes no priority, and needs none.
    let _ = send.set_priority(PRIORITY);
    let asked = read_uncounted(&mut receive, MAX_REQUEST_LEN);
    let asked = tokio::time::timeout(ASKED_WITHIN, asked).await;
    let request = decode_request(&asked.map_err(|_| StreamError::Ended)??)?;
    let reply = match request {
        Some(_) => Reply::Granted,
        None => Reply::Unknown,
    };
    write_message(&mut send, &reply).await?;
    match request {
        Some(Request::Blob { hash, ask }) => blobs::answer(shared, send, hash, ask).await,
        Some(Request::Rows { after }) => rows::answer(shared, send, after).await,
        None => {
            let _ = send.finish();
            Ok(())
        }
    }
}

/// Opens a stream and asks. The answer is what follows on it; there is none if the peer's program
/// does not know the request.
pub(super) async fn ask(
    connection: &quinn::Connection,
    request: &Request,
) -> Result<Option<quinn::RecvStream>, StreamError> {
    let opened = tokio::time::timeout(ASKED_WITHIN, connection.open_bi()).await;
    let (mut send, mut receive) = opened
        .map_err(|_| StreamError::Ended)?
        .map_err(|_| StreamError::Ended)?;
    let _ = send.set_priority(PRIORITY);
    write_message(&mut send, request).await?;
    // Finishing fails only on a stream that is over, and then reading says so.
    let _ = send.finish();
    let reply = read_message(&mut receive, MAX_REQUEST_LEN);
    let reply = tokio::time::timeout(ANSWERED_WITHIN, reply).await;
    match reply.map_err(|_| StreamError::Ended)? {
        Ok(Reply::Granted) => Ok(Some(receive)),
        // Also a refusal that only a later version knows.
        Ok(Reply::Unknown) | Err(StreamError::Wire(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
