//! Holes: places of a journal whose bundle was lost or damaged on this disk, and putting the very
//! bundle back.
//!
//! Which bundle must stand there is told by the next one's `prev` (or by the journal's head), so
//! nothing else can take the place.

use crate::chain::hash_of;
use crate::check::{is_sound, readable};
use crate::error::StoreError;
use crate::lane::is_lane;
use crate::meta::{int, journal_of, uint};
use crate::store::Store;
use crate::tx::Tx;
use records::bundle::{Bundle, Head, decode_header};
use records::id::{Hash, JournalId};
use sqlx::Row as _;

mod mend;

pub(crate) use mend::fill;

/// A place whose bundle is lost or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hole {
    /// The journal.
    pub journal: JournalId,
    /// The place.
    pub seq: u64,
    /// The bundle that must stand there, as far as it is known yet.
    pub hash: Option<Hash>,
    /// When it was found, ms since the epoch; 0 if a link came upon it and no check has yet.
    pub found_ms: i64,
}

impl Store {
    /// Lost and damaged places, at most 1,000.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn holes(&self) -> Result<Vec<Hole>, StoreError> {
        let rows = sqlx::query(
            "select site, incarnation, seq, hash, found_ms from hole
             order by site, incarnation, seq limit 1000",
        )
        .fetch_all(&self.inner.readers)
        .await?;
        let hole = |row: &sqlx::sqlite::SqliteRow| {
            let hash: Option<Vec<u8>> = row.try_get("hash")?;
            Ok(Hole {
                journal: journal_of(row)?,
                seq: uint(row.try_get("seq")?)?,
                hash: hash.and_then(|hash| Hash::from_slice(&hash)),
                found_ms: row.try_get("found_ms")?,
            })
        };
        rows.iter().map(hole).collect()
    }
}

/// Notes places as lost, those that really are. An adopted branch has none, since no peer could
/// mend it there.
pub(crate) async fn note_all(
    tx: &mut Tx<'_>,
    places: &[(JournalId, u64)],
    found_ms: i64,
) -> Result<(), StoreError> {
    // From the end, so that a run knows its last hash first.
    for (journal, seq) in places.iter().rev() {
        let below = tx.state.head(*journal).is_some_and(|head| *seq <= head.seq);
        if !below || *seq == 0 || is_lane(*journal) {
            continue;
        }
        if let Some((head, bundle)) = stored(tx, *journal, *seq).await?
            && is_sound(&head, &bundle, &tx.state.trust)
        {
            continue;
        }
        note(tx, *journal, *seq, found_ms).await?;
    }
    Ok(())
}

/// Notes a place as lost.
pub(crate) async fn note(
    tx: &mut Tx<'_>,
    journal: JournalId,
    seq: u64,
    found_ms: i64,
) -> Result<(), StoreError> {
    let hash = expected(tx, journal, seq).await?;
    let known = is_at(tx, journal, seq).await?;
    tx.written = true;
    sqlx::query(
        "insert into hole(site, incarnation, seq, hash, found_ms) values($1, $2, $3, $4, $5)
         on conflict(site, incarnation, seq) do update set found_ms = excluded.found_ms
         where hole.found_ms = 0",
    )
    .bind(journal.site.0.to_vec())
    .bind(i64::from(journal.incarnation))
    .bind(int(seq))
    .bind(hash.map(|hash| hash.0.to_vec()))
    .bind(found_ms)
    .execute(tx.sql().await?)
    .await?;
    if !known {
        tracing::error!(
            site.id = %journal.site,
            site.incarnation = journal.incarnation,
            bundle.seq = seq,
            "a bundle is lost or damaged on this disk"
        );
        tx.state.holes += 1;
        tx.state.mends += 1;
    }
    Ok(())
}

/// Whether a place is known to be lost.
pub(crate) async fn is_at(
    tx: &mut Tx<'_>,
    journal: JournalId,
    seq: u64,
) -> Result<bool, StoreError> {
    if tx.state.holes == 0 {
        return Ok(false);
    }
    let found: Option<i64> =
        sqlx::query_scalar("select 1 from hole where site = $1 and incarnation = $2 and seq = $3")
            .bind(journal.site.0.to_vec())
            .bind(i64::from(journal.incarnation))
            .bind(int(seq))
            .fetch_optional(tx.raw())
            .await?;
    Ok(found.is_some())
}

/// The hash of the bundle that must stand at a place.
async fn expected(
    tx: &mut Tx<'_>,
    journal: JournalId,
    seq: u64,
) -> Result<Option<Hash>, StoreError> {
    if let Some(head) = tx.state.head(journal)
        && head.seq == seq
    {
        return Ok(Some(head.hash));
    }
    let row =
        sqlx::query("select header from hole where site = $1 and incarnation = $2 and seq = $3")
            .bind(journal.site.0.to_vec())
            .bind(i64::from(journal.incarnation))
            .bind(int(seq + 1))
            .fetch_optional(tx.sql().await?)
            .await?;
    if let Some(row) = row {
        let header: Option<Vec<u8>> = row.try_get("header")?;
        let header = header.and_then(|header| decode_header(&header).ok());
        return Ok(header.map(|header| header.prev));
    }
    let Some((head, next)) = stored(tx, journal, seq + 1).await? else {
        return Ok(None);
    };
    if !is_sound(&head, &next, &tx.state.trust) {
        return Ok(None);
    }
    Ok(next.decode_header().ok().map(|header| header.prev))
}

async fn stored(
    tx: &mut Tx<'_>,
    journal: JournalId,
    seq: u64,
) -> Result<Option<(Head, Bundle)>, StoreError> {
    let row = sqlx::query(
        "select site, incarnation, seq, hash, header, payload, signature, past from bundle
         where site = $1 and incarnation = $2 and seq = $3",
    )
    .bind(journal.site.0.to_vec())
    .bind(i64::from(journal.incarnation))
    .bind(int(seq))
    .fetch_optional(tx.sql().await?)
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let hash = hash_of(&row);
    let head = Head { journal, seq, hash };
    // What cannot be worked with is no bundle at all.
    let bundle = readable(&row).unwrap_or(Bundle {
        header: Vec::new(),
        payload: Vec::new(),
        signature: [0; 64],
    });
    Ok(Some((head, bundle)))
}
