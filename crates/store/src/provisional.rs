//! The fast lane of a site that has much to catch up with: rows as another site shows them, to be
//! read at once, kept apart from everything that was proved here.
//!
//! **Where the trust lies**: such a row is the word of one enrolled site, given over TLS. No
//! signature covers it and no gate has seen it, so it is shown marked and used for nothing but
//! reading lists: no decision, number, search index, link or count looks at it. A record that has
//! come through the gate hides its provisional row, however old; once every bundle has been
//! replayed that the other site held when it was asked, all of them are dropped.

use crate::error::StoreError;
use crate::job::Job;
use crate::list::{self, Filter, Page};
use crate::meta;
use crate::row::RecordRow;
use crate::state::State;
use crate::store::Store;
use crate::tx::Tx;
use records::bundle::Head;
use records::id::{JournalId, SiteId};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

/// Rows kept at most.
pub const MAX_PROVISIONAL: usize = 4_000;
/// Journals that are looked at to tell when the replay has passed.
const MAX_JOURNALS: usize = 1_024;

const MOST: u64 = 1_000_000_000;

/// How far the replay is behind what the fast lane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Bundles proved and replayed here.
    pub to: u64,
    /// Bundles there are, as far as this site was told.
    pub of: u64,
}

/// A fast lane that is open: whose word it is, and how far the replay has to come.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub(crate) struct FastLane {
    #[n(0)]
    peer: SiteId,
    #[n(1)]
    until: BTreeMap<JournalId, u64>,
}

impl FastLane {
    fn is_passed(&self, state: &State) -> bool {
        let mut until = self.until.iter();
        until.all(|(journal, seq)| state.head(*journal).is_some_and(|head| head.seq >= *seq))
    }

    /// How far `frontier` is.
    pub(crate) fn verified(&self, frontier: &[Head]) -> Verified {
        let to: u64 = frontier.iter().map(|head| head.seq).sum();
        let held: BTreeMap<JournalId, u64> = frontier
            .iter()
            .map(|head| (head.journal, head.seq))
            .collect();
        let lacking = self
            .until
            .iter()
            .map(|(journal, seq)| seq.saturating_sub(held.get(journal).copied().unwrap_or(0)));
        let lacking = lacking.fold(0, u64::saturating_add);
        let of = to.saturating_add(lacking);
        Verified { to, of }
    }
}

/// What the writer is asked to do about the fast lane.
pub(crate) enum FastLaneStep {
    Take {
        peer: SiteId,
        until: Vec<Head>,
        rows: Vec<RecordRow>,
    },
    End(SiteId),
}

impl Store {
    /// Takes rows as `peer` shows them, which held the journals up to `until` when it was asked.
    /// Rows of erased records, and those beyond [`MAX_PROVISIONAL`], are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_provisional(
        &self,
        peer: SiteId,
        until: Vec<Head>,
        rows: Vec<RecordRow>,
    ) -> Result<(), StoreError> {
        let step = FastLaneStep::Take { peer, until, rows };
        self.ask(|reply| Job::FastLane(step, reply)).await?
    }

    /// Drops what `peer` has shown: it holds nothing more that is not here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_provisional(&self, peer: SiteId) -> Result<(), StoreError> {
        let step = FastLaneStep::End(peer);
        self.ask(|reply| Job::FastLane(step, reply)).await?
    }

    /// How far the replay is while anything provisional is shown; `None` otherwise.
    #[must_use]
    pub fn verified(&self) -> Option<Verified> {
        self.inner.view.borrow().verified
    }

    /// One page of records as [`Store::list`] gives it, with provisional rows among them while
    /// there are any: for people to read, and for nothing else.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub async fn list_shown(&self, filter: &Filter) -> Result<Page, StoreError> {
        if self.verified().is_none() {
            return self.list(filter).await;
        }
        let limit = list::limit(filter);
        let mut rows = self.sorted(filter, limit).await?;
        rows.extend(self.provisional(filter, limit).await?);
        rows.sort_by(|(a_at, a), (b_at, b)| b_at.cmp(a_at).then(a.id.cmp(&b.id)));
        Ok(list::page(rows, limit))
    }

    /// Provisional rows of records that have not come through the gate, one more than `limit`.
    async fn provisional(
        &self,
        filter: &Filter,
        limit: u32,
    ) -> Result<Vec<(i64, RecordRow)>, StoreError> {
        let words: Vec<String> = filter
            .query
            .iter()
            .flat_map(|query| query.split_whitespace().map(str::to_lowercase))
            .collect();
        // Words are looked for in the row itself; the index holds only what was proved.
        let (read, wanted) = match words.is_empty() {
            true => (u64::from(limit) + 1, limit as usize + 1),
            false => (MAX_PROVISIONAL as u64, limit as usize + 1),
        };
        let found = self.select(list::PROVISIONAL, filter, None, read).await?;
        let mut rows = Vec::new();
        for row in &found {
            let (at, row) = list::sorted_row(row)?;
            let text = format!("{} {} {}", row.number, row.title, row.summary).to_lowercase();
            if words.iter().all(|word| text.contains(word)) {
                let provisional = true;
                rows.push((at, RecordRow { provisional, ..row }));
            }
        }
        rows.truncate(wanted);
        Ok(rows)
    }
}

