//! Dropping every cache and replaying the journals.

use crate::blob;
use crate::check::whole;
use crate::deps::{self, Deps};
use crate::erase;
use crate::error::StoreError;
use crate::hole;
use crate::job::Job;
use crate::judge::{self, Case, Judgement};
use crate::lane::{is_lane, stem};
use crate::meta::{self, head_of, journal_of, uint};
use crate::past::Past;
use crate::settle;
use crate::store::Store;
use crate::tx::Tx;
use crate::wave::Wave;
use futures::TryStreamExt as _;
use records::bundle::{Bundle, Head};
use records::id::{InstitutionId, JournalId};
use records::payload;
use records::trust::Trust;
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
/// The institution journal goes first: revocations count whenever they arrived. If it is damaged
/// nothing is touched.
pub(crate) async fn replay(
    tx: &mut Tx<'_>,
    tell: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), StoreError> {
    let institution = tx.state.institution.unwrap_or_default();
    let decisions = decisions(tx, institution).await?;
    tx.written = true;
    tx.state.replay = false;
    tx.state.awaits_mend = false;
    blob::forget_all(tx.sql().await?).await?;
    for statement in CACHES {
        sqlx::query(*statement).execute(tx.sql().await?).await?;
    }
    tx.state.row = 0;
    tx.state.cursor += 1;
    let known = tx.state.trust.seq();
    tx.state.trust = Arc::new(Trust::new(institution));
    let of = sqlx::query_scalar("select count(*) from bundle").fetch_one(tx.raw());
    let (done, of) = (0, uint(of.await?)?);
    let mut told = Told { tell, done, of };
    told.add(decisions.len());
    let mut fresh = Vec::new();
    for case in decisions {
        let (case, judgement) = judge::judge(tx, case).await?;
        let decided = matches!(judgement, Judgement::Institution(_));
        settle::conclude(tx, &case, judgement).await?;
        if decided && case.header.seq > known {
            fresh.push(case);
        }
    }
    let mut place = 0;
    while let Some(last) = page(tx, place, institution, &mut told).await? {
        place = last;
    }
    // What nothing was known of before this replay has content in other tables yet.
    for case in fresh {
        erase::carry_out(tx, &case).await?;
    }
    tx.state.replay = false;
    meta::mark_judged(tx).await
}

/// The institution journal, if every bundle of it can be read: without one, all that was decided
/// after it would be forgotten.
async fn decisions(tx: &mut Tx<'_>, institution: InstitutionId) -> Result<Vec<Case>, StoreError> {
    let rows = sqlx::query(
        "select site, incarnation, seq, hash, header, payload, past, place, received_ms
         from bundle where site = $1 order by place",
    )
    .bind(JournalId::INSTITUTION.site.0.to_vec())
    .fetch_all(tx.sql().await?)
    .await?;
    let mut cases = Vec::with_capacity(rows.len());
    for row in rows {
        let case = read(&row).ok_or(StoreError::InstitutionDamaged)?;
        belongs(&case, institution)?;
        cases.push(case);
    }
    let last = tx.state.head(JournalId::INSTITUTION);
    let last = last.map_or(0, |head| head.seq);
    match cases.len() as u64 == last {
        true => Ok(cases),
        false => Err(StoreError::InstitutionDamaged),
    }
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
        if let Some(case) = case(tx, &row).await? {
            belongs(&case, institution)?;
            cases.push(case);
        }
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

/// A stored bundle as it is judged again; what the institution erased is left out. One that is
/// damaged on disk is noted as a hole, which another site can mend, and left out whole.
pub(crate) async fn case(tx: &mut Tx<'_>, row: &SqliteRow) -> Result<Option<Case>, StoreError> {
    let Some(mut case) = read(row) else {
        if let (Ok(journal), Ok(seq)) = (journal_of(row), uint(row.try_get("seq")?))
            && !is_lane(journal)
        {
            hole::note(tx, journal, seq, 0).await?;
        }
        return Ok(None);
    };
    erase::rewrite(tx, case.hash, &mut case.sections).await?;
    Ok(Some(case))
}

fn read(row: &SqliteRow) -> Option<Case> {
    let at = head_of(row).ok()?;
    let head = Head {
        journal: stem(at.journal),
        ..at
    };
    let bundle = Bundle {
        header: row.try_get("header").ok()?,
        payload: row.try_get("payload").ok()?,
        // What was signed is what the hash names.
        signature: [0; 64],
    };
    let header = whole(&head, &bundle)?;
    Some(Case {
        header,
        journal: at.journal,
        hash: at.hash,
        past: Past::decode(&row.try_get::<Vec<u8>, _>("past").ok()?).ok()?,
        sections: payload::decode(&bundle.payload).ok()?,
        contradicts: false,
        received_ms: row.try_get("received_ms").ok()?,
    })
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
        // It was on a branch, of which a piece is gone since, unless it is part of the past.
        Deps::Missing { journal, seq } => case.past.seq(journal) < seq,
        Deps::Lost { .. } => case.contradicts,
    })
}
