//! Where the branches that a closure adopted stand.
//!
//! The k-th further chain of a closed journal is kept in `bundle` and the caches like a journal
//! of its own, under the closed journal's incarnation with k in the bits above those an
//! incarnation can have. So a causal past stays one number per journal, branches included. Only
//! this crate knows these ids; whatever leaves it names the journal itself.

use records::id::JournalId;

const BITS: u32 = 24;
/// The highest incarnation of a journal; lanes are above.
pub(crate) const LAST_INCARNATION: u32 = (1 << BITS) - 1;
const _: () = assert!(
    records::trust::MAX_INCARNATION + records::trust::MAX_OPENED == LAST_INCARNATION
        && records::trust::MAX_CLOSING_HEADS < 1 << (32 - BITS)
);

/// The lane of the closure head `number`, from 1.
pub(crate) fn lane(journal: JournalId, number: usize) -> JournalId {
    let number = u32::try_from(number).expect("a closure has few heads");
    JournalId {
        incarnation: journal.incarnation | number << BITS,
        ..journal
    }
}

/// The journal itself.
pub(crate) fn stem(journal: JournalId) -> JournalId {
    JournalId {
        incarnation: journal.incarnation & LAST_INCARNATION,
        ..journal
    }
}

pub(crate) fn is_lane(journal: JournalId) -> bool {
    journal.incarnation > LAST_INCARNATION
}
