//! What the fuzz targets and their first inputs are made from.

pub mod bundles;
pub mod carried;

use records::id::Hash;
use sync::scrub::set::Set;

/// A set of so many bundles, to be compared with.
#[must_use]
pub fn set(count: u64) -> Set {
    let mut set = Set::default();
    let hash = |at: u64| Hash(*blake3::hash(&at.to_be_bytes()).as_bytes());
    set.extend((0..count).map(|at| (at, hash(at))));
    set
}
