//! An Automerge change chunk taken apart, and put together again to the very same bytes.
//!
//! For whoever sends changes and need not send what the other side can compute: the checksum and
//! the hashes of changes it has just been given.

use crate::id::Hash;
use crate::prescan::{self, CHUNK_TYPE_CHANGE, MAGIC};
use sha2::{Digest as _, Sha256};

/// What a change chunk consists of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    /// The changes it directly depends on.
    pub deps: Vec<Hash>,
    /// Automerge's actor id.
    pub actor: Vec<u8>,
    /// Its place among the actor's changes.
    pub seq: u64,
    /// Its first operation's counter, its time, its message and the actors it refers to.
    pub about: Vec<u8>,
    /// Its operations by column: Automerge's specification of the column, and its bytes.
    pub columns: Vec<(u64, Vec<u8>)>,
    /// What Automerge does not read.
    pub rest: Vec<u8>,
}

/// The column of names: fields, and the ids of items.
pub const NAMES: u64 = prescan::columns::spec::KEY_STRING;
/// The column of values, one behind the other.
pub const VALUES: u64 = prescan::columns::spec::VALUE;
/// Most columns of a change that is taken apart.
pub const MAX_COLUMNS: usize = prescan::columns::MAX_COLUMNS;

/// Takes a change apart; `None` unless [`put_together`] gives exactly these bytes again.
#[must_use]
pub fn take_apart(change: &[u8]) -> Option<Parts> {
    let parts = prescan::parts(change).ok()?;
    (put_together(&parts).0 == change).then_some(parts)
}

/// The bytes of a change and Automerge's hash of it.
#[must_use]
pub fn put_together(parts: &Parts) -> (Vec<u8>, Hash) {
    let mut body = Vec::new();
    push_uint(&mut body, parts.deps.len() as u64);
    for dep in &parts.deps {
        body.extend(dep.0);
    }
    push_uint(&mut body, parts.actor.len() as u64);
    body.extend(&parts.actor);
    push_uint(&mut body, parts.seq);
    body.extend(&parts.about);
    push_uint(&mut body, parts.columns.len() as u64);
    for (spec, bytes) in &parts.columns {
        push_uint(&mut body, *spec);
        push_uint(&mut body, bytes.len() as u64);
    }
    for (_, bytes) in &parts.columns {
        body.extend(bytes);
    }
    body.extend(&parts.rest);
    let mut change = Vec::with_capacity(body.len() + 16);
    change.extend(MAGIC);
    change.extend([0; 4]);
    change.push(CHUNK_TYPE_CHANGE);
    push_uint(&mut change, body.len() as u64);
    change.extend(body);
    let hash: [u8; 32] = Sha256::digest(&change[8..]).into();
    change[4..8].copy_from_slice(&hash[..4]);
    (change, Hash(hash))
}

/// Unsigned LEB128 in its shortest form, as Automerge writes it.
fn push_uint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prescan::tests::{EVERY_KIND, repair_checksum};
    use proptest::prelude::*;

    #[test]
    fn a_real_change_comes_back_byte_for_byte() {
        for change in EVERY_KIND.iter() {
            let parts = take_apart(change.raw_bytes()).expect("a real change");
            let (bytes, hash) = put_together(&parts);
            assert_eq!(bytes, change.raw_bytes());
            assert_eq!(hash, Hash(change.hash().0));
        }
    }

    #[test]
    fn a_number_in_a_longer_form_is_left_whole() {
        let parts = Parts {
            about: vec![1, 0, 0, 0],
            rest: vec![1, 2, 3],
            ..Parts::default()
        };
        let (change, _) = put_together(&parts);
        assert_eq!(take_apart(&change), Some(parts));
        // The same with the chunk's length as two bytes.
        let mut longer = change[..9].to_vec();
        longer.extend([change[9] | 0x80, 0]);
        longer.extend(&change[10..]);
        repair_checksum(&mut longer);
        assert_eq!(take_apart(&longer), None);
    }

    proptest! {
        #[test]
        fn whatever_is_taken_apart_comes_back(
            deps in proptest::collection::vec(any::<[u8; 32]>(), 0..4),
            actor in proptest::collection::vec(any::<u8>(), 0..40),
            seq in any::<u64>(),
            columns in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..90), 0..8),
            rest in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let deps = deps.into_iter().map(Hash).collect();
            let about = vec![9, 0, 0, 1, 2, 7, 7];
            // Specifications that do not say "deflated".
            let columns = (0u64..).map(|at| at << 4).zip(columns).collect();
            let parts = Parts { deps, actor, seq, about, columns, rest };
            let (change, _) = put_together(&parts);
            prop_assert_eq!(take_apart(&change), Some(parts));
        }

        #[test]
        fn garbage_is_left_whole_or_comes_back(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            if let Some(parts) = take_apart(&bytes) {
                prop_assert_eq!(put_together(&parts).0, bytes);
            }
        }
    }
}
