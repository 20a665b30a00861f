//! Bundles that wait for a predecessor or a dependency, within stated bounds.

use crate::error::StoreError;
use crate::meta::{id, int};
use crate::offered::Offered;
use crate::open::WritePoint;
use crate::tx::Tx;
use records::bundle::{Bundle, Header};
use records::id::{Hash, JournalId};
use records::trust::Trust;
use sqlx::Row as _;

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

/// A bundle that waits for something `journal` holds by now.
pub(crate) async fn next(
    tx: &mut Tx<'_>,
    journal: JournalId,
) -> Result<Option<Released>, StoreError> {
    if !is_any(tx).await? {
        return Ok(None);
    }
    let held = tx.state.head(journal).map_or(0, |head| head.seq);
    let row = sqlx::query(
        "select hash, header, payload, signature, received_ms from waiting
         where missing_site = $1 and missing_incarnation = $2 and missing_seq <= $3
         order by missing_seq, hash limit 1",
    )
    .bind(journal.site.0.to_vec())
    .bind(i64::from(journal.incarnation))
    .bind(int(held))
    .fetch_optional(tx.raw())
    .await?;
    let trust = &tx.state.trust;
    row.map(|row| released(&row, trust)).transpose()
}

/// Every bundle that waits for something of `journal` up to `seq`.
pub(crate) async fn upto(
    tx: &mut Tx<'_>,
    journal: JournalId,
    seq: u64,
) -> Result<Vec<Released>, StoreError> {
    let rows = sqlx::query(
        "select hash, header, payload, signature, received_ms from waiting
         where missing_site = $1 and missing_incarnation = $2 and missing_seq <= $3
         order by missing_seq, site, incarnation, seq, hash",
    )
    .bind(journal.site.0.to_vec())
    .bind(i64::from(journal.incarnation))
    .bind(int(seq))
    .fetch_all(tx.raw())
    .await?;
    let trust = &tx.state.trust;
    rows.iter().map(|row| released(row, trust)).collect()
}

fn released(row: &sqlx::sqlite::SqliteRow, trust: &Trust) -> Result<Released, StoreError> {
    let bundle = Bundle {
        header: row.try_get("header")?,
        payload: row.try_get("payload")?,
        signature: id(row, "signature")?,
    };
    Ok(Released {
        offered: Offered::of(bundle, trust),
        received_ms: row.try_get("received_ms")?,
    })
}

pub(crate) async fn forget(tx: &mut Tx<'_>, hash: Hash) -> Result<(), StoreError> {
    tx.written = true;
    sqlx::query("delete from waiting where hash = $1")
        .bind(hash.0.to_vec())
        .execute(tx.raw())
        .await?;
    Ok(())
}
