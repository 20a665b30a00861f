//! What a link does beside its journals, one thing at a time and in order: a scrub's work, and
//! the chains of forked journals.

use super::admission::{in_bites, outcome};
use super::{Shared, lock, scrub};
use crate::scrub::Event::Start;
use crate::session::{Event, Outcome, fork};
use crate::wire::{BATCH_LEN, Lacking};
use futures::future::{BoxFuture, OptionFuture};
use records::bundle::Bundle;
use records::id::SiteId;
use std::collections::VecDeque;
use std::sync::Arc;
use store::StoreError;
use tokio::sync::watch;

/// One thing to do.
pub(super) enum Chore {
    Scrub(crate::scrub::Work),
    Fork(fork::Work),
}

/// One link's chores.
pub(super) struct Chores {
    shared: Arc<Shared>,
    peer: SiteId,
    round: watch::Receiver<u64>,
    /// The last round of scrubs this link took part in.
    started: u64,
    queue: VecDeque<Chore>,
    working: Option<BoxFuture<'static, Result<Event, StoreError>>>,
}

impl Chores {
    pub(super) fn new(shared: Arc<Shared>, peer: SiteId) -> Self {
        let round = shared.scrubs.round.subscribe();
        Self {
            shared,
            peer,
            round,
            started: 0,
            queue: VecDeque::new(),
            working: None,
        }
    }

    pub(super) fn push(&mut self, chore: Chore) {
        self.queue.push_back(chore);
    }

    /// The next event for the session. May be dropped and called again at any time.
    pub(super) async fn next(&mut self, is_open: bool) -> Result<Event, StoreError> {
        if self.working.is_none()
            && let Some(chore) = self.queue.pop_front()
        {
            let (shared, peer) = (self.shared.clone(), self.peer);
            self.working = Some(Box::pin(async move {
                match chore {
                    Chore::Scrub(work) => {
                        let event = scrub::perform(&shared, peer, work).await?;
                        Ok(Event::Scrub(event))
                    }
                    Chore::Fork(work) => Ok(Event::Fork(branch(&shared, work).await?)),
                }
            }));
        }
        let done = lock(&self.shared.scrubs.done).get(&self.peer).copied();
        let done = done.unwrap_or(0).max(self.started);
        let due = async {
            let round = self.round.wait_for(|round| *round > done).await;
            round.map(|round| *round)
        };
        tokio::select! {
            Some(event) = OptionFuture::from(self.working.as_mut()) => {
                self.working = None;
                event
            }
            Ok(round) = due, if is_open => {
                self.started = round;
                Ok(Event::Scrub(Start))
            }
            else => std::future::pending().await,
        }
    }
}

async fn branch(shared: &Shared, work: fork::Work) -> Result<fork::Event, StoreError> {
    let store = &shared.store;
    match work {
        fork::Work::Compare { ends, met } => {
            let missing = store.missing(&ends, met).await?.into_iter();
            let lacking = missing.map(|one| Lacking {
                tip: one.tip,
                have: one.have,
            });
            Ok(fork::Event::Missing(lacking.collect()))
        }
        fork::Work::Read(Lacking { tip, have }) => {
            let chain = store.chain_after(tip, &have, BATCH_LEN).await?;
            Ok(fork::Event::Chain(chain))
        }
        fork::Work::Take(bundles) => take(shared, bundles).await.map(fork::Event::Taken),
    }
}

async fn take(shared: &Shared, bundles: Vec<Bundle>) -> Result<Outcome, StoreError> {
    let admit = |bite| shared.store.admit(bite, shared.now().wall_ms);
    let admissions = in_bites(bundles, admit).await?;
    Ok(outcome(shared, &admissions, shared.store.frontier()))
}
