//! What lists, the feed and a record's page are given.

use records::bundle::Head;
use records::id::{AccountId, ActionId, EntryId, JournalId, RecordId, SiteId};
use records::read::Record;
use records::share::Share;

/// One record as lists show it (the columns of the API's `RecordRow`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// The record.
    pub id: RecordId,
    /// Its kind.
    pub kind: String,
    /// Number on forms; "" for kinds without one.
    pub number: String,
    /// The site that created it.
    pub site: SiteId,
    /// When it happened, ms since the epoch.
    pub happened_at: Option<i64>,
    /// Wall time of the creating bundle, ms since the epoch.
    pub recorded_at: i64,
    /// Who created it.
    pub author: AccountId,
    /// That person's name, from the person record; "" while it is not here.
    pub author_name: String,
    /// One line.
    pub title: String,
    /// The beginning of the text.
    pub summary: String,
    /// The kind's own state.
    pub state: Option<String>,
    /// Whether it still needs somebody.
    pub open: bool,
    /// The kind's category or class.
    pub category: Option<String>,
    /// 等级.
    pub level: Option<String>,
    /// Marked 敏感.
    pub sensitive: bool,
    /// `correction` or `late_entry`: the type of the last amendment.
    pub amended: Option<String>,
    /// The incident it belongs to.
    pub incident: Option<RecordId>,
    /// Whether another site holds every change of it that this site made.
    pub acked: bool,
    /// Something in it was signed beyond the cut of a revoked key, and counts only because
    /// another site had built upon it.
    pub disputed: bool,
    /// How many changes of it have passed the gate here.
    pub rev: u64,
    /// How many attachments it has.
    pub attachments: u64,
    /// Another site's word for it, not proved here yet: to be shown marked, and no more.
    pub provisional: bool,
}

/// Where one entry of an entries field came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryOrigin {
    /// The entries field.
    pub field: String,
    /// The entry.
    pub entry: EntryId,
    /// Who added it.
    pub author: AccountId,
    /// That person's name; "" while the person record is not here.
    pub author_name: String,
    /// At which site.
    pub site: SiteId,
    /// Wall time of its bundle, ms since the epoch.
    pub wall_ms: i64,
    /// HLC of its bundle.
    pub hlc: u64,
}

/// One bundle that changed the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeOrigin {
    /// Where it stands.
    pub head: Head,
    /// The user action.
    pub action: ActionId,
    /// Whose action.
    pub author: AccountId,
    /// That person's name; "" while the person record is not here.
    pub author_name: String,
    /// Wall time of the bundle, ms since the epoch.
    pub wall_ms: i64,
    /// HLC of the bundle.
    pub hlc: u64,
}

/// One record whole.
#[derive(Debug, Clone)]
pub struct StoredRecord {
    /// As lists show it.
    pub row: RecordRow,
    /// Its typed values.
    pub record: Record,
    /// Where each entry came from, oldest first.
    pub entries: Vec<EntryOrigin>,
    /// Every bundle that changed it, oldest first; the first one created it.
    pub changes: Vec<ChangeOrigin>,
    /// What of it was signed beyond the cut of a revoked key.
    pub disputed: Share,
}

impl StoredRecord {
    /// Whether an entry was signed beyond the cut of a revoked key.
    #[must_use]
    pub fn is_disputed(&self, origin: &EntryOrigin) -> bool {
        let key = (origin.field.clone(), origin.entry);
        self.disputed.entries.contains(&key)
    }
}

/// A record that names another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The field that names it: `incident`, `source`, …
    pub relation: String,
    /// The record that names it.
    pub row: RecordRow,
}

/// What changed after a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Ask again after this.
    pub cursor: u64,
    /// Records that changed, each once in its present state, oldest change first.
    pub rows: Vec<RecordRow>,
    /// The asked cursor is not one of this store's present numbering: refetch lists.
    pub resync: bool,
}

/// Sizes of what the store holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bundles in journals that are here, adopted branches included.
    pub bundles: u64,
    /// Records with a projection.
    pub records: u64,
    /// Automerge changes that passed the gate.
    pub changes: u64,
    /// Bundles refused or held.
    pub quarantined: u64,
    /// Bundles that wait for others.
    pub waiting: u64,
    /// Journals in which a fork was found.
    pub forks: u64,
    /// Size of the database in bytes.
    pub bytes: u64,
    /// Transactions the writer has committed since it started.
    pub transactions: u64,
    /// Journals and their heads.
    pub journals: Vec<Head>,
}

/// One refused or held bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Where it stands in its journal.
    pub head: Head,
    /// Final, or to be retried after an upgrade.
    pub verdict: QuarantineVerdict,
    /// Stable code of the reason.
    pub code: String,
    /// The record section that failed, if one did.
    pub record: Option<RecordId>,
    /// That record's kind and number, if it is here; "" for kinds without numbers.
    pub known_as: Option<(String, String)>,
    /// Bytes of the bundle.
    pub bytes: u64,
    /// When it arrived here, ms since the epoch.
    pub received_ms: i64,
}

/// What judging held bundles again came to, by how they now stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rejudged {
    /// They count from now on.
    pub accepted: u64,
    /// Refused, for good.
    pub refused: u64,
    /// Held still.
    pub held: u64,
}

/// How a quarantined bundle was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuarantineVerdict {
    /// Final: it never counts.
    Refused,
    /// Not understood by this version, or not yet: judged again after an upgrade.
    Held,
}

/// Two signed bundles at one place of a journal: proof that its writer forked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The journal.
    pub journal: JournalId,
    /// The place.
    pub seq: u64,
    /// The bundle our journal holds.
    pub kept: records::id::Hash,
    /// The other one, kept as a branch.
    pub branch: records::id::Hash,
    /// When it was found here, ms since the epoch.
    pub found_ms: i64,
}
