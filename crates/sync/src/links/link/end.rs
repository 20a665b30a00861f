//! How a link ends: what the peer is told, what is counted, and what is waited for.

use super::Link;
use crate::links::counters::add;
use crate::links::{
    CLOSE_DUPLICATE, CLOSE_GARBAGE, CLOSE_REVOKED, CLOSE_STOPPING, CLOSE_STORE, close,
};
use crate::session::CloseReason;
use std::time::Duration;
use store::StoreError;

/// Why a link is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::links) enum End {
    /// The connection went away, or this side is stopping.
    Lost,
    /// The peer broke the protocol.
    Garbage,
    /// The session ended itself.
    Closed(CloseReason),
    /// The other connection between the same two sites stays.
    Duplicate,
    /// Our own store failed.
    Store,
    /// The peer is no longer enrolled.
    Revoked,
}

impl Link {
    pub(super) fn store_failed(&self, error: &StoreError) -> End {
        tracing::error!(peer.site = %self.peer, error = error as &dyn std::error::Error, "link ended by the store");
        End::Store
    }

    pub(super) async fn finish(&mut self, end: End) -> Option<Duration> {
        match end {
            End::Lost => close(&self.connection, CLOSE_STOPPING),
            End::Garbage => close(&self.connection, CLOSE_GARBAGE),
            End::Closed(reason) => close(&self.connection, reason.code()),
            End::Duplicate => close(&self.connection, CLOSE_DUPLICATE),
            End::Store => close(&self.connection, CLOSE_STORE),
            End::Revoked => close(&self.connection, CLOSE_REVOKED),
        }
        match end {
            End::Garbage => add(&self.shared.counters.garbage, 1),
            End::Closed(reason) => {
                let counters = &self.shared.counters;
                match reason {
                    CloseReason::Institution | CloseReason::Site | CloseReason::Version => {
                        add(&counters.refused_peers, 1);
                    }
                    _ => add(&counters.garbage, 1),
                }
            }
            _ => {}
        }
        if let End::Garbage | End::Closed(_) = end {
            let address = self.connection.remote_address();
            self.shared.log_once(address, &format!("{end:?}"));
        }
        if self.shared.remove(self.peer, self.id) {
            tracing::info!(peer.site = %self.peer, ?end, "link down");
        }
        self.stop_tasks().await;
        self.up_since.map(|since| since.elapsed())
    }

    /// Waits until what the link has started has let go of the store: the connection is closed.
    async fn stop_tasks(&mut self) {
        for mut task in [self.media.take(), self.rows.end()].into_iter().flatten() {
            task.0.abort();
            // That it was aborted is no news.
            let _ = (&mut task.0).await;
        }
        // Not aborted: what reads from disk for it would go on by itself, and be waited for by
        // nobody.
        if let Some(mut requests) = self.requests.take() {
            let _ = (&mut requests.0).await;
        }
        while self.notes.join_next().await.is_some() {}
    }
}
