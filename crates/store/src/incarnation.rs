//! A site's present incarnation, and opening the next one.
//!
//! A journal that was continued somewhere else must not be continued here: that would fork it.
//! The site then signs on in a new journal, at once and by itself, with the same enrolled key.
//! Its first bundle is a witness: it depends on all that is held and says nothing else.

use crate::action::{Action, Writer};
use crate::commit::sign_and_settle;
use crate::error::StoreError;
use crate::job::{CommitFault, Job};
use crate::lane::stem;
use crate::meta::{self, uint};
use crate::store::Store;
use crate::tx::Tx;
use records::bundle::Head;
use records::id::{AccountId, ActionId, JournalId, TerminalId};
use std::sync::Arc;

/// When an incarnation is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Wall clock, ms since the epoch.
    pub wall_ms: i64,
    /// Monotonic ms since the process started.
    pub uptime_ms: u64,
}

impl Moment {
    pub(crate) fn of(action: &Action) -> Self {
        Self {
            wall_ms: action.wall_ms,
            uptime_ms: action.uptime_ms,
        }
    }
}

impl Store {
    /// Ends `journal`, one of our own that somebody else continued, so that we write in none at
    /// or below it. Opens a new incarnation if our present one is; `None` if it need not.
    ///
    /// # Errors
    /// [`StoreError::Restored`] when the enrolment covers no further incarnation;
    /// [`StoreError::Revoked`]; [`StoreError::NoWriter`]; what the database says.
    pub async fn leave_journal(
        &self,
        journal: JournalId,
        now: Moment,
    ) -> Result<Option<Head>, StoreError> {
        self.ask(|reply| Job::Leave(Some(journal), now, reply))
            .await?
    }

    /// Opens a new incarnation if this directory is marked as a restored or copied one, or its
    /// journal was closed. To be called once a writer was started.
    ///
    /// # Errors
    /// As [`Store::leave_journal`].
    pub async fn leave_if_due(&self, now: Moment) -> Result<Option<Head>, StoreError> {
        self.ask(|reply| Job::Leave(None, now, reply)).await?
    }
}

pub(crate) async fn leave(
    tx: &mut Tx<'_>,
    ended: Option<JournalId>,
    now: Moment,
) -> Result<Option<Head>, StoreError> {
    let own = tx
        .state
        .writer
        .as_ref()
        .ok_or(StoreError::NoWriter)?
        .journal;
    if let Some(ended) = ended.filter(|ended| ended.site == own.site && *ended >= own) {
        tx.must_leave(ended).await?;
    }
    renew(tx, now).await
}

/// Opens a new incarnation if the present one must be left.
pub(crate) async fn renew(tx: &mut Tx<'_>, now: Moment) -> Result<Option<Head>, StoreError> {
    let Some(writer) = tx.state.writer.clone() else {
        return Ok(None);
    };
    if !due(tx, writer.journal) {
        return Ok(None);
    }
    let journal = next(tx, writer.journal).await?;
    let known = tx.state.trust.sign_key(journal);
    if known != Some(writer.key.verifying_key()) {
        return Err(StoreError::Restored);
    }
    if tx.state.trust.cut(journal).is_some() {
        return Err(StoreError::Revoked);
    }
    let writer = Arc::new(Writer {
        journal,
        ..(*writer).clone()
    });
    tx.written = true;
    take(tx, &writer).await?;
    let head = sign_and_settle(tx, &opening(journal, now), &writer, Vec::new())
        .await
        .map_err(|fault| match fault {
            CommitFault::Store(error) => error,
            CommitFault::Decided | CommitFault::Invalid(_) => StoreError::Refused("opening"),
        })?;
    tracing::warn!(
        site.incarnation = journal.incarnation,
        "the site writes in a new incarnation: its last journal was continued elsewhere or ended"
    );
    Ok(Some(head))
}

fn due(tx: &Tx<'_>, own: JournalId) -> bool {
    let left = tx
        .state
        .left
        .is_some_and(|left| left.site == own.site && left >= own);
    left || tx.state.trust.closed(own).is_some()
}

/// Makes the writer's journal our present one.
pub(crate) async fn take(tx: &mut Tx<'_>, writer: &Arc<Writer>) -> Result<(), StoreError> {
    let value = minicbor::to_vec(writer.journal).expect("encoding into a Vec cannot fail");
    meta::set(tx.raw(), meta::OWN, value).await?;
    tx.state.own = Some(writer.journal);
    tx.state.writer = Some(writer.clone());
    Ok(())
}

/// An incarnation after every one that we have heard of.
async fn next(tx: &mut Tx<'_>, left: JournalId) -> Result<JournalId, StoreError> {
    let site = left.site;
    let elsewhere: Option<i64> = sqlx::query_scalar(
        "select max(incarnation) from (
             select max(incarnation) as incarnation from waiting where site = $1
             union all select max(incarnation) from branch where site = $1)",
    )
    .bind(site.0.to_vec())
    .fetch_one(tx.raw())
    .await?;
    let elsewhere = uint(elsewhere.unwrap_or(0))?;
    let elsewhere = u32::try_from(elsewhere).map_err(|_| StoreError::Damaged("an incarnation"))?;
    let known = tx
        .state
        .tips
        .keys()
        .chain(&tx.state.own)
        .chain(&tx.state.left);
    let known = known.filter(|journal| journal.site == site);
    let last = known.map(|journal| stem(*journal).incarnation).max();
    let last = last.unwrap_or(0).max(elsewhere);
    let incarnation = last.saturating_add(1).saturating_add(rank(tx, left).await?);
    Ok(JournalId { site, incarnation })
}

/// Of two copies of a directory that forked a journal, both leave it at once, and must not meet
/// again in the next one: where they parted, one wrote a lower hash than the other, and both see
/// it. So one is ranked 0 and the other 1.
async fn rank(tx: &mut Tx<'_>, left: JournalId) -> Result<u32, StoreError> {
    let lower: i64 = sqlx::query_scalar(
        "select count(*) from branch
         where site = $1 and incarnation = $2 and hash < kept
             and seq = (select min(seq) from branch where site = $1 and incarnation = $2)",
    )
    .bind(left.site.0.to_vec())
    .bind(i64::from(left.incarnation))
    .fetch_one(tx.raw())
    .await?;
    u32::try_from(lower).map_err(|_| StoreError::Damaged("the number of branches"))
}

fn opening(journal: JournalId, now: Moment) -> Action {
    let mut id = blake3::Hasher::new_derive_key("dutyroom 2026 opening v1");
    id.update(&journal.site.0);
    id.update(&journal.incarnation.to_be_bytes());
    let mut action = [0; 16];
    id.finalize_xof().fill(&mut action);
    Action {
        action: ActionId(action),
        account: AccountId::default(),
        terminal: TerminalId::default(),
        wall_ms: now.wall_ms,
        uptime_ms: now.uptime_ms,
        hub_offset_ms: None,
        reads: Vec::new(),
        // Nothing is salted in a bundle without sections.
        seed: [0; 32],
    }
}
