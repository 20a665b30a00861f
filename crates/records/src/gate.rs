//! The gate: what every foreign change passes before anything durable depends on it.
//!
//! For each change of a record section, in order: its form ([`crate::prescan`]), its writer (the
//! signer's actor; a record is created only under an id of the signer's site), its place (known
//! dependencies, operations and sequence number that follow), each of its operations (only what
//! our writers make, [`ops`]), and the record before and after it by the kind's table
//! ([`compare`]), judged on the record *at the change's own dependencies* so that all sites agree
//! whatever else has reached them. At last the whole copy is saved, loaded again and edited once.
//!
//! What our own code finds wrong is *refused*, for good. What this version does not know, and
//! whatever only Automerge stumbles over, is *held* and may be judged again after an upgrade.
//!
//! Sections of erased records never come here ([`crate::erasure`]).
//!
//! The gate changes nothing it is given and reads no clock, randomness or environment that a
//! verdict could depend on.

use crate::field::FieldFault;
use crate::id::{Hash, JournalId};
use crate::payload::RecordChanges;
use crate::prescan::{Scan, prescan};
use crate::read::{Record, read, read_present};
use crate::write::journal_of;
use automerge::transaction::Transactable as _;
use automerge::{ActorId, Automerge, AutomergeError, Change, ChangeHash, ROOT};
use history::{History, Past};
use library::{library, saved};
use refusal::Stop;
use rules::View;
use survey::Survey;

mod compare;
mod history;
mod library;
mod made;
mod ops;
mod refusal;
mod rules;
mod survey;
#[cfg(test)]
mod tests;

pub use compare::excess;
pub use library::caught_panics;
pub use made::judge_made;
pub use refusal::{Hold, Refusal};
pub use rules::{REVISION, RULES, Rules};

/// How many changes one section may have; our writers put one in.
pub const MAX_CHANGES: usize = 64;
/// Highest operation counter. Automerge 0.12.0 panics on the next local edit near 2^32
/// (findings-sync.md section 3, *Op-id exhaustion*); this leaves room for 2^31 more.
pub const MAX_OP: u64 = 1 << 31;

/// How many operations a record may have in one change's past, the change included: 130,000
/// characters typed, or as many field values.
pub const MAX_RECORD_OPS: u64 = 1 << 17;
/// How many operations a record may come to by merging; beyond that it is [`Hold::TooLarge`]. Only
/// a site that writes against itself gets there, and its revocation brings the record back.
pub const MAX_MERGED_OPS: u64 = 4 * MAX_RECORD_OPS;
/// How many operations all changes of one bundle may make the gate go over, each with its past:
/// what the changes of an action come to, not one after the other.
pub const MAX_WORK: u64 = 8 * MAX_RECORD_OPS;

/// The gate's answer for one record section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every change may stand.
    Accepted(Box<Admitted>),
    /// At least one change may never stand; the whole bundle is refused, for good.
    Refused(Refusal),
    /// This version cannot judge; to be judged again after an upgrade.
    Held(Hold),
}

/// What accepted changes come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The record's document with the changes, saved. Its heads are the same at every site,
    /// its bytes depend on the order in which changes came in.
    pub snapshot: Vec<u8>,
    /// The record as it now reads, by its own kind's table: where two journals of one site
    /// created it at once as two kinds, that of the one that Automerge lets win.
    pub record: Record,
    /// The record as it read before; `None` if there was none.
    pub before: Option<Record>,
    /// The number the section gave the record, if it created it.
    pub given: Option<String>,
    /// The section's changes in order.
    pub changes: Vec<ChangeMeta>,
    /// Operations gone over; those of all sections of a bundle are at most [`MAX_WORK`].
    pub work: u64,
    /// Fields that concurrent edits have made longer than their limit: a warning only.
    pub excess: Vec<(String, FieldFault)>,
}

/// One change for the store's change rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeMeta {
    /// Automerge's hash of the change.
    pub hash: [u8; 32],
    /// Its place among its actor's changes, from 1.
    pub seq: u64,
    /// Counter of its first operation.
    pub start_op: u64,
    /// Counter of its last operation.
    pub max_op: u64,
}

/// Judges one record section of a bundle.
///
/// `base` is our snapshot of the record, if we have one; it must hold every change in the
/// bundle's causal past. `signer` is the journal whose key signed, `rules` the rule set active
/// in the bundle's past (see [`Rules`]). All of `base` is taken to be in the bundle's past; where
/// it may hold more, [`judge_in_past`] makes the difference.
#[must_use]
pub fn judge(
    base: Option<&[u8]>,
    section: &RecordChanges,
    signer: JournalId,
    rules: impl Into<Rules>,
) -> Verdict {
    judge_in_past(base, section, signer, rules, &|_| true)
}

