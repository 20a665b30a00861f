//! Honest changes on real records for the `gate` target, and damage that leaves them changes.

mod cases;

pub use cases::{Case, cases};

use records::chunk::{Parts, put_together};
use records::id::Hash;

/// The change with these edits, four bytes each: what, where (two bytes) and which value. Lengths,
/// counts and the checksum are right again, so that the gate looks inside.
#[must_use]
pub fn edited(mut parts: Parts, edits: &[u8]) -> Vec<u8> {
    for edit in edits.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([edit[1], edit[2]]));
        apply(&mut parts, edit[0], at, edit[3]);
    }
    put_together(&parts).0
}

fn apply(parts: &mut Parts, what: u8, at: usize, value: u8) {
    let columns = parts.columns.len().max(1);
    let column = parts.columns.get_mut(at % columns);
    let within = at / columns;
    match (what % 12, column) {
        (0..=3, Some((_, bytes))) => set(bytes, within, value),
        (4, Some((_, bytes))) => bytes.insert(within % (bytes.len() + 1), value),
        (5, Some((_, bytes))) if !bytes.is_empty() => {
            bytes.remove(within % bytes.len());
        }
        (6, Some((spec, _))) => *spec = u64::from(value),
        (7, _) => set(&mut parts.about, at, value),
        (8, _) => parts.seq = parts.seq.wrapping_add_signed(i64::from(value.cast_signed())),
        (9, _) => set(&mut parts.actor, at, value),
        (10, _) if value > 250 => parts.deps.push(Hash([value; 32])),
        (10, _) if !parts.deps.is_empty() => {
            let dep = parts.deps.remove(at % parts.deps.len());
            parts.deps.extend(vec![dep; usize::from(value % 3)]);
        }
        (11, _) => parts.rest.push(value),
        _ => {}
    }
}

fn set(bytes: &mut [u8], at: usize, value: u8) {
    if let Some(last) = bytes.len().checked_sub(1) {
        bytes[at % (last + 1)] = value;
    }
}
