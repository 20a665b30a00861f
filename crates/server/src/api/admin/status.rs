//! `GET /api/v1/admin/status`: journals, quarantine, forks, links, counters.

use crate::api::admin::scrub::{self, Scrub};
use crate::api::shapes::Site;
use crate::api::sites;
use crate::app::App;
use crate::error::ApiError;
use crate::json::Json;
use axum::extract::State;
use records::bundle::Head;
use serde::Serialize;
use store::{Counts, Fork, QuarantineVerdict, Quarantined};
use sync::decree;
use sync::status::SeenStart;
use utoipa::ToSchema;

/// The state of the site.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    /// The site's time, ms since the epoch.
    pub now: i64,
    /// Version of the program.
    pub version: &'static str,
    /// The journals held here.
    pub journals: Vec<Journal>,
    /// Bundles that were refused or are held.
    pub quarantine: Vec<Quarantine>,
    /// Rule sets.
    pub rules: RuleSets,
    /// Journals that were continued twice.
    pub forks: Vec<ForkStatus>,
    /// Sites whose data directory runs twice.
    pub copies: Vec<CopyStatus>,
    /// Whether this is a hub that was restored from a backup and still waits for a campus to show
    /// it the institution journal: it enrols, revokes and closes nothing meanwhile.
    pub unconfirmed: bool,
    /// Whether every bundle is still there, here and at the other sites.
    pub scrub: Scrub,
    /// The sites and their links.
    pub peers: Vec<Site>,
    /// Sizes.
    pub counters: Counters,
}

/// A journal and how far it is held here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Journal {
    /// Its site; all zero is the institution.
    pub site: String,
    /// Its incarnation.
    pub incarnation: u32,
    /// Number of its last bundle.
    pub seq: u64,
    /// Hash of that bundle.
    pub hash: String,
}

/// A bundle whose changes do not count.
#[derive(Debug, Serialize, ToSchema)]
pub struct Quarantine {
    /// Its place.
    pub bundle: Journal,
    /// `refused` for ever, or `held` until an upgrade.
    pub verdict: Verdict,
    /// Stable code of the reason.
    pub code: String,
    /// The record it was about.
    pub record: Option<QuarantinedRecord>,
    /// Its size, bytes.
    pub bytes: u64,
    /// When it came, ms since the epoch.
    pub received_at: i64,
}

/// A record that a quarantined bundle was about.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantinedRecord {
    /// Its id.
    pub id: String,
    /// The site it belongs to.
    pub home: String,
    /// Its kind, if the record is here.
    pub kind: Option<String>,
    /// Its number, if the record is here; "" for kinds without numbers.
    pub number: Option<String>,
}

/// Rule sets: what this site may write by, and what its program knows.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleSets {
    /// The newest active one.
    pub active: u32,
    /// The newest this program knows; older than the active one until it is upgraded.
    pub known: u32,
}

/// How a bundle was judged.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// For ever.
    Refused,
    /// Until an upgrade.
    Held,
}

/// Two bundles at one place.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForkStatus {
    /// The place and the bundle kept.
    pub kept: Journal,
    /// Hash of the other one.
    pub branch: String,
    /// When it was found, ms since the epoch.
    pub found_at: i64,
    /// What closing the journal would adopt, the end that stays its head first; empty where it
    /// cannot be closed: only the hub does that.
    pub ends: Vec<Journal>,
}

/// A site whose data directory was copied, both copies of which were started.
#[derive(Debug, Serialize, ToSchema)]
pub struct CopyStatus {
    /// The site, 16 hex digits.
    pub site: String,
    /// Since when there may be two, ms since the epoch.
    pub since: i64,
    /// The starts that were met on links, the latest last.
    pub starts: Vec<StartStatus>,
}

/// One start of a site's process.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartStatus {
    /// Whether it is the answering one.
    pub here: bool,
    /// The incarnation it wrote in.
    pub incarnation: u32,
    /// How often its directory was started.
    pub number: u64,
    /// The machine it linked from, if that is known.
    pub address: Option<String>,
    /// When it linked last, ms since the epoch.
    pub seen_at: i64,
}

