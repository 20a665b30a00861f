//! A local action: what the caller gives and gets.

use ed25519_dalek::SigningKey;
use records::bundle::Head;
use records::id::{AccountId, ActionId, InstitutionId, JournalId, RecordId, TerminalId};
use records::read::Record;
use records::write::Edit;
use std::collections::BTreeMap;

/// The identity local actions are signed with.
#[derive(Clone)]
pub struct Writer {
    /// The institution.
    pub institution: InstitutionId,
    /// Our journal in its present incarnation.
    pub journal: JournalId,
    /// Site code used in record numbers.
    pub code: String,
    /// Key that signs the journal.
    pub key: SigningKey,
    /// Random per start; part of the Automerge actor.
    pub slot: [u8; 4],
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the key.
        f.debug_struct("Writer")
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}

/// One user action.
#[derive(Debug, Clone)]
pub struct Action {
    /// Idempotency key: the same id again gets the same answer.
    pub action: ActionId,
    /// Whose action.
    pub account: AccountId,
    /// From which terminal.
    pub terminal: TerminalId,
    /// Wall clock, ms since the epoch.
    pub wall_ms: i64,
    /// Monotonic ms since the process started.
    pub uptime_ms: u64,
    /// The hub's clock minus ours in ms, as last measured.
    pub hub_offset_ms: Option<i64>,
    /// Records the decision looks at.
    pub reads: Vec<RecordId>,
    /// Fresh random bytes; the salts come from them.
    pub seed: [u8; 32],
}

/// A record as it is at the moment of the decision.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Its typed values.
    pub record: Record,
    /// Its number; "" for kinds without one.
    pub number: String,
    /// Who created it.
    pub author: AccountId,
}

/// What a decision finds: the records it asked for that exist.
pub type Reads = BTreeMap<RecordId, Loaded>;

/// Edits of one record; the record is created if it does not exist.
#[derive(Debug, Clone)]
pub struct RecordEdit {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: &'static str,
    /// The edits, in order.
    pub edits: Vec<Edit>,
}

/// A durable action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The records it wrote, in the order of the edits.
    pub records: Vec<RecordId>,
    /// Its place in our journal. An action that wrote nothing names the head it found.
    pub head: Head,
    /// Whether this action id had been committed before.
    pub repeated: bool,
}

/// What became of an offered bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// In its journal, and its changes count.
    Admitted {
        /// Its place.
        head: Head,
    },
    /// In its journal and relayed, but its changes never count here.
    Refused {
        /// Its place.
        head: Head,
        /// Stable code.
        code: &'static str,
    },
    /// In its journal and relayed; judged again after an upgrade.
    Held {
        /// Its place.
        head: Head,
        /// Stable code.
        code: &'static str,
    },
    /// It filled a hole: the very bundle that was lost or damaged at this place.
    Mended {
        /// Its place.
        head: Head,
    },
    /// Already here (in the journal, waiting, or as a branch).
    Duplicate,
    /// Waits for a predecessor or a dependency.
    Waiting {
        /// The first missing bundle.
        journal: JournalId,
        /// Its place.
        seq: u64,
        /// Whether it is kept meanwhile; a full waiting room keeps nothing more and the peer
        /// has to send it again.
        kept: bool,
    },
    /// Another bundle stands at its place: kept as a branch, alarm raised.
    Fork {
        /// Its place and hash.
        head: Head,
    },
    /// Unknown signer, bad signature, other institution, or no bundle at all: not stored.
    NotOurs {
        /// Stable code.
        code: &'static str,
    },
}
