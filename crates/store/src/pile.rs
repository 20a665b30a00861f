//! Rows of the transaction under way, written many at a time.
//!
//! A statement costs a round trip to SQLite's thread, which is most of what a small row costs.
//! So journal rows, changes, snapshots, projections and search rows are gathered and written
//! with one statement for many rows before the transaction ends; a record that several bundles
//! change is written once. Who reads these tables meanwhile asks the pile first, or has it
//! written ([`Tx::sql`]).

use crate::error::StoreError;
use crate::lots::LOTS;
use crate::meta::int;
use crate::open::WritePoint;
use crate::tx::Tx;
use records::id::{AccountId, ActionId, EntryId, Hash, JournalId, RecordId, SiteId};
use sqlx::query_builder::Separated;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Bytes after which a pile is written though its transaction goes on.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A journal row.
pub(crate) struct BundleRow {
    pub(crate) journal: JournalId,
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) action: ActionId,
    pub(crate) past: Vec<u8>,
    pub(crate) place: i64,
    pub(crate) received_ms: i64,
}

/// A record's snapshot and its row in lists.
pub(crate) struct RecordRow {
    pub(crate) no: i64,
    pub(crate) snapshot: Arc<Vec<u8>>,
    pub(crate) kind: String,
    pub(crate) number: String,
    pub(crate) site: SiteId,
    pub(crate) happened_at: Option<i64>,
    pub(crate) recorded_at: i64,
    pub(crate) author: AccountId,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) state: Option<String>,
    pub(crate) open: bool,
    pub(crate) category: Option<String>,
    pub(crate) level: Option<String>,
    pub(crate) sensitive: bool,
    pub(crate) amended: Option<&'static str>,
    pub(crate) incident: Option<RecordId>,
    pub(crate) rev: i64,
    pub(crate) created_site: SiteId,
    pub(crate) created_hlc: i64,
    pub(crate) cursor: u64,
    /// Once it is, it stays so.
    pub(crate) disputed: bool,
}

/// Where an entry came from.
pub(crate) struct OriginRow {
    pub(crate) entry: EntryId,
    pub(crate) author: AccountId,
    pub(crate) site: SiteId,
    pub(crate) wall_ms: i64,
    pub(crate) hlc: u64,
}

/// The rows not yet written.
#[derive(Default)]
pub(crate) struct Pile {
    bundles: Vec<BundleRow>,
    places: HashMap<(JournalId, u64), usize>,
    hashes: HashMap<Hash, usize>,
    /// The first bundle of each action at each site.
    actions: HashMap<(ActionId, SiteId), usize>,
    changes: BTreeMap<(RecordId, Hash), (JournalId, u64)>,
    records: BTreeMap<RecordId, RecordRow>,
    links: BTreeMap<(RecordId, String), RecordId>,
    origins: BTreeMap<(RecordId, String, Vec<u8>), OriginRow>,
    counters: BTreeMap<String, i64>,
    search: BTreeMap<i64, String>,
    bytes: usize,
}

impl Pile {
    pub(crate) fn bundle(&mut self, row: BundleRow) {
        let at = self.bundles.len();
        self.bytes += row.header.len() + row.payload.len();
        self.places.insert((row.journal, row.seq), at);
        self.hashes.insert(row.hash, at);
        let action = (row.action, row.journal.site);
        self.actions.entry(action).or_insert(at);
        self.bundles.push(row);
    }

    pub(crate) fn bundle_at(&self, journal: JournalId, seq: u64) -> Option<&BundleRow> {
        self.places
            .get(&(journal, seq))
            .map(|at| &self.bundles[*at])
    }

    pub(crate) fn bundle_with(&self, hash: Hash) -> Option<&BundleRow> {
        self.hashes.get(&hash).map(|at| &self.bundles[*at])
    }

    pub(crate) fn bundle_of(&self, action: ActionId, site: SiteId) -> Option<&BundleRow> {
        let at = self.actions.get(&(action, site))?;
        Some(&self.bundles[*at])
    }

    pub(crate) fn change(&mut self, record: RecordId, hash: Hash, journal: JournalId, seq: u64) {
        let change = self.changes.entry((record, hash));
        change.or_insert((journal, seq));
    }

    pub(crate) fn changes_of(
        &self,
        record: RecordId,
    ) -> impl Iterator<Item = (Hash, (JournalId, u64))> {
        let all = (record, Hash([0; 32]))..=(record, Hash([0xff; 32]));
        let changes = self.changes.range(all);
        changes.map(|((_, hash), place)| (*hash, *place))
    }

    pub(crate) fn record(&mut self, id: RecordId, mut row: RecordRow) {
        self.bytes += row.snapshot.len();
        let before = self.records.get(&id);
        row.disputed |= before.is_some_and(|before| before.disputed);
        self.records.insert(id, row);
    }

