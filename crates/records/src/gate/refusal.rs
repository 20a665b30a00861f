//! Why a section is refused or held: closed lists, each with a stable word.

use crate::field::FieldFault;
use crate::prescan::PrescanError;

/// Why a section may never stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are not a change we take.
    #[error("a change is malformed")]
    Prescan(#[from] PrescanError),
    /// No rule set is active in the bundle's past.
    #[error("no rule set is active in the bundle's past")]
    NoRules,
    /// The kind or its table version belongs to a rule set that is not active in the bundle's
    /// past.
    #[error("the kind or its table is of a rule set not active in the bundle's past")]
    NotActive,
    /// A key that the kind's table does not have in the version the section names.
    #[error("the table has no field {0}")]
    UnknownField(String),
    /// The section has no change, or too many.
    #[error("the section has no change or too many")]
    Count,
    /// The change was not written under the signer's actor.
    #[error("a change was written under another site's actor")]
    ForeignActor,
    /// The change refers to an actor that has written nothing in its past.
    #[error("a change refers to an actor unknown in its past")]
    UnknownActor,
    /// The change depends on one that is neither in its past nor earlier in the section.
    #[error("a change depends on an unknown change")]
    MissingDep,
    /// The change's first operation does not follow the last one in its past, or is beyond
    /// [`super::MAX_OP`].
    #[error("a change's operations do not follow those in its past")]
    StartOp,
    /// The record would have more than [`super::MAX_RECORD_OPS`] operations.
    #[error("the record is full")]
    RecordFull,
    /// The bundle's changes cost more than [`super::MAX_WORK`].
    #[error("the bundle is too much work")]
    Work,
    /// The actor has used this sequence number before.
    #[error("the actor used this sequence number before")]
    DuplicateSeq,
    /// The change does not follow its actor's previous one, or does not have it in its past.
    #[error("a change does not follow its actor's previous one")]
    SeqGap,
    /// The record is created under an id that belongs to another site
    /// ([`crate::id::RecordId::home`]).
    #[error("the record is created under another site's id")]
    ForeignRecordId,
    /// The record exists in the bundle's past and the change would create it again.
    #[error("the record is created a second time")]
    CreatedTwice,
    /// The section names another kind than the record's.
    #[error("the record is of another kind")]
    OtherKind,
    /// The kind, home site or number is missing, malformed, of another site, or changed.
    #[error("the record's kind, home site or number may not be written so")]
    Identity,
    /// The record's number is not one that the signer's site and incarnation give
    /// ([`crate::number`]).
    #[error("the record's number is another site's")]
    ForeignNumber,
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
            Refusal::NoRules => "no_rules",
            Refusal::NotActive => "not_active",
            Refusal::UnknownField(_) => "unknown_field",
            Refusal::Count => "change_count",
            Refusal::ForeignActor => "foreign_actor",
            Refusal::UnknownActor => "unknown_actor",
            Refusal::MissingDep => "missing_dep",
            Refusal::StartOp => "start_op",
            Refusal::RecordFull => "record_full",
            Refusal::Work => "too_much_work",
            Refusal::DuplicateSeq => "duplicate_seq",
            Refusal::SeqGap => "seq_gap",
            Refusal::ForeignRecordId => "foreign_record_id",
            Refusal::CreatedTwice => "created_twice",
            Refusal::OtherKind => "other_kind",
            Refusal::Identity => "identity",
            Refusal::ForeignNumber => "foreign_number",
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
    /// The newest rule set this program knows would refuse, but a newer one is active.
    #[error("a newer rule set is active")]
    Rules,
    /// A kind of a later version.
    #[error("the record kind is unknown")]
    Kind,
    /// A later version of the kind's table.
    #[error("the kind's table is of a later version")]
    TableVersion,
    /// By merging, the record has come to [`super::MAX_MERGED_OPS`] operations.
    #[error("the merged record is too large")]
    TooLarge,
    /// Our own snapshot of the record does not load; rebuild it and judge again.
    #[error("the snapshot does not load")]
    Snapshot,
    /// Automerge fails or panics on the change.
    #[error("automerge fails in step {0}")]
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
            Hold::TooLarge => "record_too_large",
            Hold::Snapshot => "damaged_snapshot",
            Hold::Library(_) => "library_failure",
        }
    }
}

/// Either end of a judgement short of acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    Refused(Refusal),
    Held(Hold),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Refused(refusal)
    }
}

impl From<PrescanError> for Stop {
    fn from(error: PrescanError) -> Self {
        Stop::Refused(Refusal::Prescan(error))
    }
}

impl From<Hold> for Stop {
    fn from(hold: Hold) -> Self {
        Stop::Held(hold)
    }
}
