//! What a scrub brings goes into the store in the order in which holes can be filled.

use super::Taken;
use records::bundle::{Bundle, Head};
use records::id::{Hash, JournalId};
use std::collections::BTreeMap;
use store::Admission;

/// Bundles for holes from the end of each journal, then the others from the beginning. `heads` is
/// what the store holds.
#[must_use]
pub fn in_order(heads: &[Head], bundles: Vec<Bundle>) -> Vec<Bundle> {
    let heads: BTreeMap<JournalId, u64> =
        heads.iter().map(|head| (head.journal, head.seq)).collect();
    let (mut lost, mut next) = (Vec::new(), Vec::new());
    for bundle in bundles {
        let place = bundle
            .decode_header()
            .map(|header| (header.journal(), header.seq));
        let (journal, seq) = place.unwrap_or((JournalId::INSTITUTION, 0));
        match heads.get(&journal) {
            Some(head) if seq <= *head => lost.push((seq, bundle)),
            _ => next.push((seq, bundle)),
        }
    }
    lost.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    next.sort_by_key(|(seq, _)| *seq);
    lost.into_iter().chain(next).map(|(_, b)| b).collect()
}

impl Taken {
    /// What the store's answers about these bundles come to.
    #[must_use]
    pub fn of(hashes: Vec<Hash>, admissions: Vec<Admission>) -> Self {
        let mut taken = Self::default();
        for (hash, admission) in hashes.into_iter().zip(admissions) {
            match admission {
                Admission::Waiting { kept: false, .. } => taken.again.push(hash),
                Admission::NotOurs { .. } => taken.strangers += 1,
                Admission::Duplicate => taken.known += 1,
                _ => taken.put += 1,
            }
        }
        taken
    }
}