    pub(crate) fn link(&mut self, id: RecordId, relation: &str, target: RecordId) {
        self.links.insert((id, relation.to_owned()), target);
    }

    /// The first bundle that brought what made an entry stays its origin.
    pub(crate) fn origin(&mut self, id: RecordId, field: &str, maker: Vec<u8>, row: OriginRow) {
        let entry = row.entry;
        let origin = self.origins.entry((id, field.to_owned(), maker));
        origin.or_insert(row).entry = entry;
    }

    /// Numbers never return: a series only rises.
    pub(crate) fn counter(&mut self, series: &str, last: i64) {
        let counter = self.counters.entry(series.to_owned()).or_default();
        *counter = last.max(*counter);
    }

    pub(crate) fn counted(&self, series: &str) -> Option<i64> {
        self.counters.get(series).copied()
    }

    pub(crate) fn search(&mut self, no: i64, tokens: String) {
        self.bytes += tokens.len();
        self.search.insert(no, tokens);
    }

    pub(crate) fn is_high(&self) -> bool {
        self.bytes > MAX_BYTES
    }
}

/// Writes the pile and forgets it.
pub(crate) async fn write(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let pile = std::mem::take(&mut tx.pile);
    if !pile.bundles.is_empty() {
        bundles(tx.raw(), &pile.bundles).await?;
        tx.reach(WritePoint::Bundle)?;
    }
    if !pile.changes.is_empty() {
        changes(tx.raw(), pile.changes).await?;
        tx.reach(WritePoint::Changes)?;
    }
    if pile.records.is_empty() {
        return Ok(());
    }
    let records: Vec<_> = pile.records.into_iter().collect();
    snapshots(tx.raw(), &records).await?;
    tx.reach(WritePoint::Snapshot)?;
    rows(tx.raw(), &records).await?;
    links(tx.raw(), pile.links).await?;
    origins(tx.raw(), pile.origins).await?;
    counters(tx.raw(), pile.counters).await?;
    tx.reach(WritePoint::Projection)?;
    search(tx.raw(), pile.search).await?;
    tx.reach(WritePoint::Search)
}

type Values<'q> = Separated<'q, Sqlite, &'static str>;

/// `head` + one tuple of values a row + `tail`, in as few statements as the lots allow.
async fn insert<T>(
    conn: &mut SqliteConnection,
    (head, tail): (&str, &str),
    mut rows: &[T],
    mut bind: impl FnMut(&mut Values<'_>, &T),
) -> Result<(), StoreError> {
    for lot in LOTS {
        while rows.len() >= lot {
            let (now, later) = rows.split_at(lot);
            let mut insert = QueryBuilder::<Sqlite>::new(head);
            insert.push_values(now, |mut values, row| bind(&mut values, row));
            insert.push(tail);
            insert.build().execute(&mut *conn).await?;
            rows = later;
        }
    }
    Ok(())
}

async fn bundles(conn: &mut SqliteConnection, rows: &[BundleRow]) -> Result<(), StoreError> {
    let sql = (
        "insert into bundle(site, incarnation, seq, hash, header, payload, signature, action,
             past, place, received_ms) ",
        "",
    );
    insert(conn, sql, rows, |values, row| {
        values
            .push_bind(row.journal.site.0.to_vec())
            .push_bind(i64::from(row.journal.incarnation))
            .push_bind(int(row.seq))
            .push_bind(row.hash.0.to_vec())
            .push_bind(row.header.clone())
            .push_bind(row.payload.clone())
            .push_bind(row.signature.clone())
            .push_bind(row.action.0.to_vec())
            .push_bind(row.past.clone())
            .push_bind(row.place)
            .push_bind(row.received_ms);
    })
    .await
}

async fn changes(
    conn: &mut SqliteConnection,
    rows: BTreeMap<(RecordId, Hash), (JournalId, u64)>,
) -> Result<(), StoreError> {
    let sql = (
        "insert into change(record, hash, site, incarnation, seq) ",
        " on conflict do nothing",
    );
    let rows: Vec<_> = rows.into_iter().collect();
    insert(
        conn,
        sql,
        &rows,
        |values, ((record, hash), (journal, seq))| {
            values
                .push_bind(record.0.to_vec())
                .push_bind(hash.0.to_vec())
                .push_bind(journal.site.0.to_vec())
                .push_bind(i64::from(journal.incarnation))
                .push_bind(int(*seq));
        },
    )
    .await
}