/// [`judge`], with `in_past` telling which changes of `base` belong to bundles in this bundle's
/// causal past: depending on any other is refused, at every site alike, and so is creating what one
/// of them has created.
#[must_use]
pub fn judge_in_past(
    base: Option<&[u8]>,
    section: &RecordChanges,
    signer: JournalId,
    rules: impl Into<Rules>,
    in_past: &dyn Fn(&Hash) -> bool,
) -> Verdict {
    let mut copy = None;
    judge_next(base, &mut copy, section, signer, rules, in_past)
}

/// [`judge_in_past`], one section after the other: `copy` is the document of `base` that the last
/// one left, if it did, so that it need not be loaded again. If the section is accepted, `copy` is
/// the record's new document afterwards; if not, it may be gone.
#[must_use]
pub fn judge_next(
    base: Option<&[u8]>,
    copy: &mut Option<Automerge>,
    section: &RecordChanges,
    signer: JournalId,
    rules: impl Into<Rules>,
    in_past: &dyn Fn(&Hash) -> bool,
) -> Verdict {
    let rules = rules.into();
    let doc = || match (copy.take(), base) {
        (Some(doc), _) => Ok(doc),
        (None, Some(bytes)) => {
            library("snapshot", || Automerge::load(bytes)).map_err(|_| Hold::Snapshot.into())
        }
        (None, None) => Ok(Automerge::new()),
    };
    let judged = Court::on(section, signer, rules, in_past, doc).and_then(|mut court| {
        let changes = section.changes.iter();
        let metas = changes.map(|change| court.admit(change));
        let metas = metas.collect::<Result<_, _>>()?;
        court.close(metas)
    });
    rules.verdict(judged.map(|(admitted, doc)| {
        *copy = Some(doc);
        admitted
    }))
}

/// The throw-away copy of a record on which a section is judged.
struct Court<'a> {
    view: View,
    signer: JournalId,
    in_past: &'a dyn Fn(&Hash) -> bool,
    doc: Automerge,
    history: History,
    before: Option<Record>,
    /// The copy as it reads now.
    now: Option<Record>,
    /// The number that creating the record gave it.
    given: Option<String>,
    /// The changes of the section that stand so far.
    stood: Vec<Hash>,
    /// Operations gone over so far.
    work: u64,
}

impl<'a> Court<'a> {
    /// Looks at the section as a whole, and only then at the document.
    fn on(
        section: &RecordChanges,
        signer: JournalId,
        rules: Rules,
        in_past: &'a dyn Fn(&Hash) -> bool,
        doc: impl FnOnce() -> Result<Automerge, Stop>,
    ) -> Result<Self, Stop> {
        let view = rules.view(&section.kind, section.table_version)?;
        if section.changes.is_empty() || section.changes.len() > MAX_CHANGES {
            return Err(Refusal::Count.into());
        }
        // Before our copy is looked at: that we have one must not change the answer.
        if section.record.home() != signer.site
            && section.changes.iter().any(|change| creates(change))
        {
            return Err(Refusal::ForeignRecordId.into());
        }
        let doc = doc()?;
        let history = History::of(&doc);
        let before = read_present(&doc).ok();
        Ok(Self {
            view,
            signer,
            in_past,
            doc,
            history,
            now: before.clone(),
            before,
            given: None,
            stood: Vec::new(),
            work: 0,
        })
    }

    /// Judges one change and applies it.
    fn admit(&mut self, bytes: &[u8]) -> Result<ChangeMeta, Stop> {
        let (scan, past, change) = self.look(bytes)?;
        let (view, signer) = (self.view, self.signer);
        if past.whole {
            let survey = Survey::of(&self.doc, self.now.take(), view, signer, &change)?;
            library("apply", || self.doc.apply_changes([change]))?;
            let after = survey.compare(&self.doc)?;
            self.note(&scan, &after);
            self.now = Some(after);
        } else {
            let (mut then, before) = self.then(&scan.deps)?;
            let survey = Survey::of(&then, before, view, signer, &change)?;
            library("apply", || then.apply_changes([change.clone()]))?;
            let after = survey.compare(&then)?;
            self.note(&scan, &after);
            library("merge", || self.doc.apply_changes([change]))?;
            self.now = Some(library("read", || read_present(&self.doc))?);
        }
        Ok(meta(&scan))
    }

