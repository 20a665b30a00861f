//! Dropping every cache and replaying the journals.

use crate::blob;
use crate::deps::{self, Deps};
use crate::erase;
use crate::error::StoreError;
use crate::job::Job;
use crate::judge::{self, Case, Judgement};
use crate::meta::{self, id, uint};
use crate::past::Past;
use crate::settle;
use crate::store::Store;
use crate::tx::Tx;
use crate::wave::Wave;
use futures::TryStreamExt as _;
use records::id::{Hash, InstitutionId, JournalId};
use records::trust::Trust;
use records::{bundle, payload};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use std::sync::Arc;

/// How many bundles are in memory at once during a replay.
const PAGE: i64 = 512;
/// Bytes of payload after which a page is full.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

const CACHES: &[&str] = &[
    "delete from quarantine",
    "delete from held_record",
    "delete from change",
    "delete from snapshot",
    "delete from record",
    "delete from entry_origin",
    "delete from link",
    "insert into search(search) values('delete-all')",
];

impl Store {
    /// Drops snapshots, projections, search and verdicts, and replays all journals, in one
    /// transaction. Heads and rows come out the same; every row is new to the feed.
    ///
    /// # Errors
    /// [`StoreError`]; the caches are as before then.
    pub async fn rebuild(&self) -> Result<(), StoreError> {
        self.rebuild_telling(|_, _| ()).await
    }

    /// The same, telling meanwhile how many of how many bundles are replayed.
    ///
    /// # Errors
    /// As [`Store::rebuild`].
    pub async fn rebuild_telling(
        &self,
        tell: impl FnMut(u64, u64) + Send + 'static,
    ) -> Result<(), StoreError> {
        let tell: Tell = Box::new(tell);
        self.ask(|reply| Job::Rebuild(tell, reply)).await?
    }
}

/// Told how many of how many bundles are replayed.
pub(crate) type Tell = Box<dyn FnMut(u64, u64) + Send>;

/// How far a replay is.
struct Told<'a> {
    tell: &'a mut (dyn FnMut(u64, u64) + Send),
    done: u64,
    of: u64,
}

impl Told<'_> {
    fn add(&mut self, bundles: usize) {
        self.done += bundles as u64;
        (self.tell)(self.done, self.of);
    }
}

/// Replays every bundle in the order it was first judged, which respects all dependencies.
///
/// The institution journal goes first: revocations count whenever they arrived.
pub(crate) async fn replay(
    tx: &mut Tx<'_>,
    tell: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), StoreError> {
    tx.written = true;
    tx.state.replay = false;
    blob::forget_all(tx.sql().await?).await?;
    for statement in CACHES {
        sqlx::query(*statement).execute(tx.sql().await?).await?;
    }
    tx.state.row = 0;
    tx.state.cursor += 1;
    let institution = tx.state.institution.unwrap_or_default();
    tx.state.trust = Arc::new(Trust::new(institution));
    let of = sqlx::query_scalar("select count(*) from bundle").fetch_one(tx.raw());
    let (done, of) = (0, uint(of.await?)?);
    let mut told = Told { tell, done, of };
    told.add(decisions(tx, institution).await?);
    let mut place = 0;
    while let Some(last) = page(tx, place, institution, &mut told).await? {
        place = last;
    }
    tx.state.replay = false;
    meta::mark_judged(tx).await
}

/// Replays the institution journal; how many bundles that were.
async fn decisions(tx: &mut Tx<'_>, institution: InstitutionId) -> Result<usize, StoreError> {
    let rows = sqlx::query(
        "select site, incarnation, seq, hash, header, payload, past, place, received_ms
         from bundle where site = $1 order by place",
    )
    .bind(JournalId::INSTITUTION.site.0.to_vec())
    .fetch_all(tx.raw())
    .await?;
    let count = rows.len();
    for row in rows {
        let case = case(tx, &row).await?;
        belongs(&case, institution)?;
        let (case, judgement) = judge::judge(tx, case).await?;
        settle::conclude(tx, &case, judgement).await?;
    }
    Ok(count)
}

/// Replays some bundles after `place`; the place of the last one, or `None` if there are no more.
async fn page(
    tx: &mut Tx<'_>,
    place: i64,
    institution: InstitutionId,
    told: &mut Told<'_>,
) -> Result<Option<i64>, StoreError> {
    let mut rows = sqlx::query(
        "select site, incarnation, seq, hash, header, payload, past, place, received_ms
         from bundle where place > $1 and site <> $2 order by place limit $3",
    )
    .bind(place)
    .bind(JournalId::INSTITUTION.site.0.to_vec())
    .bind(PAGE)
    .fetch(tx.raw());
    let (mut page, mut bytes) = (Vec::new(), 0);
    while bytes < PAGE_BYTES
        && let Some(row) = rows.try_next().await?
    {
        bytes += row.try_get::<&[u8], _>("payload")?.len();
        page.push(row);
    }
    drop(rows);
    let mut last = None;
    told.add(page.len());
    let mut cases = Vec::with_capacity(page.len());
    for row in page {
        last = Some(row.try_get("place")?);
        let case = case(tx, &row).await?;
        belongs(&case, institution)?;
        cases.push(case);
    }
    deps::fetch(tx, cases.iter().map(|case| &case.header)).await?;
    let mut wave = Wave::default();
    for mut case in cases {
        case.contradicts = contradicts(tx, &case).await?;
        wave.push(&tx.state, case);
    }
    wave.settle(tx).await?;
    Ok(last)
}

fn belongs(case: &Case, institution: InstitutionId) -> Result<(), StoreError> {
    match case.header.institution == institution {
        true => Ok(()),
        false => Err(StoreError::Damaged("a bundle of another institution")),
    }
}

/// A stored bundle as it is judged again; what the institution erased is left out.
pub(crate) async fn case(tx: &mut Tx<'_>, row: &SqliteRow) -> Result<Case, StoreError> {
    let header: Vec<u8> = row.try_get("header")?;
    let payload: Vec<u8> = row.try_get("payload")?;
    let mut case = Case {
        header: bundle::decode_header(&header)
            .map_err(|_| StoreError::Damaged("a bundle header"))?,
        journal: meta::journal_of(row)?,
        hash: Hash(id(row, "hash")?),
        past: Past::decode(&row.try_get::<Vec<u8>, _>("past")?)?,
        sections: payload::decode(&payload).map_err(|_| StoreError::Damaged("a bundle payload"))?,
        contradicts: false,
        received_ms: row.try_get("received_ms")?,
    };
    erase::rewrite(tx, case.hash, &mut case.sections).await?;
    Ok(case)
}

/// What a stored bundle comes to now.
pub(crate) async fn again(
    tx: &mut Tx<'_>,
    mut case: Case,
) -> Result<(Case, Judgement), StoreError> {
    if case.header.journal() != JournalId::INSTITUTION {
        case.contradicts = contradicts(tx, &case).await?;
    }
    judge::judge(tx, case).await
}

async fn contradicts(tx: &mut Tx<'_>, case: &Case) -> Result<bool, StoreError> {
    Ok(match deps::deps(tx, &case.header).await? {
        Deps::Judged { contradicts, .. } => contradicts,
        Deps::Missing { .. } | Deps::Lost { .. } => case.contradicts,
    })
}
