//! Bundles that wait for a predecessor or a dependency, within stated bounds.

use crate::error::StoreError;
use crate::frontier::bundle_of;
use crate::meta::{int, journal_of};
use crate::offered::Offered;
use crate::open::WritePoint;
use crate::tx::Tx;
use records::bundle::{Bundle, Header};
use records::id::{Hash, JournalId};
use records::trust::Trust;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::collections::BTreeSet;

/// How many bundles of one journal may wait.
pub(crate) const MAX_BUNDLES: i64 = 4_096;
/// How many bytes of one journal may wait.
pub(crate) const MAX_BYTES: i64 = 16 * 1024 * 1024;

/// What waits of a journal beside one bundle.
pub(crate) const ROOM: &str = "select count(*) as bundles, coalesce(sum(bytes), 0) as bytes
     from waiting where site = $1 and incarnation = $2 and hash <> $3";

/// A waiting bundle whose turn may have come.
pub(crate) struct Released {
    pub(crate) offered: Offered,
    pub(crate) received_ms: i64,
}

/// Where a row of the room stands among those that wait for one journal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Key {
    missing_seq: i64,
    /// As the row has it, whatever its length.
    pub(crate) hash: Vec<u8>,
}

/// A row of the room; one that is damaged on disk holds nothing.
pub(crate) struct Found {
    pub(crate) key: Key,
    pub(crate) row: Option<Released>,
}

/// Whether anything waits at all. What is remembered is only ever "nothing does".
pub(crate) async fn is_any(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    if !tx.state.nothing_waits {
        let found: Option<i64> = sqlx::query_scalar("select 1 from waiting limit 1")
            .fetch_optional(tx.raw())
            .await?;
        tx.state.nothing_waits = found.is_none();
    }
    Ok(!tx.state.nothing_waits)
}

pub(crate) async fn contains(tx: &mut Tx<'_>, hash: Hash) -> Result<bool, StoreError> {
    if !is_any(tx).await? {
        return Ok(false);
    }
    let found: Option<i64> = sqlx::query_scalar("select 1 from waiting where hash = $1")
        .bind(hash.0.to_vec())
        .fetch_optional(tx.raw())
        .await?;
    Ok(found.is_some())
}

/// Keeps a bundle until `missing` is here, in its longer form if somebody had erased from it, or
/// says `false` when its journal's room is full.
pub(crate) async fn keep(
    tx: &mut Tx<'_>,
    header: &Header,
    hash: Hash,
    bundle: &Bundle,
    missing: (JournalId, u64),
    received_ms: i64,
) -> Result<bool, StoreError> {
    let bytes = int((bundle.header.len() + bundle.payload.len()) as u64);
    let room = sqlx::query(ROOM)
        .bind(header.site.0.to_vec())
        .bind(i64::from(header.incarnation))
        .bind(hash.0.to_vec())
        .fetch_one(tx.raw())
        .await?;
    if room.try_get::<i64, _>("bundles")? >= MAX_BUNDLES
        || room.try_get::<i64, _>("bytes")? + bytes > MAX_BYTES
    {
        return Ok(false);
    }
    tx.written = true;
    tx.state.nothing_waits = false;
    sqlx::query(
        "insert into waiting(hash, site, incarnation, seq, missing_site, missing_incarnation,
             missing_seq, header, payload, signature, bytes, received_ms)
         values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict(hash) do update set missing_site = excluded.missing_site,
             missing_incarnation = excluded.missing_incarnation,
             missing_seq = excluded.missing_seq,
             payload = case when excluded.bytes > waiting.bytes then excluded.payload
                 else waiting.payload end,
             bytes = max(waiting.bytes, excluded.bytes)",
    )
    .bind(hash.0.to_vec())
    .bind(header.site.0.to_vec())
    .bind(i64::from(header.incarnation))
    .bind(int(header.seq))
    .bind(missing.0.site.0.to_vec())
    .bind(i64::from(missing.0.incarnation))
    .bind(int(missing.1))
    .bind(bundle.header.clone())
    .bind(bundle.payload.clone())
    .bind(bundle.signature.to_vec())
    .bind(bytes)
    .bind(received_ms)
    .execute(tx.raw())
    .await?;
    tx.reach(WritePoint::Waiting)?;
    Ok(true)
}

/// The journals that anything waits for.
pub(crate) async fn missing(
    conn: &mut SqliteConnection,
) -> Result<BTreeSet<JournalId>, StoreError> {
    let rows = sqlx::query(
        "select distinct missing_site as site, missing_incarnation as incarnation from waiting",
    )
    .fetch_all(conn)
    .await?;
    // What a damaged row waits for never comes.
    Ok(rows.iter().filter_map(|row| journal_of(row).ok()).collect())
}

/// A bundle that waits for something `journal` holds by now.
pub(crate) async fn next(tx: &mut Tx<'_>, journal: JournalId) -> Result<Option<Found>, StoreError> {
    if !is_any(tx).await? {
        return Ok(None);
    }
    let held = tx.state.head(journal).map_or(0, |head| head.seq);
    upto(tx, journal, held, &Key::default()).await
}

/// The next bundle after `looked` that waits for something of `journal` up to `seq`.
pub(crate) async fn upto(
    tx: &mut Tx<'_>,
    journal: JournalId,
    seq: u64,
    looked: &Key,
) -> Result<Option<Found>, StoreError> {
    let row = sqlx::query(
        "select missing_seq, hash, header, payload, signature, received_ms from waiting
         where missing_site = $1 and missing_incarnation = $2 and missing_seq <= $3
             and (missing_seq, hash) > ($4, $5)
         order by missing_seq, hash limit 1",
    )
    .bind(journal.site.0.to_vec())
    .bind(i64::from(journal.incarnation))
    .bind(int(seq))
    .bind(looked.missing_seq)
    .bind(looked.hash.clone())
    .fetch_optional(tx.raw())
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let key = Key {
        missing_seq: row.try_get("missing_seq")?,
        hash: row.try_get("hash")?,
    };
    let row = released(&row, &tx.state.trust).ok();
    Ok(Some(Found { key, row }))
}

fn released(row: &SqliteRow, trust: &Trust) -> Result<Released, StoreError> {
    Ok(Released {
        offered: Offered::of(bundle_of(row)?, trust),
        received_ms: row.try_get("received_ms")?,
    })
}

/// Empties a place of the room; `hash` is as its row has it.
pub(crate) async fn forget(tx: &mut Tx<'_>, hash: &[u8]) -> Result<(), StoreError> {
    tx.written = true;
    sqlx::query("delete from waiting where hash = $1")
        .bind(hash.to_vec())
        .execute(tx.raw())
        .await?;
    Ok(())
}
