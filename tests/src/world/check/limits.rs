//! What is bounded whatever anybody sends, and what a disk must not lack.

use anyhow::{Result, ensure};
use records::id::{Hash, JournalId};
use std::collections::{BTreeMap, BTreeSet};
use store::Store;
use sync::wire::{Frame, MAX_BODY_LEN, MAX_BUNDLES, MAX_HEADS, MAX_MESSAGE_LEN};

/// Bundles of one journal that may wait (`store::waiting`).
const WAITING_OF_A_JOURNAL: u64 = 4_096;
/// Ends of branches kept of a journal that was closed (`store::branch`).
const LEAVES_OF_A_JOURNAL: usize = 32;

/// Invariant 11: no frame is taken that is longer than its limits, on the wire or in memory.
pub(crate) fn i11_a_frame_is_bounded(body: &[u8], frame: &Frame) -> Result<()> {
    ensure!(body.len() <= MAX_BODY_LEN, "{} bytes were read", body.len());
    match frame {
        Frame::Bundles { runs, .. } => {
            let len = frame.weight();
            ensure!(len <= MAX_MESSAGE_LEN, "a frame became {len} bytes");
            let bundles: usize = runs.iter().map(|run| run.bundles.len()).sum();
            ensure!(bundles <= MAX_BUNDLES, "too many bundles");
        }
        Frame::Frontier(heads) => ensure!(heads.len() <= MAX_HEADS, "too many heads"),
        _ => {}
    }
    Ok(())
}

/// Invariant 11: whatever a hostile site sends, what waits for a predecessor has a limit.
pub(super) async fn i11_what_waits_is_bounded(store: &Store) -> Result<()> {
    let counts = store.counts().await?;
    let most = WAITING_OF_A_JOURNAL * (counts.journals.len() as u64 + 1);
    ensure!(counts.waiting <= most, "{} bundles wait", counts.waiting);
    Ok(())
}

/// Invariant 11: however often a hostile site signs another past, few are kept.
pub(super) async fn i11_branches_are_bounded(store: &Store) -> Result<()> {
    let bundles = store.branch_bundles().await?;
    let (mut followed, mut leaves) = (BTreeSet::new(), BTreeMap::<JournalId, Vec<Hash>>::new());
    for bundle in &bundles {
        let header = bundle.decode_header()?;
        followed.insert(header.prev);
        leaves
            .entry(header.journal())
            .or_default()
            .push(bundle.hash());
    }
    for (journal, hashes) in leaves {
        let ends = hashes
            .iter()
            .filter(|hash| !followed.contains(hash))
            .count();
        ensure!(
            ends <= LEAVES_OF_A_JOURNAL,
            "{ends} ends of branches of {journal} are kept"
        );
    }
    Ok(())
}

/// Invariant 3: what a disk lost came back.
pub(super) fn i3_nothing_is_lost_on_a_disk(store: &Store) -> Result<()> {
    let holes = store.holes_known();
    ensure!(holes == 0, "{holes} bundles are lost or damaged");
    Ok(())
}
