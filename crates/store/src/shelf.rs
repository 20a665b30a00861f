//! Records at hand: what the transaction under way has read or written of each.

use crate::action::Loaded;
use crate::doc;
use crate::error::StoreError;
use crate::lots;
use crate::meta::{id, journal_of, uint};
use crate::trial::Seats;
use crate::tx::Tx;
use automerge::Automerge;
use records::id::{AccountId, Hash, JournalId, RecordId, SiteId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A record's snapshot, and of its row what the next one keeps.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) kind: String,
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) no: i64,
    pub(crate) author: AccountId,
    pub(crate) recorded_at: i64,
    pub(crate) created_site: SiteId,
    pub(crate) created_hlc: i64,
    pub(crate) rev: i64,
    /// The document of `bytes`, where our writer has just made it.
    pub(crate) doc: Option<Automerge>,
    /// Its changes and the bundle each came in, where they were asked for.
    pub(crate) changes: Option<BTreeMap<Hash, (JournalId, u64)>>,
}

/// Records by id; `None` for those that are known not to be here.
pub(crate) type Shelf = HashMap<RecordId, Option<Kept>>;

impl Kept {
    pub(crate) fn loaded(&self) -> Result<Loaded, StoreError> {
        let record = doc::record(&self.bytes, &self.kind)?;
        Ok(Loaded {
            number: record.number.clone().unwrap_or_default(),
            record,
            author: self.author,
        })
    }

    fn of(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            kind: row.try_get("kind")?,
            bytes: Arc::new(row.try_get("bytes")?),
            no: row.try_get("no")?,
            author: AccountId(id(row, "author")?),
            recorded_at: row.try_get("recorded_at")?,
            created_site: SiteId(id(row, "created_site")?),
            created_hlc: row.try_get("created_hlc")?,
            rev: row.try_get("rev")?,
            doc: None,
            changes: None,
        })
    }
}

/// The record as it stands in this transaction.
pub(crate) async fn kept<'a>(
    tx: &'a mut Tx<'_>,
    record: RecordId,
) -> Result<Option<&'a Kept>, StoreError> {
    fetch(tx, &[record].into()).await?;
    Ok(tx.shelf.get(&record).and_then(Option::as_ref))
}

/// The record as it stands, for whoever puts it back changed.
pub(crate) async fn take(tx: &mut Tx<'_>, record: RecordId) -> Result<Option<Kept>, StoreError> {
    fetch(tx, &[record].into()).await?;
    Ok(tx.shelf.remove(&record).flatten())
}

/// What is tried on these records needs to know of them.
pub(crate) async fn seats(
    tx: &mut Tx<'_>,
    records: &BTreeSet<RecordId>,
) -> Result<Seats, StoreError> {
    fetch_changes(tx, records).await?;
    let mut seats = Seats::new();
    for record in records {
        let seat = seats.entry(*record).or_default();
        if let Some(Some(kept)) = tx.shelf.get(record) {
            seat.bytes = Some(kept.bytes.clone());
            seat.changes = kept.changes.clone().unwrap_or_default();
        }
    }
    let all: Vec<RecordId> = records.iter().copied().collect();
    let sql = "select record, site, incarnation, seq from held_record where record in ";
    for row in select(tx, sql, &all).await? {
        let seat = seats.entry(RecordId(id(&row, "record")?)).or_default();
        seat.held
            .push((journal_of(&row)?, uint(row.try_get("seq")?)?));
    }
    Ok(seats)
}

/// Brings records that are not at hand yet, many with one statement.
pub(crate) async fn fetch(tx: &mut Tx<'_>, records: &BTreeSet<RecordId>) -> Result<(), StoreError> {
    let missing = records.iter().filter(|id| !tx.shelf.contains_key(id));
    let missing: Vec<RecordId> = missing.copied().collect();
    let sql = "select s.record, s.bytes, s.kind, r.no, r.author, r.recorded_at, r.created_site,
             r.created_hlc, r.rev
         from snapshot s join record r on r.id = s.record where s.record in ";
    for row in select(tx, sql, &missing).await? {
        let record = RecordId(id(&row, "record")?);
        tx.shelf.insert(record, Some(Kept::of(&row)?));
    }
    for record in missing {
        tx.shelf.entry(record).or_insert(None);
    }
    Ok(())
}

/// [`fetch`], with the changes of each record.
pub(crate) async fn fetch_changes(
    tx: &mut Tx<'_>,
    records: &BTreeSet<RecordId>,
) -> Result<(), StoreError> {
    fetch(tx, records).await?;
    let kept = |id: &&RecordId| tx.shelf.get(id).and_then(Option::as_ref);
    let without = records
        .iter()
        .filter(|id| kept(id).is_some_and(|kept| kept.changes.is_none()));
    let without: Vec<RecordId> = without.copied().collect();
    if without.is_empty() {
        return Ok(());
    }
    let mut found: BTreeMap<RecordId, BTreeMap<Hash, (JournalId, u64)>> = BTreeMap::new();
    let sql = "select record, hash, site, incarnation, seq from change where record in ";
    for row in select(tx, sql, &without).await? {
        let place = (journal_of(&row)?, uint(row.try_get("seq")?)?);
        let changes = found.entry(RecordId(id(&row, "record")?)).or_default();
        changes.insert(Hash(id(&row, "hash")?), place);
    }
    for record in without {
        let mut changes = found.remove(&record).unwrap_or_default();
        // What this transaction has added is not in the table yet.
        for (hash, place) in tx.pile.changes_of(record) {
            changes.entry(hash).or_insert(place);
        }
        if let Some(Some(kept)) = tx.shelf.get_mut(&record) {
            kept.changes = Some(changes);
        }
    }
    Ok(())
}

async fn select(
    tx: &mut Tx<'_>,
    sql: &str,
    records: &[RecordId],
) -> Result<Vec<SqliteRow>, StoreError> {
    let ids: Vec<&[u8]> = records.iter().map(|record| &record.0[..]).collect();
    lots::select(tx.raw(), sql, &ids).await
}
