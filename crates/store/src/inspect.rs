//! Looking over a directory that nobody uses: what `dutyroom doctor` tells of its store.

use crate::blob::Blobs;
use crate::check::is_sound;
use crate::error::{OpenError, StoreError};
use crate::frontier::bundle_of;
use crate::lane::LAST_INCARNATION;
use crate::meta::{self, head_of, id, int, uint};
use crate::open::{connect_read_only, lock};
use crate::schema;
use crate::state::State;
use records::bundle::{Head, decode_header};
use records::id::Hash;
use sqlx::{Row as _, SqliteConnection};
use std::path::Path;

/// Complaints of SQLite that are kept.
const MAX_COMPLAINTS: i64 = 20;
/// Bundles at the end of each journal whose bytes and signatures are checked; all of them is
/// what `verify` does.
const ENDS: i64 = 64;

/// What a directory looks like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspected {
    /// The schema version found, which this program knows.
    pub schema: i64,
    /// What SQLite says of pages and indexes; nothing when they are sound.
    pub damage: Vec<String>,
    /// Bytes of the disk that are free for us.
    pub free: u64,
    /// Journals held.
    pub journals: u64,
    /// Bundles held in them.
    pub bundles: u64,
    /// Bundles at the ends of journals that were checked.
    pub checked: u64,
    /// Those of them that are damaged or not signed by their site.
    pub unsound: Vec<Head>,
    /// Places of journals at which a bundle is lost or damaged.
    pub missing: u64,
    /// Bundles that wait for others.
    pub waiting: u64,
    /// Bundles held back until an upgrade.
    pub held: u64,
    /// Journals in which a fork was found and not closed.
    pub forked: u64,
    /// The wall time of this site's own last bundle, ms since the epoch.
    pub written_ms: Option<i64>,
    /// Attachments that are here whole.
    pub blobs: u64,
    /// Those of them whose file is gone or has another length.
    pub lost_blobs: Vec<Hash>,
}

/// Looks over a directory and holds its lock meanwhile; nothing is changed. `tell` hears what is
/// being looked at.
///
/// # Errors
/// [`OpenError`]: what keeps it from being opened is a finding by itself.
pub async fn inspect(dir: &Path, mut tell: impl FnMut(&str)) -> Result<Inspected, OpenError> {
    let _lock = lock(dir)?;
    let (mut conn, _) = connect_read_only(dir).await?;
    let disk = rustix::fs::statvfs(dir).map_err(std::io::Error::from)?;
    tell("pages and indexes");
    let mut found = Inspected {
        schema: schema::known(),
        free: disk.f_bavail.saturating_mul(disk.f_frsize),
        damage: complaints(&mut conn).await?,
        ..Inspected::default()
    };
    if !found.damage.is_empty() {
        // What is read from such pages is nothing to go by.
        return Ok(found);
    }
    tell("journals");
    let state = meta::load(&mut conn).await?;
    journals(&mut conn, &state, &mut found).await?;
    counts(&mut conn, &mut found).await?;
    tell("attachments");
    blobs(&mut conn, &Blobs::new(dir, None), &mut found).await?;
    Ok(found)
}

async fn complaints(conn: &mut SqliteConnection) -> Result<Vec<String>, OpenError> {
    // Pragmas take no parameters; this is a number.
    let pragma = format!("pragma integrity_check({MAX_COMPLAINTS})");
    let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(pragma));
    let mut said: Vec<String> = rows.fetch_all(conn).await?;
    said.retain(|line| line != "ok");
    Ok(said)
}

async fn journals(
    conn: &mut SqliteConnection,
    state: &State,
    found: &mut Inspected,
) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "select site, incarnation, count(*) as held, max(seq) as last from bundle
         where incarnation <= $1 group by site, incarnation",
    )
    .bind(i64::from(LAST_INCARNATION))
    .fetch_all(&mut *conn)
    .await?;
    for row in &rows {
        let journal = meta::journal_of(row)?;
        let (held, last) = (uint(row.try_get("held")?)?, uint(row.try_get("last")?)?);
        found.journals += 1;
        found.bundles += held;
        found.missing += last.saturating_sub(held);
        let ends = sqlx::query(
            "select site, incarnation, seq, hash, header, payload, signature from bundle
             where site = $1 and incarnation = $2 and seq <= $3 order by seq desc limit $4",
        )
        .bind(journal.site.0.to_vec())
        .bind(i64::from(journal.incarnation))
        .bind(int(last))
        .bind(ENDS)
        .fetch_all(&mut *conn)
        .await?;
        for (index, end) in ends.iter().enumerate() {
            let head = head_of(end)?;
            let bundle = bundle_of(end)?;
            found.checked += 1;
            if !is_sound(&head, &bundle, &state.trust) {
                found.unsound.push(head);
            }
            if index == 0 && state.own == Some(journal) {
                let header = decode_header(&bundle.header).ok();
                found.written_ms = header.map(|header| header.wall_ms);
            }
        }
    }
    Ok(())
}

async fn counts(conn: &mut SqliteConnection, found: &mut Inspected) -> Result<(), StoreError> {
    let row = sqlx::query(
        "select (select count(*) from hole h where exists (select 1 from bundle b
                 where b.site = h.site and b.incarnation = h.incarnation and b.seq = h.seq)
             ) as damaged,
             (select count(*) from waiting) as waiting,
             (select count(*) from quarantine where verdict = 'held') as held,
             (select count(distinct site || ' ' || incarnation) from branch) as forked",
    )
    .fetch_one(conn)
    .await?;
    let count = |name: &str| -> Result<u64, StoreError> { uint(row.try_get(name)?) };
    found.missing += count("damaged")?;
    found.waiting = count("waiting")?;
    found.held = count("held")?;
    found.forked = count("forked")?;
    Ok(())
}

async fn blobs(
    conn: &mut SqliteConnection,
    files: &Blobs,
    found: &mut Inspected,
) -> Result<(), StoreError> {
    let rows = sqlx::query("select hash, size from blob where had is null")
        .fetch_all(conn)
        .await?;
    for row in &rows {
        let hash = Hash(id(row, "hash")?);
        let size = uint(row.try_get("size")?)?;
        found.blobs += 1;
        if files.len_of(hash) != Some(size) {
            found.lost_blobs.push(hash);
        }
    }
    Ok(())
}
