//! Journal, caches, accounts and sessions of one site on SQLite.
//!
//! The journals are the truth; everything derived from them (snapshots, projections, search,
//! verdicts) is a cache that [`Store::rebuild`] drops and replays. One writer owns one connection
//! and puts whatever is queued into one transaction (group commit, `synchronous=FULL`); answers
//! go out after the commit. Readers have their own small pool of read-only connections.
//!
//! A bundle, our own or foreign, takes the same path: `place` in its journal → `judge` →
//! `settle` (journal row, changes, snapshots, projections, search) in the writer's transaction.
//! Foreign bundles that simply come next do so many at a time (`wave`, `trial`), on every core;
//! so do local actions that wait together (`round`).
//! Verdicts depend only on signed bytes, the bundle's causal past and the rule set that past
//! activates, so every store that holds the same journals holds the same rows.
//!
//! This crate refuses to know duty rules, HTTP, the network and the clock; times come in as
//! milliseconds. All SQL has `$n` placeholders and BIGINT/TEXT/BYTEA columns, so that a PostgreSQL
//! twin stays a second migration folder, and is static but for how many rows go into one
//! statement.
//!
//! To add a cached table: a migration file, its rows in `project`, its deletion in `rebuild`, and
//! in `erase` if it holds anything of a record.

mod account;
mod ack;
mod action;
mod address;
mod admit;
mod adopt;
mod aside;
pub mod backup;
mod blob;
mod branch;
mod chain;
mod check;
mod commit;
mod cores;
mod deps;
mod desk;
mod doc;
mod erase;
mod error;
mod feed;
mod form;
mod frontier;
mod heads;
mod hole;
mod incarnation;
pub mod inspect;
mod institution;
mod inventory;
mod job;
mod join_code;
mod judge;
mod lane;
mod list;
mod lots;
mod meta;
mod number;
mod offered;
mod open;
mod past;
mod pile;
#[cfg(test)]
mod plan;
mod program;
mod project;
mod provisional;
mod quarantine;
mod rebuild;
mod rejudge;
mod release;
mod round;
mod row;
mod schema;
mod search;
mod session;
mod settle;
mod shelf;
mod state;
mod store;
mod trial;
mod tx;
pub mod verify;
mod waiting;
mod wave;
mod whole;
mod witness;
mod writer;

pub use account::Account;
pub use action::{Action, Admission, Committed, Loaded, Reads, RecordEdit, Writer};
pub use blob::{
    BlobCounts, BlobError, BlobLimits, BlobRef, BlobState, BlobStep, BlobStopAt, CHUNK_LEN,
    EAGER_LEN, Incoming, MAX_BLOB_LEN, Manifest, OpenBlob, Progress, Upload, Uploaded, WantedBlob,
};
pub use chain::Missing;
pub use check::Checked;
pub use erase::{Remain, Remains};
pub use error::{CommitError, OpenError, StoreError};
pub use form::LATER_VERSION;
pub use hole::Hole;
pub use incarnation::Moment;
pub use inventory::{Item, Stored};
pub use join_code::{JoinCode, JoinCodeError, RedeemedJoinCode};
pub use list::{Filter, Page};
pub use open::{CrashAt, DATABASE, Options, Synchronous, WritePoint};
pub use program::{Boot, Program};
pub use provisional::{MAX_PROVISIONAL, Verified};
pub use row::{
    ChangeOrigin, Counts, EntryOrigin, Feed, Fork, Linked, QuarantineVerdict, Quarantined,
    RecordRow, Rejudged, StoredRecord,
};
pub use session::Session;
pub use store::Store;
