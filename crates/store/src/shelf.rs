//! Records at hand: what the transaction under way has read or written of each.

use crate::action::Loaded;
use crate::doc;
use crate::error::StoreError;
use crate::meta::{id, journal_of, uint};
use crate::tx::Tx;
use automerge::Automerge;
use records::id::{AccountId, Hash, JournalId, RecordId, SiteId};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Records asked for with one statement; shorter lists repeat their last one.
const LOTS: [usize; 3] = [64, 8, 1];

/// A record's snapshot, and of its row what the next one keeps.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) kind: String,
    pub(crate) bytes: Vec<u8>,
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
    pub(crate) fn doc(&self) -> Result<Automerge, StoreError> {
        if let Some(doc) = &self.doc {
            return Ok(doc.clone());
        }
        Automerge::load(&self.bytes).map_err(|_| StoreError::Damaged(doc::SNAPSHOT))
    }

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
            bytes: row.try_get("bytes")?,
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

/// Brings records that are not at hand yet, many with one statement.
pub(crate) async fn fetch(tx: &mut Tx<'_>, records: &BTreeSet<RecordId>) -> Result<(), StoreError> {
    let missing = records.iter().filter(|id| !tx.shelf.contains_key(id));
    let missing: Vec<RecordId> = missing.copied().collect();
    let sql = "select s.record, s.bytes, s.kind, r.no, r.author, r.recorded_at, r.created_site,
             r.created_hlc, r.rev
         from snapshot s join record r on r.id = s.record where s.record in ";
    for lot in lots(&missing) {
        for row in select(tx, sql, lot).await? {
            let record = RecordId(id(&row, "record")?);
            tx.shelf.insert(record, Some(Kept::of(&row)?));
        }
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
    for lot in lots(&without) {
        for row in select(tx, sql, lot).await? {
            let place = (journal_of(&row)?, uint(row.try_get("seq")?)?);
            let changes = found.entry(RecordId(id(&row, "record")?)).or_default();
            changes.insert(Hash(id(&row, "hash")?), place);
        }
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

fn lots(records: &[RecordId]) -> impl Iterator<Item = &[RecordId]> {
    records.chunks(LOTS[0])
}

async fn select(
    tx: &mut Tx<'_>,
    sql: &str,
    lot: &[RecordId],
) -> Result<Vec<SqliteRow>, StoreError> {
    let Some(last) = lot.last() else {
        return Ok(Vec::new());
    };
    let size = LOTS.into_iter().rev().find(|size| *size >= lot.len());
    let mut select = QueryBuilder::<Sqlite>::new(sql);
    select.push("(");
    let mut list = select.separated(", ");
    for at in 0..size.unwrap_or(LOTS[0]) {
        list.push_bind(lot.get(at).unwrap_or(last).0.to_vec());
    }
    list.push_unseparated(")");
    Ok(select.build().fetch_all(tx.raw()).await?)
}
