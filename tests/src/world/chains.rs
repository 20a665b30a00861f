//! What a session asks of a store about forked journals, and what bundles from a peer came to.

use records::bundle::{Bundle, Head};
use store::{Admission, Store, StoreError};
use sync::session::{Outcome, fork};
use sync::wire::Lacking;

/// Bytes of one answer; small, so that chains come in pieces.
const CHAIN_LEN: usize = 2_000;

/// Does a session's work about forked journals.
///
/// # Errors
/// What the store says.
pub(super) async fn branch(
    store: &Store,
    work: fork::Work,
    wall_ms: i64,
) -> Result<fork::Event, StoreError> {
    Ok(match work {
        fork::Work::Compare { ends, met } => {
            let missing = store.missing(&ends, met).await?.into_iter();
            let lacking = missing.map(|one| Lacking {
                tip: one.tip,
                have: one.have,
            });
            fork::Event::Missing(lacking.collect())
        }
        fork::Work::Read(Lacking { tip, have }) => {
            fork::Event::Chain(store.chain_after(tip, &have, CHAIN_LEN).await?)
        }
        fork::Work::Take(bundles) => {
            let admissions = admit(store, bundles, wall_ms).await?;
            fork::Event::Taken(outcome(store, &admissions))
        }
    })
}

/// Offers bundles and waits for all they release, so that a world goes the same way every time.
pub(super) async fn admit(
    store: &Store,
    bundles: Vec<Bundle>,
    wall_ms: i64,
) -> Result<Vec<Admission>, StoreError> {
    let admissions = store.admit(bundles, wall_ms).await?;
    store.judge_released().await?;
    Ok(admissions)
}

/// What a batch of answers means for a session.
pub(super) fn outcome(store: &Store, admissions: &[Admission]) -> Outcome {
    let mut outcome = Outcome {
        heads: store.frontier(),
        ..Outcome::default()
    };
    for admission in admissions {
        match admission {
            Admission::Fork { head } => outcome.forks.push((head.journal, head.seq)),
            Admission::Waiting { kept: false, .. } => outcome.lost = true,
            Admission::NotOurs { .. } => outcome.strangers += 1,
            _ => {}
        }
    }
    outcome
}

/// The ends of what a store holds of forked journals, as a session hears of them.
#[must_use]
pub(super) fn ends(store: Option<&Store>) -> Vec<Head> {
    store.map(Store::branches).unwrap_or_default()
}
