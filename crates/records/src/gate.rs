//! The gate: what every foreign change passes before anything durable depends on it.

use crate::field::FieldFault;
use crate::id::JournalId;
use crate::kinds;
use crate::payload::RecordChanges;
use crate::prescan::{PrescanError, prescan};
use crate::read::{Record, read};
use automerge::{Automerge, Change};

/// The newest rule set this version judges by; all older ones stay in the code.
pub const RULES: u32 = 1;

/// The gate's answer for one record section. A pure function of its arguments.
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
    /// The record's document with the changes, saved.
    pub snapshot: Vec<u8>,
    /// The record as it now reads.
    pub record: Record,
    /// The record as it read before; `None` if the section created it.
    pub before: Option<Record>,
    /// The section's changes in order.
    pub changes: Vec<ChangeMeta>,
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

/// Why a section may never stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are not a change we take.
    #[error("a change is malformed")]
    Prescan(#[from] PrescanError),
    /// The section has no change, or too many.
    #[error("the section has no change or too many")]
    Count,
    /// The change was not written under the signer's actor.
    #[error("a change was written under another site's actor")]
    ForeignActor,
    /// The change refers to an actor that has written nothing in its past.
    #[error("a change refers to an actor unknown in its past")]
    UnknownActor,
    /// The change depends on one that is neither in the record nor earlier in the section.
    #[error("a change depends on an unknown change")]
    MissingDep,
    /// The change's first operation does not follow the last one in its past, or is beyond all
    /// bounds.
    #[error("a change's operations do not follow those in its past")]
    StartOp,
    /// The actor has written this sequence number before.
    #[error("the actor used this sequence number before")]
    DuplicateSeq,
    /// The sequence number does not follow the actor's last one in the change's past.
    #[error("a change does not follow its actor's previous one")]
    SeqGap,
    /// The record exists already and the change would create it again.
    #[error("the record is created a second time")]
    CreatedTwice,
    /// The section names another kind than the record's.
    #[error("the record is of another kind")]
    OtherKind,
    /// The kind, home site or number is missing, malformed, of another site, or changed.
    #[error("the record's kind, home site or number may not be written so")]
    Identity,
    /// An operation that our writers never make, such as a deletion or a counter.
    #[error("operation not allowed on {0}")]
    Operation(String),
    /// A field written once would change.
    #[error("field {0} is written once")]
    Once(String),
    /// A field of the home site written by another site.
    #[error("field {0} belongs to the home site")]
    NotHome(String),
    /// An entry would change or vanish.
    #[error("an entry of {0} is changed or removed")]
    EntryChanged(String),
    /// A value does not fit the field table.
    #[error("a value of field {0} does not fit the table")]
    Value(String, FieldFault),
}

impl Refusal {
    /// A stable word for quarantine lists.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Prescan(error) => error.code(),
            Refusal::Count => "change_count",
            Refusal::ForeignActor => "foreign_actor",
            Refusal::UnknownActor => "unknown_actor",
            Refusal::MissingDep => "missing_dep",
            Refusal::StartOp => "start_op",
            Refusal::DuplicateSeq => "duplicate_seq",
            Refusal::SeqGap => "seq_gap",
            Refusal::CreatedTwice => "created_twice",
            Refusal::OtherKind => "other_kind",
            Refusal::Identity => "identity",
            Refusal::Operation(_) => "operation",
            Refusal::Once(_) => "once_field",
            Refusal::NotHome(_) => "not_home_site",
            Refusal::EntryChanged(_) => "entry_changed",
            Refusal::Value(..) => "value",
        }
    }
}

/// Why a section cannot be judged by this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hold {
    /// The rule set is newer than [`RULES`], or none was active.
    #[error("the rule set is unknown")]
    Rules,
    /// A kind of a later version.
    #[error("the record kind is unknown")]
    Kind,
    /// A later version of the kind's table.
    #[error("the kind's table is of a later version")]
    TableVersion,
    /// A key that the kind's table does not have.
    #[error("the key {0} is unknown")]
    Key(String),
    /// Our own snapshot of the record does not load; rebuild it and judge again.
    #[error("the snapshot does not load")]
    Snapshot,
    /// Automerge fails or panics on the change.
    #[error("automerge fails while it does this: {0}")]
    Library(&'static str),
}

impl Hold {
    /// A stable word for quarantine lists.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Hold::Rules => "unknown_rules",
            Hold::Kind => "unknown_kind",
            Hold::TableVersion => "newer_table",
            Hold::Key(_) => "unknown_key",
            Hold::Snapshot => "damaged_snapshot",
            Hold::Library(_) => "library_failure",
        }
    }
}

/// Judges one record section of a bundle.
///
/// `base` is our snapshot of the record, if we have one; it must hold every change in the
/// bundle's causal past. `signer` is the journal whose key signed, `rules` the rule set active
/// in the bundle's past.
#[must_use]
pub fn judge(
    base: Option<&[u8]>,
    section: &RecordChanges,
    signer: JournalId,
    rules: u32,
) -> Verdict {
    first(base, section, signer, rules).unwrap_or_else(|verdict| verdict)
}

fn first(
    base: Option<&[u8]>,
    section: &RecordChanges,
    signer: JournalId,
    rules: u32,
) -> Result<Verdict, Verdict> {
    if rules == 0 || rules > RULES {
        return Err(Verdict::Held(Hold::Rules));
    }
    let table = kinds::table(&section.kind).ok_or(Verdict::Held(Hold::Kind))?;
    let mut doc = match base {
        Some(bytes) => Automerge::load(bytes).map_err(|_| Verdict::Held(Hold::Snapshot))?,
        None => Automerge::new(),
    };
    let before = read(&doc, table, None).ok();
    let mut changes = Vec::new();
    for bytes in &section.changes {
        let scan = prescan(bytes).map_err(|error| Verdict::Refused(error.into()))?;
        let actor = automerge::ActorId::from(scan.actor.clone());
        if crate::write::journal_of(&actor) != Some(signer) {
            return Err(Verdict::Refused(Refusal::ForeignActor));
        }
        let change =
            Change::from_bytes(bytes.clone()).map_err(|_| Verdict::Held(Hold::Library("parse")))?;
        doc.apply_changes([change])
            .map_err(|_| Verdict::Held(Hold::Library("apply")))?;
        changes.push(ChangeMeta {
            hash: scan.hash.0,
            seq: scan.seq,
            start_op: scan.start_op,
            max_op: scan.max_op(),
        });
    }
    let record = read(&doc, table, None).map_err(|_| Verdict::Refused(Refusal::Identity))?;
    Ok(Verdict::Accepted(Box::new(Admitted {
        snapshot: doc.save(),
        record,
        before,
        changes,
        excess: Vec::new(),
    })))
}
