//! What the institution has erased, and what that does to a bundle's sections. Pure.
//!
//! An erasure names a record and hashes of its sections; from then on, everywhere:
//!
//! - a section named is kept as its hash alone; header, payload root and signature still prove it;
//! - **no section of an erased record counts**, named or not, before or after, whoever wrote it;
//!   the other sections of the same bundle are judged as if it were not there;
//! - a bundle left with nothing but sections of erased records that nobody named is refused as
//!   `record_erased`; naming them in a further erasure lets their content go too.
//!
//! So what depends on erased changes is judged alike everywhere: changes of a record depend on
//! changes of the same record only, and of those none is judged any more. A site that has not
//! heard of the erasure yet judges as before; when it hears, it comes to the same rows, since
//! only the set of erased records matters and never the order of arrival. A bundle that was
//! refused for an erased record's section alone may begin to count by its other sections.
//!
//! The reason is signed and kept for ever at every site: it must not hold personal data.

use crate::id::{Hash, RecordId};
use crate::payload::{Body, Section};
use std::collections::BTreeMap;

/// How many sections one decision may name; a further one names more.
pub const MAX_SECTIONS: usize = 4_096;
/// Limit of the reason in code points.
pub const MAX_REASON_LEN: usize = 200;
/// Limit of the record's number in bytes.
pub const MAX_NUMBER_LEN: usize = 64;

/// The decision that erased a record; the first, if there are several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Its place in the institution journal.
    pub seq: u64,
    /// When it was signed, ms since the epoch.
    pub wall_ms: i64,
    /// The record's number, so that the gap it leaves is explained; may be empty.
    pub number: String,
    /// Why; no personal data.
    pub reason: String,
}

/// Every erasure so far.
#[derive(Debug, Clone, Default)]
pub struct Erasures {
    records: BTreeMap<RecordId, Erasure>,
    /// Named sections and the decision that first named each.
    sections: BTreeMap<Hash, (RecordId, u64)>,
}

/// What a section is worth, given the erasures known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// No erasure concerns it.
    Live,
    /// Its content is gone, by authority of this institution bundle.
    Erased(u64),
    /// Its content is gone, and no erasure known here says so.
    Unauthorised,
    /// Its content has to go, by authority of this institution bundle.
    Named(u64),
    /// Its record is erased and it was not named: it has no effect.
    Void,
}

impl Erasures {
    /// Adds a decision whose form was checked ([`crate::trust`]). False: it names nothing new.
    pub(crate) fn add(&mut self, record: RecordId, sections: &[Hash], erasure: Erasure) -> bool {
        let seq = erasure.seq;
        let new = |hash: &&Hash| !self.sections.contains_key(*hash);
        let new: Vec<Hash> = sections.iter().filter(new).copied().collect();
        if new.is_empty() {
            return false;
        }
        self.sections
            .extend(new.into_iter().map(|hash| (hash, (record, seq))));
        self.records.entry(record).or_insert(erasure);
        true
    }

    /// Whether nothing was ever erased.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The decision that erased `record`.
    #[must_use]
    pub fn record(&self, record: RecordId) -> Option<&Erasure> {
        self.records.get(&record)
    }

    /// Every erased record.
    pub fn records(&self) -> impl Iterator<Item = (RecordId, &Erasure)> {
        self.records.iter().map(|(id, erasure)| (*id, erasure))
    }

    /// What `section` is worth.
    #[must_use]
    pub fn fate(&self, section: &Section) -> Fate {
        let body = match section {
            Section::Erased(hash) => {
                let named = self.sections.get(hash);
                return named.map_or(Fate::Unauthorised, |(_, seq)| Fate::Erased(*seq));
            }
            Section::Present { .. } if self.is_empty() => return Fate::Live,
            Section::Present { body, .. } => body,
        };
        let Some(record) = record_of(body).filter(|id| self.records.contains_key(id)) else {
            return Fate::Live;
        };
        match self.sections.get(&section.hash()) {
            // A hash named under another record's name erases nothing.
            Some((named, seq)) if *named == record => Fate::Named(*seq),
            _ => Fate::Void,
        }
    }

    /// The sections as they may be kept, if that is not as they are.
    #[must_use]
    pub fn erase(&self, sections: &[Section]) -> Option<Vec<Section>> {
        let named = |section: &Section| matches!(self.fate(section), Fate::Named(_));
        if self.is_empty() || !sections.iter().any(named) {
            return None;
        }
        let kept = sections.iter().map(|section| match self.fate(section) {
            Fate::Named(_) => Section::Erased(section.hash()),
            _ => section.clone(),
        });
        Some(kept.collect())
    }
}

/// The record whose changes a section's body holds.
#[must_use]
pub fn record_of(body: &[u8]) -> Option<RecordId> {
    match Body::decode(body) {
        Ok(Body::Record(changes)) => Some(changes.record),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::RecordChanges;

    fn section(record: u8, salt: u8) -> Section {
        let body = Body::Record(RecordChanges {
            record: RecordId([record; 16]),
            kind: "log_item".to_owned(),
            table_version: 1,
            changes: vec![vec![1, 2, 3]],
        });
        Section::Present {
            salt: [salt; 16],
            body: body.encode(),
        }
    }

    fn erased(record: u8, sections: &[Section]) -> Erasures {
        let mut erasures = Erasures::default();
        let hashes: Vec<Hash> = sections.iter().map(Section::hash).collect();
        let erasure = Erasure {
            seq: 7,
            wall_ms: 0,
            number: String::new(),
            reason: "保存期满".to_owned(),
        };
        assert!(erasures.add(RecordId([record; 16]), &hashes, erasure));
        erasures
    }

    #[test]
    fn a_named_section_goes_an_unnamed_one_of_the_record_is_void_and_others_live() {
        let (named, other) = (section(1, 1), section(1, 2));
        let erasures = erased(1, std::slice::from_ref(&named));
        assert_eq!(erasures.fate(&named), Fate::Named(7));
        assert_eq!(erasures.fate(&other), Fate::Void);
        assert_eq!(erasures.fate(&section(2, 1)), Fate::Live);
        assert_eq!(
            erasures.fate(&Section::Erased(named.hash())),
            Fate::Erased(7)
        );
        let unknown = Section::Erased(other.hash());
        assert_eq!(erasures.fate(&unknown), Fate::Unauthorised);
    }

    #[test]
    fn erasing_keeps_the_payload_root() {
        let sections = [section(1, 1), section(2, 2)];
        let erasures = erased(1, &sections[..1]);
        let kept = erasures.erase(&sections).unwrap();
        assert_eq!(crate::payload::root(&kept), crate::payload::root(&sections));
        assert_eq!(kept[1], sections[1]);
        assert_eq!(erasures.erase(&kept), None);
    }

    #[test]
    fn a_hash_named_under_another_record_erases_nothing() {
        let other = section(2, 1);
        let erasures = erased(1, std::slice::from_ref(&other));
        assert_eq!(erasures.fate(&other), Fate::Live);
    }
}
