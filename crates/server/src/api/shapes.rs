//! JSON shapes that several resources share: record rows, cameras, sites, persons.

use records::id::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

/// A person as records name them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonRef {
    /// Account, 32 hex digits.
    pub id: String,
    /// Name at the time of asking; empty when the person record has not arrived yet.
    pub name: String,
}

impl PersonRef {
    /// The person of that account.
    #[must_use]
    pub fn new(id: AccountId, name: impl Into<String>) -> Self {
        Self {
            id: id.to_string(),
            name: name.into(),
        }
    }
}

/// One line of a list of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecordRow {
    /// Record, 32 hex digits.
    pub id: String,
    /// `log_item`, `incident`, `consultation`…
    pub kind: String,
    /// Such as `E2026-000012`; empty for kinds that are not numbered.
    pub number: String,
    /// Home site, 16 hex digits.
    pub site: String,
    /// When it happened, ms since the epoch.
    pub happened_at: Option<i64>,
    /// When it was written down, ms since the epoch.
    pub recorded_at: i64,
    /// Who wrote it.
    pub author: PersonRef,
    /// First line.
    pub title: String,
    /// Some words more.
    pub summary: String,
    /// The kind's own state.
    pub state: Option<String>,
    /// The common phase: `todo`, `doing`, `confirm`, `done`.
    pub phase: String,
    /// What it is about.
    pub category: Option<String>,
    /// Level of an incident.
    pub level: Option<String>,
    /// Whether it is labelled 敏感.
    pub sensitive: bool,
    /// `none`, `correction` or `late_entry`.
    pub amended: String,
    /// The incident it belongs to.
    pub incident: Option<String>,
    /// Whether another site has confirmed that it holds the record.
    pub acked: bool,
    /// 存疑: something in it was signed with a revoked key beyond its cut.
    pub disputed: bool,
    /// Raised with each change.
    pub rev: u64,
    /// How many attachments it has.
    pub attached: u64,
    /// Another site's word for it, not proved here yet: it can be read in lists and no more.
    pub provisional: bool,
}

/// A camera as screens show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Camera {
    /// Camera, 32 hex digits.
    pub id: String,
    /// The site it hangs at.
    pub site: String,
    /// Its name.
    pub name: String,
    /// Where it looks.
    pub place: String,
    /// `idle`, `connecting`, `playing`, `retrying`, `refused` or `unreachable`.
    pub state: String,
    /// Why it is not playing.
    pub reason: Option<String>,
    /// When this state began, ms since the epoch.
    pub since: i64,
    /// Viewers now.
    pub viewers: u64,
    /// Such as `H264`, once known.
    pub codec: Option<String>,
    /// Picture width, pixels, once known.
    pub width: Option<u32>,
    /// Picture height, pixels, once known.
    pub height: Option<u32>,
    /// Whether it belongs to this site.
    pub local: bool,
}

/// The hub or a campus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SiteRole {
    /// 总值班室.
    Hub,
    /// 校区值班室.
    Campus,
}

impl From<records::payload::SiteRole> for SiteRole {
    fn from(role: records::payload::SiteRole) -> Self {
        match role {
            records::payload::SiteRole::Hub => Self::Hub,
            records::payload::SiteRole::Campus => Self::Campus,
        }
    }
}

/// A site of the institution as seen from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Site {
    /// Site, 16 hex digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Letters used in record numbers.
    pub code: String,
    /// Hub or campus.
    pub role: SiteRole,
    /// Whether it is the site that answers.
    #[serde(rename = "self")]
    pub is_self: bool,
    /// How it can be reached.
    pub link: SiteLink,
    /// Since when its data directory may run on two machines, ms since the epoch; absent unless
    /// that was noticed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied_since: Option<i64>,
    /// Own bundles that no other site has confirmed; only on the answering site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_only_here: Option<u64>,
    /// How far the replay is; only on the answering site, while lists show what is not proved yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
}

/// How far a site has proved what its lists show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Verified {
    /// Bundles proved and replayed.
    pub to: u64,
    /// Bundles there are, as far as is known.
    pub of: u64,
}

impl From<store::Verified> for Verified {
    fn from(verified: store::Verified) -> Self {
        let store::Verified { to, of } = verified;
        Self { to, of }
    }
}

/// How a site can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SiteLink {
    /// Whether it can be reached now.
    pub state: LinkState,
    /// Since when, ms since the epoch; unknown until it was reached once since the start.
    pub since: Option<i64>,
    /// Which way.
    pub via: Option<LinkVia>,
    /// How far the two sites are behind each other; absent unless they are linked with each other
    /// and something is being made up for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catching_up: Option<CatchingUp>,
}

/// How far two linked sites are behind each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct CatchingUp {
    /// What the answering site still lacks.
    pub incoming: Lag,
    /// What the other site still lacks.
    pub outgoing: Lag,
}

/// How many bundles one side lacks of what the other holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lag {
    /// Still missing.
    pub missing: u64,
    /// Missing when this catching-up began, and what was written since.
    pub of: u64,
}

/// Whether a site can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// It is the answering site.
    #[serde(rename = "self")]
    This,
    /// Yes.
    Up,
    /// No.
    Down,
    /// Its key was revoked: never again.
    Revoked,
}

/// Which way a site is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkVia {
    /// Over a link of our own.
    Direct,
    /// Through the hub.
    Hub,
}

/// One thing the feed reports.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FeedRow {
    /// A record is new or changed.
    Record {
        /// As lists show it.
        record: RecordRow,
    },
    /// A link or a site changed; all sites.
    Sites {
        /// All of them.
        sites: Vec<Site>,
    },
    /// A camera changed.
    Camera {
        /// As it is now.
        camera: Camera,
    },
    /// Too much changed to tell: fetch the lists again.
    Resync,
}

/// One message of the feed, over WebSocket or as the answer of a long-poll.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FeedMessage {
    /// Pass as `after` next time.
    pub cursor: String,
    /// What changed; empty in a heartbeat.
    pub rows: Vec<FeedRow>,
    /// The site's time, ms since the epoch.
    pub now: i64,
}