async fn snapshots(
    conn: &mut SqliteConnection,
    rows: &[(RecordId, RecordRow)],
) -> Result<(), StoreError> {
    let sql = (
        "insert into snapshot(record, kind, bytes) ",
        " on conflict(record) do update set kind = excluded.kind, bytes = excluded.bytes",
    );
    insert(conn, sql, rows, |values, (id, row)| {
        values
            .push_bind(id.0.to_vec())
            .push_bind(row.kind.clone())
            .push_bind(row.snapshot.to_vec());
    })
    .await
}

async fn rows(
    conn: &mut SqliteConnection,
    rows: &[(RecordId, RecordRow)],
) -> Result<(), StoreError> {
    let sql = (
        "insert into record(no, id, kind, number, site, happened_at, sort_at, recorded_at, author,
             title, summary, state, open, category, level, sensitive, amended, incident, rev,
             created_site, created_hlc, cursor, disputed) ",
        " on conflict(no) do update set kind = excluded.kind, number = excluded.number,
             site = excluded.site, happened_at = excluded.happened_at, sort_at = excluded.sort_at,
             recorded_at = excluded.recorded_at, author = excluded.author,
             title = excluded.title, summary = excluded.summary, state = excluded.state,
             open = excluded.open, category = excluded.category, level = excluded.level,
             sensitive = excluded.sensitive, amended = excluded.amended,
             incident = excluded.incident, rev = excluded.rev,
             created_site = excluded.created_site, created_hlc = excluded.created_hlc,
             cursor = excluded.cursor, disputed = max(record.disputed, excluded.disputed)",
    );
    insert(conn, sql, rows, |values, (id, row)| {
        values
            .push_bind(row.no)
            .push_bind(id.0.to_vec())
            .push_bind(row.kind.clone())
            .push_bind(row.number.clone())
            .push_bind(row.site.0.to_vec())
            .push_bind(row.happened_at)
            .push_bind(row.happened_at.unwrap_or(row.recorded_at))
            .push_bind(row.recorded_at)
            .push_bind(row.author.0.to_vec())
            .push_bind(row.title.clone())
            .push_bind(row.summary.clone())
            .push_bind(row.state.clone())
            .push_bind(row.open)
            .push_bind(row.category.clone())
            .push_bind(row.level.clone())
            .push_bind(row.sensitive)
            .push_bind(row.amended)
            .push_bind(row.incident.map(|record| record.0.to_vec()))
            .push_bind(row.rev)
            .push_bind(row.created_site.0.to_vec())
            .push_bind(row.created_hlc)
            .push_bind(int(row.cursor))
            .push_bind(row.disputed);
    })
    .await
}

async fn links(
    conn: &mut SqliteConnection,
    rows: BTreeMap<(RecordId, String), RecordId>,
) -> Result<(), StoreError> {
    let sql = (
        "insert into link(record, relation, target) ",
        " on conflict(record, relation) do update set target = excluded.target",
    );
    let rows: Vec<_> = rows.into_iter().collect();
    insert(conn, sql, &rows, |values, ((id, relation), target)| {
        values
            .push_bind(id.0.to_vec())
            .push_bind(relation.clone())
            .push_bind(target.0.to_vec());
    })
    .await
}

async fn origins(
    conn: &mut SqliteConnection,
    rows: BTreeMap<(RecordId, String, Vec<u8>), OriginRow>,
) -> Result<(), StoreError> {
    let sql = (
        "insert into entry_origin(record, field, maker, entry, author, site, wall_ms, hlc) ",
        " on conflict(record, field, maker) do update set entry = excluded.entry",
    );
    let rows: Vec<_> = rows.into_iter().collect();
    insert(conn, sql, &rows, |values, ((id, field, maker), row)| {
        values
            .push_bind(id.0.to_vec())
            .push_bind(field.clone())
            .push_bind(maker.clone())
            .push_bind(row.entry.0.to_vec())
            .push_bind(row.author.0.to_vec())
            .push_bind(row.site.0.to_vec())
            .push_bind(row.wall_ms)
            .push_bind(int(row.hlc));
    })
    .await
}

async fn counters(
    conn: &mut SqliteConnection,
    rows: BTreeMap<String, i64>,
) -> Result<(), StoreError> {
    let sql = (
        "insert into counter(series, last) ",
        " on conflict(series) do update set last = excluded.last
             where counter.last < excluded.last",
    );
    let rows: Vec<_> = rows.into_iter().collect();
    insert(conn, sql, &rows, |values, (series, last)| {
        values.push_bind(series.clone()).push_bind(*last);
    })
    .await
}

async fn search(
    conn: &mut SqliteConnection,
    rows: BTreeMap<i64, String>,
) -> Result<(), StoreError> {
    let sql = ("insert or replace into search(rowid, tokens) ", "");
    let rows: Vec<_> = rows.into_iter().collect();
    insert(conn, sql, &rows, |values, (no, tokens)| {
        values.push_bind(*no).push_bind(tokens.clone());
    })
    .await
}
