//! Where a bundle stands in its journal, and the hybrid logical clock. Pure.

use crate::bundle::{Head, Header};
use crate::id::Hash;

/// A site keeps its own hybrid logical clock at most this far ahead of its wall clock, in ms
/// (DESIGN.md section 4, *Clocks*).
pub const MAX_AHEAD_MS: i64 = 60_000;

const COUNTER_BITS: u32 = 16;

/// A bundle's place in its journal as far as we hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It follows the head.
    Next,
    /// We hold this very bundle.
    Duplicate,
    /// Bundles before it are missing.
    Gap,
    /// It contradicts what we hold, or no journal can contain it: signed proof of a fork.
    Fork,
}

/// Places a bundle with a valid signature.
///
/// `stored_hash_at_seq` is the hash of the bundle we hold at `header.seq`, if any; it is looked
/// at only when the sequence number is not beyond the head.
#[must_use]
pub fn place(
    head: Option<&Head>,
    stored_hash_at_seq: Option<Hash>,
    header: &Header,
    hash: Hash,
) -> Place {
    let (held, tip) = head.map_or((0, Hash::default()), |head| (head.seq, head.hash));
    if header.seq == 0 {
        return Place::Fork;
    }
    if header.seq <= held {
        let stored = if header.seq == held {
            Some(tip)
        } else {
            stored_hash_at_seq
        };
        return if stored == Some(hash) {
            Place::Duplicate
        } else {
            Place::Fork
        };
    }
    if header.seq - held > 1 {
        Place::Gap
    } else if header.prev == tip {
        Place::Next
    } else {
        Place::Fork
    }
}

/// The clock value of a site's next bundle after `last`, its own previous one.
#[must_use]
pub fn next_hlc(last: u64, wall_ms: i64) -> u64 {
    last.saturating_add(1).max(of_wall(wall_ms))
}

/// Takes in a foreign clock value, but never more than [`MAX_AHEAD_MS`] ahead of our wall clock.
#[must_use]
pub fn observe_hlc(last: u64, foreign: u64, wall_ms: i64) -> u64 {
    let cap = of_wall(wall_ms.saturating_add(MAX_AHEAD_MS));
    last.max(foreign.min(cap))
}

/// By how many ms `hlc` is further ahead of `wall_ms` than [`MAX_AHEAD_MS`] allows; 0 is fine.
///
/// For flags and alarms only: verdicts never read clocks.
#[must_use]
pub fn hlc_excess_ms(hlc: u64, wall_ms: i64) -> u64 {
    let cap = wall_ms.saturating_add(MAX_AHEAD_MS).max(0).unsigned_abs();
    (hlc >> COUNTER_BITS).saturating_sub(cap)
}

fn of_wall(wall_ms: i64) -> u64 {
    let wall = wall_ms.max(0).unsigned_abs();
    wall.min(u64::MAX >> COUNTER_BITS) << COUNTER_BITS
}

#[cfg(test)]
mod tests;
