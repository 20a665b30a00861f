//! `admit`: bundles of other sites that one site takes in per second, through signature check,
//! gate, projections and a durable transaction a bite, as when it joins or was away for weeks;
//! and what a rebuild replays per second.
//!
//! A realistic history of two campuses, one change a bundle (the worst case: real actions often
//! carry several), offered in the bites a link offers at most, one after the other. Anchor: the
//! same strict signature checks and nothing else, in memory, on every core. From the rate follows
//! how long a site needs to join ten years of two campuses: 1.1 million records of four changes.
//!
//! Signatures are checked on every core before the writer has the bite; then records that have
//! nothing in common are judged on different cores, each on the document its last judgement left.
//!
//! The goal is missed: a bundle costs some 0.5 ms of processor time, with its signature and its
//! rows, so two cores that do nothing else cannot pass 4,000 /s. Most of it is the gate (figure
//! `gate`): each change is saved, loaded, read whole and edited, on a copy. Next: find out which of
//! the gate's looks at the whole document can be one, and check and judge the next bite while
//! SQLite writes this one.

use crate::figure::{Figure, Goal, Size, folder, now, runtime};
use crate::verify::bare;
use anyhow::{Result, ensure};
use records::bundle::Bundle;
use store::Store;
use tests::history::{self, History, Plan};

/// Bundles of a link's largest bite.
const BITE: usize = 512;
/// Records of ten years of two campuses, and the changes of each.
const TEN_YEARS: f64 = 1_100_000.0 * 4.0;

pub(crate) fn run(size: Size) -> Result<Vec<Figure>> {
    let records = size.pick(500, 10_000);
    let bundles: Vec<Bundle> = History::new(Plan::year().with_records(records)).collect();
    let (admitted, replayed) = runtime()?.block_on(site(&bundles))?;
    Ok(vec![
        Figure::new("admitted bundles of other sites", admitted, "/s")
            .goal(Goal::AtLeast(5_000.0))
            .anchor("strict signature checks alone, every core", bare(&bundles)),
        Figure::new(
            "ten years of two campuses join in",
            TEN_YEARS / admitted / 60.0,
            "min",
        ),
        Figure::new("rebuild: replayed bundles", replayed, "/s"),
    ])
}

/// Bundles per second: admitted, then replayed.
async fn site(bundles: &[Bundle]) -> Result<(f64, f64)> {
    let folder = folder()?;
    let store = Store::open(&folder.path().join("site")).await?;
    store.admit(history::founding(), history::BEGIN_MS).await?;
    let begun = now();
    for bite in bundles.chunks(BITE) {
        store.admit(bite.to_vec(), history::BEGIN_MS).await?;
    }
    let admitted = begun.elapsed().as_secs_f64();
    let counts = store.counts().await?;
    ensure!(
        counts.quarantined == 0 && counts.waiting == 0,
        "every bundle of the history counts"
    );
    let begun = now();
    store.rebuild().await?;
    let replayed = begun.elapsed().as_secs_f64();
    ensure!(store.counts().await?.changes == counts.changes, "the same");
    #[expect(clippy::cast_precision_loss, reason = "counts of one run")]
    let all = bundles.len() as f64;
    Ok((all / admitted, all / replayed))
}