/// Carries out a step.
pub(crate) async fn step(tx: &mut Tx<'_>, step: FastLaneStep) -> Result<(), StoreError> {
    match step {
        FastLaneStep::Take { peer, until, rows } => take(tx, peer, until, rows).await,
        FastLaneStep::End(peer) => {
            let open = tx.state.fast_lane.as_ref();
            match open.is_some_and(|lane| lane.peer == peer) {
                true => end(tx).await,
                false => Ok(()),
            }
        }
    }
}

async fn take(
    tx: &mut Tx<'_>,
    peer: SiteId,
    until: Vec<Head>,
    rows: Vec<RecordRow>,
) -> Result<(), StoreError> {
    let until = until.into_iter().take(MAX_JOURNALS);
    // No site has written more; a peer may claim what it likes.
    let until = until
        .map(|head| (head.journal, head.seq.min(MOST)))
        .collect();
    let lane = FastLane { peer, until };
    if lane.is_passed(&tx.state) {
        return Ok(());
    }
    tx.written = true;
    let held: i64 = sqlx::query_scalar("select count(*) from provisional")
        .fetch_one(tx.raw())
        .await?;
    let room = MAX_PROVISIONAL.saturating_sub(usize::try_from(held).unwrap_or(usize::MAX));
    let trust = tx.state.trust.clone();
    let rows = rows
        .into_iter()
        .filter(|row| trust.erasures().record(row.id).is_none());
    for row in rows.take(room) {
        insert(tx.raw(), &row).await?;
    }
    let value = minicbor::to_vec(&lane).expect("encoding into a Vec cannot fail");
    meta::set(tx.raw(), meta::FAST_LANE, value).await?;
    tx.state.fast_lane = Some(lane);
    // So that whoever shows lists looks again.
    tx.state.cursor += 1;
    Ok(())
}

/// Drops everything provisional.
pub(crate) async fn end(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.written = true;
    tx.state.fast_lane = None;
    tx.state.cursor += 1;
    sqlx::query("delete from provisional")
        .execute(tx.raw())
        .await?;
    meta::remove(tx.raw(), meta::FAST_LANE).await
}

/// Before a transaction ends: whether the replay has passed all that was shown.
pub(crate) async fn end_if_passed(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let lane = tx.state.fast_lane.as_ref();
    match lane.is_some_and(|lane| lane.is_passed(&tx.state)) {
        true => end(tx).await,
        false => Ok(()),
    }
}

async fn insert(conn: &mut SqliteConnection, row: &RecordRow) -> Result<(), StoreError> {
    sqlx::query(
        "insert into provisional(id, kind, number, site, happened_at, sort_at, recorded_at, author,
             author_name, title, summary, state, open, category, level, sensitive, amended,
             incident, rev, attachments)
         values($1, $2, $3, $4, $5, coalesce($5, $6), $6, $7, $8, $9, $10, $11, $12, $13, $14,
             $15, $16, $17, $18, $19)
         on conflict(id) do nothing",
    )
    .bind(row.id.0.to_vec())
    .bind(&row.kind)
    .bind(&row.number)
    .bind(row.site.0.to_vec())
    .bind(row.happened_at)
    .bind(row.recorded_at)
    .bind(row.author.0.to_vec())
    .bind(&row.author_name)
    .bind(&row.title)
    .bind(&row.summary)
    .bind(&row.state)
    .bind(row.open)
    .bind(&row.category)
    .bind(&row.level)
    .bind(row.sensitive)
    .bind(&row.amended)
    .bind(row.incident.map(|incident| incident.0.to_vec()))
    .bind(meta::int(row.rev))
    .bind(meta::int(row.attachments))
    .execute(conn)
    .await?;
    Ok(())
}