    /// The record where a change with these dependencies was made; none if it creates it.
    fn then(&self, deps: &[Hash]) -> Result<(Automerge, Option<Record>), Stop> {
        if deps.is_empty() {
            return Ok((Automerge::new(), None));
        }
        let deps: Vec<ChangeHash> = deps.iter().map(|dep| ChangeHash(dep.0)).collect();
        let then = library("fork", || self.doc.fork_at(&deps))?;
        let before = library("read", || {
            Ok::<_, AutomergeError>(read(&then, self.view.table, None))
        })?;
        Ok((then, Some(before.map_err(|_| Refusal::OtherKind)?)))
    }

    /// Everything about a change that needs no second look at the document.
    fn look(&mut self, bytes: &[u8]) -> Result<(Scan, Past, Change), Stop> {
        let scan = prescan(bytes)?;
        let past = self.check_place(&scan)?;
        self.work += past.ops + scan.ops;
        if self.work > MAX_WORK {
            return Err(Refusal::Work.into());
        }
        // Only of what the change has seen: the rest of our copy must not change the answer.
        let kind = self.now.as_ref().map(|record| record.table.kind);
        if past.whole && !self.history.is_empty() && kind != Some(self.view.table.kind) {
            return Err(Refusal::OtherKind.into());
        }
        if self.history.ops() + scan.ops > MAX_MERGED_OPS {
            return Err(Hold::TooLarge.into());
        }
        let change = library("parse", || Change::try_from(bytes))?;
        if change.hash().0 != scan.hash.0 || change.len() as u64 != scan.ops {
            return Err(Hold::Library("parse").into());
        }
        Ok((scan, past, change))
    }

    /// Takes account of a change that stands; `after` is what it made of the record it saw.
    fn note(&mut self, scan: &Scan, after: &Record) {
        if scan.deps.is_empty() {
            self.given.clone_from(&after.number);
        }
        self.history.add(scan);
        self.stood.push(scan.hash);
    }

    /// Checks who wrote the change and what it follows.
    fn check_place(&self, scan: &Scan) -> Result<Past, Refusal> {
        let actor = ActorId::from(scan.actor.as_slice());
        if journal_of(&actor) != Some(self.signer) {
            return Err(Refusal::ForeignActor);
        }
        let seen = |change: &Hash| self.stood.contains(change) || (self.in_past)(change);
        let known = |dep: &Hash| self.history.has(dep) && seen(dep);
        if !scan.deps.iter().all(known) {
            return Err(Refusal::MissingDep);
        }
        // Two journals of one site may each create it without having seen the other; both stand.
        if scan.deps.is_empty() && self.history.hashes().any(seen) {
            return Err(Refusal::CreatedTwice);
        }
        let past = self.history.past(&scan.deps);
        if scan.start_op != past.max_op + 1 || scan.max_op() > MAX_OP {
            return Err(Refusal::StartOp);
        }
        if past.ops + scan.ops > MAX_RECORD_OPS {
            return Err(Refusal::RecordFull);
        }
        self.history.check_seq(scan, &past)?;
        past.check_actors(scan)?;
        Ok(past)
    }

    /// Proves that what came out can be kept: saved, loaded, read and edited again. Gives back
    /// the document as it was loaded.
    fn close(self, changes: Vec<ChangeMeta>) -> Result<(Admitted, Automerge), Stop> {
        let heads = self.doc.get_heads();
        let snapshot = saved(&self.doc)?;
        let again = library("load", || Automerge::load(&snapshot))?;
        if again.get_heads() != heads {
            return Err(Hold::Library("load").into());
        }
        let record = library("read", || {
            again.hydrate(None);
            read_present(&again)
        })?;
        library("edit", || try_edit(again.clone()))?;
        let admitted = Admitted {
            snapshot,
            excess: excess(&record),
            work: self.work,
            record,
            before: self.before,
            given: self.given,
            changes,
        };
        Ok((admitted, again))
    }
}

fn meta(scan: &Scan) -> ChangeMeta {
    ChangeMeta {
        hash: scan.hash.0,
        seq: scan.seq,
        start_op: scan.start_op,
        max_op: scan.max_op(),
    }
}

/// Whether the change begins a record. What does not scan is refused in its turn.
fn creates(change: &[u8]) -> bool {
    prescan(change).is_ok_and(|scan| scan.deps.is_empty())
}

/// A document that panics on the next local edit must not be kept.
fn try_edit(mut doc: Automerge) -> Result<(), AutomergeError> {
    doc.set_actor(ActorId::from([0xff; 16]));
    let mut tx = doc.transaction();
    tx.put(ROOT, "\u{1}", true)?;
    tx.commit();
    Ok(())
}