/// Sizes of what the store holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct Counters {
    /// Bundles in journals.
    pub bundles: u64,
    /// Records.
    pub records: u64,
    /// Bundles refused or held.
    pub quarantined: u64,
    /// Bundles that wait for others.
    pub waiting: u64,
    /// Own bundles that no other site has confirmed.
    pub held_only_here: u64,
    /// Size of the database, bytes.
    pub database_bytes: u64,
}

/// The state of the site, for its administrator.
#[utoipa::path(
    get,
    path = "/api/v1/admin/status",
    operation_id = "get_status",
    tag = "admin",
    responses((status = 200, body = Status))
)]
pub async fn get_status(State(app): State<App>) -> Result<Json<Status>, ApiError> {
    let store = app.store();
    let counts = store.counts().await?;
    let quarantine = store.quarantine().await?;
    let forks = store.forks().await?;
    Ok(Json(Status {
        now: app.clock().now_ms(),
        version: env!("CARGO_PKG_VERSION"),
        journals: counts.journals.iter().map(journal).collect(),
        quarantine: quarantine.into_iter().map(quarantined).collect(),
        rules: RuleSets {
            active: store.trust().rules_at(u64::MAX),
            known: records::gate::RULES,
        },
        forks: forks.iter().map(|found| fork(&app, found)).collect(),
        copies: copies(&app),
        unconfirmed: app.identity().authority.is_some() && store.is_unconfirmed(),
        scrub: scrub::state(&app),
        peers: sites::sites(&app),
        counters: counters(&counts, store.held_only_here()),
    }))
}

fn journal(head: &Head) -> Journal {
    Journal {
        site: head.journal.site.to_string(),
        incarnation: head.journal.incarnation,
        seq: head.seq,
        hash: head.hash.to_string(),
    }
}

fn quarantined(bundle: Quarantined) -> Quarantine {
    Quarantine {
        bundle: journal(&bundle.head),
        verdict: match bundle.verdict {
            QuarantineVerdict::Refused => Verdict::Refused,
            QuarantineVerdict::Held => Verdict::Held,
        },
        code: bundle.code,
        record: bundle.record.map(|id| {
            let (kind, number) = bundle.known_as.unzip();
            QuarantinedRecord {
                id: id.to_string(),
                home: id.home().to_string(),
                kind,
                number,
            }
        }),
        bytes: bundle.bytes,
        received_at: bundle.received_ms,
    }
}

fn copies(app: &App) -> Vec<CopyStatus> {
    let copied = app.links().map(sync::links::Links::copied);
    let copied = copied.unwrap_or_default().into_iter();
    let start = |start: &SeenStart| StartStatus {
        here: start.boot == app.store().boot(),
        incarnation: start.incarnation,
        number: start.boot.number,
        address: start.address.map(|address| address.to_string()),
        seen_at: start.seen_ms,
    };
    let status = copied.map(|copied| CopyStatus {
        site: copied.site.to_string(),
        since: copied.since_ms,
        starts: copied.starts.iter().map(start).collect(),
    });
    status.collect()
}

fn fork(app: &App, fork: &Fork) -> ForkStatus {
    let ends = match app.identity().authority {
        Some(_) => decree::ends(app.store(), fork.journal).unwrap_or_default(),
        None => Vec::new(),
    };
    ForkStatus {
        ends: ends.iter().map(journal).collect(),
        kept: journal(&Head {
            journal: fork.journal,
            seq: fork.seq,
            hash: fork.kept,
        }),
        branch: fork.branch.to_string(),
        found_at: fork.found_ms,
    }
}

fn counters(counts: &Counts, held_only_here: u64) -> Counters {
    Counters {
        bundles: counts.bundles,
        records: counts.records,
        quarantined: counts.quarantined,
        waiting: counts.waiting,
        held_only_here,
        database_bytes: counts.bytes,
    }
}
