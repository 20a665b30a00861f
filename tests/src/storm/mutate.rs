//! Honest changes with one to three damaged bytes and a right checksum again.

use super::corpus::Case;
use rand::Rng as _;
use rand::rngs::StdRng;
use records::payload::RecordChanges;
use sha2::{Digest as _, Sha256};

/// Magic and checksum, which are made good again.
const HEADER: usize = 8;

/// The case's section with one change damaged.
pub fn section(rng: &mut StdRng, case: &Case) -> RecordChanges {
    let mut section = case.section.clone();
    let index = rng.random_range(0..section.changes.len());
    damage(rng, &mut section.changes[index]);
    section
}

fn damage(rng: &mut StdRng, change: &mut [u8]) {
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(HEADER..change.len());
        change[at] = match rng.random_range(0..4) {
            0 => rng.random(),
            1 => change[at] ^ (1 << rng.random_range(0..8)),
            2 => [0, 1, 0x7f, 0x80, 0xff][rng.random_range(0..5)],
            _ => change[at].wrapping_add(1),
        };
    }
    repair(change);
}

/// Gives a change the checksum of its bytes.
pub fn repair(change: &mut [u8]) {
    let hash = Sha256::digest(&change[HEADER..]);
    change[4..HEADER].copy_from_slice(&hash[..4]);
}
