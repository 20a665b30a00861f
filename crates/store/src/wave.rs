//! Bundles that stand in their journals already and are judged together, then settled in order.

use crate::error::StoreError;
use crate::judge::{self, Case, Stop};
use crate::settle;
use crate::shelf;
use crate::state::State;
use crate::trial::{self, Charge};
use crate::tx::Tx;
use records::bundle::Head;
use records::id::RecordId;
use std::collections::BTreeSet;

/// Bundles whose verdicts are still open.
#[derive(Default)]
pub(crate) struct Wave(Vec<Charge>);

/// A settled bundle of a wave.
pub(crate) struct Settled {
    pub(crate) case: Case,
    pub(crate) head: Head,
    /// Why it does not count, if it does not.
    pub(crate) stop: Option<Stop>,
}

impl Wave {
    /// Takes a record bundle in, as the state stands before it is appended to its journal.
    pub(crate) fn push(&mut self, state: &State, case: Case) -> &Case {
        let brief = judge::brief(state, &case);
        self.0.push((case, brief));
        &self.0[self.0.len() - 1].0
    }

    /// Judges and settles everything taken in.
    pub(crate) async fn settle(&mut self, tx: &mut Tx<'_>) -> Result<Vec<Settled>, StoreError> {
        let charges = std::mem::take(&mut self.0);
        let briefs = charges.iter().filter_map(|(_, brief)| brief.as_ref().ok());
        let bodies = briefs.flat_map(|brief| &brief.bodies);
        let records: BTreeSet<RecordId> = bodies.map(|body| body.record).collect();
        let seats = shelf::seats(tx, &records).await?;
        let mut settled = Vec::with_capacity(charges.len());
        for (case, judgement) in trial::all(charges, seats) {
            let judgement = judgement?;
            let stop = judgement.stop();
            let head = settle::conclude(tx, &case, judgement).await?;
            settled.push(Settled { case, head, stop });
        }
        Ok(settled)
    }
}
