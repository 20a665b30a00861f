//! What a link offers to the store, and what it tells the store of the peer.

use super::{End, Link};
use crate::links::admission::{Parts, outcome};
use crate::session::Event;
use records::bundle::Head;
use std::time::Duration;
use store::{Admission, StoreError};
use tokio::time::Instant;

/// The store's answers to a bite, and how long they took.
pub(super) type Admitted = (Parts, Duration, Result<Vec<Admission>, StoreError>);

impl Link {
    /// Offers the next bite of what waits; one at a time, so that peers have their turns.
    pub(super) fn start_admitting(&mut self) {
        if self.admitting.is_some() {
            return;
        }
        let Some(bite) = self.offers.bite() else {
            return;
        };
        let store = self.shared.store.clone();
        let wall_ms = self.shared.now().wall_ms;
        self.admitting = Some(Box::pin(async move {
            let (parts, begun) = (bite.parts(), Instant::now());
            let admissions = store.admit(bite.bundles, wall_ms).await;
            (parts, begun.elapsed(), admissions)
        }));
    }

    pub(super) fn take_admitted(&mut self, (parts, took, result): Admitted) -> Result<(), End> {
        let admissions = result.map_err(|error| self.store_failed(&error))?;
        let heads = self.shared.store.frontier();
        for batch in self.offers.answer(parts, admissions, took) {
            let outcome = outcome(&self.shared, &batch.answers, heads.clone());
            if outcome.strangers > 0 {
                let strangers = outcome.strangers;
                let journal = batch.journal;
                tracing::warn!(peer.site = %self.peer, %journal, strangers, "bundles of no known site");
            }
            self.handle(Event::Admitted(batch.lane, outcome))?;
        }
        Ok(())
    }

    /// Keeps the last word on each journal until the store has time for it.
    pub(super) fn note_acks(&mut self, heads: Vec<Head>) {
        for head in heads {
            let known = self.acks.entry(head.journal).or_insert(head);
            if known.seq < head.seq {
                *known = head;
            }
        }
    }

    pub(super) fn start_acking(&mut self) {
        if self.acking.is_some() || (self.acks.is_empty() && self.holds.is_none()) {
            return;
        }
        let (heads, all) = (std::mem::take(&mut self.acks), self.holds.take());
        let heads: Vec<Head> = heads.into_values().collect();
        let store = self.shared.store.clone();
        let peer = self.peer;
        self.acking = Some(Box::pin(async move {
            if let Some(all) = all {
                store.record_frontier(peer, &all).await?;
            }
            store.record_ack(peer, &heads).await
        }));
    }
}
