//! Judging what has waited, a slice at a time.
//!
//! One bundle may release thousands that a hostile site has laid up before. A transaction judges
//! only so many of them; the writer goes on with the rest by itself, in transactions of their own
//! between those of others. What is released is known from the waiting room alone, so a restart
//! loses nothing of it.

use crate::action::Admission;
use crate::admit::{Taken, take};
use crate::branch::Branches;
use crate::error::StoreError;
use crate::form::check;
use crate::job::Job;
use crate::lane::{is_lane, stem};
use crate::state::State;
use crate::store::Store;
use crate::tx::Tx;
use crate::waiting::{self, Found, Key, Released};
use records::bundle::Head;
use records::id::JournalId;
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};

/// What one transaction may spend on released bundles: some tens of milliseconds.
const SLICE: u64 = 64;
/// Bytes of payload that cost as much as a bundle.
const UNIT: u64 = 16 * 1024;

/// What has grown, and may have released what waits for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grown {
    journals: BTreeSet<JournalId>,
    /// Journals whose branches have, up to a place, and what was looked at of their followers:
    /// each once, since what goes on waiting stays in the room.
    branches: BTreeMap<JournalId, (u64, Key)>,
}

impl Grown {
    pub(crate) fn is_empty(&self) -> bool {
        self.journals.is_empty() && self.branches.is_empty()
    }

    fn branch(&mut self, journal: JournalId, seq: u64) {
        let (upto, looked) = self.branches.entry(journal).or_default();
        *upto = seq.max(*upto);
        *looked = Key::default();
    }

    /// Whatever may have been released before the program ended.
    pub(crate) async fn load(
        conn: &mut SqliteConnection,
        state: &State,
    ) -> Result<Self, StoreError> {
        let journals = waiting::missing(conn).await?;
        let mut grown = Self::default();
        let lanes = state.tips.iter().filter(|(journal, _)| is_lane(**journal));
        let lanes = lanes.map(|(lane, tip)| (stem(*lane), tip.head.seq));
        let branches = state.branches.iter();
        let branches = branches.map(|(journal, branches)| (*journal, branches.last()));
        for (journal, upto) in lanes.chain(branches) {
            if journals.contains(&journal) {
                grown.branch(journal, upto);
            }
        }
        grown.journals = journals;
        Ok(grown)
    }
}

impl Store {
    /// Judges what was released and could not be judged with what released it. The writer does so
    /// by itself; this waits until nothing is left.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn judge_released(&self) -> Result<(), StoreError> {
        while self.inner.view.borrow().released {
            self.ask(Job::Release).await??;
        }
        Ok(())
    }
}

/// Settles what is released by all that `journal` holds by now and by the `branch` that was kept
/// of it, and so on, as far as the transaction's slice goes.
pub(crate) async fn release(
    tx: &mut Tx<'_>,
    journal: JournalId,
    branch: Option<Head>,
) -> Result<(), StoreError> {
    note_grown(tx, journal, branch);
    go_on(tx).await
}

fn note_grown(tx: &mut Tx<'_>, journal: JournalId, branch: Option<Head>) {
    let grown = &mut tx.state.grown;
    grown.journals.insert(journal);
    if let Some(head) = branch {
        // It may have made a chain whole that goes on beyond it.
        let branches = tx.state.branches.get(&head.journal);
        grown.branch(head.journal, branches.map_or(0, Branches::last));
    }
}

/// Settles released bundles until nothing is released or the transaction's slice is spent.
pub(crate) async fn go_on(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    while tx.released < SLICE {
        if let Some(journal) = tx.state.grown.journals.first().copied() {
            match waiting::next(tx, journal).await? {
                Some(found) => {
                    if let Some(hash) = settle_found(tx, found).await? {
                        waiting::forget(tx, &hash).await?;
                    }
                }
                None => {
                    tx.state.grown.journals.remove(&journal);
                }
            }
        } else if let Some((journal, (upto, after))) = tx.state.grown.branches.pop_first() {
            if let Some(found) = waiting::upto(tx, journal, upto, &after).await? {
                let looked = (upto, found.key.clone());
                tx.state.grown.branches.insert(journal, looked);
                settle_found(tx, found).await?;
            }
        } else {
            break;
        }
    }
    Ok(())
}

/// Judges anew what has waited. Its key in the room if it goes on waiting for what seems to be
/// here.
async fn settle_found(tx: &mut Tx<'_>, found: Found) -> Result<Option<Vec<u8>>, StoreError> {
    let Found { key, row } = found;
    let Some(Released {
        offered,
        received_ms,
    }) = row
    else {
        // Nobody was told that it is here for good, so whoever has it sends it again.
        tracing::error!("a waiting bundle is damaged on this disk and was dropped");
        waiting::forget(tx, &key.hash).await?;
        return Ok(None);
    };
    let bytes = offered.bundle.payload.len() as u64;
    tx.released += 1 + bytes / UNIT;
    let Ok(checked) = check(tx, &offered).await? else {
        waiting::forget(tx, &key.hash).await?;
        return Ok(None);
    };
    let (own, hash) = (checked.header.journal(), checked.hash);
    let answer = match take(tx, checked, received_ms).await? {
        // It waits for something else now, and its row says so.
        Taken::Waits { kept, .. } => {
            let moved = kept && key.hash == hash.0;
            return Ok((!moved).then_some(key.hash));
        }
        Taken::Done(answer) => answer,
    };
    waiting::forget(tx, &key.hash).await?;
    let branch = match answer {
        Admission::Fork { head } => Some(head),
        _ => None,
    };
    note_grown(tx, own, branch);
    Ok(None)
}
