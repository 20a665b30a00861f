//! What other sites hold of our own journals.

use crate::chain::hash_at;
use crate::error::StoreError;
use crate::job::Job;
use crate::meta::{self, int, journal_of, uint};
use crate::past::Past;
use crate::store::Store;
use crate::tx::Tx;
use records::bundle::Head;
use records::id::{Hash, JournalId, SiteId};
use sqlx::Row as _;
use std::collections::BTreeMap;

impl Store {
    /// Keeps what `peer` says it holds durably, of our own journals and of others'. Heads that
    /// name another bundle than the one here say nothing and are passed over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_ack(&self, peer: SiteId, heads: &[Head]) -> Result<(), StoreError> {
        let heads = heads.to_vec();
        self.ask(|reply| Job::Ack(peer, heads, false, reply))
            .await?
    }

    /// [`Store::record_ack`] of all that `peer` holds at this moment: what it acknowledged of our
    /// own journals beyond that, its disk has lost, and is no second copy any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_frontier(&self, peer: SiteId, heads: &[Head]) -> Result<(), StoreError> {
        let heads = heads.to_vec();
        self.ask(|reply| Job::Ack(peer, heads, true, reply)).await?
    }

    /// How much of each journal `peer` is known to hold: what it acknowledged or told, and what
    /// its own bundles depend on. It may hold more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn held_by(&self, peer: SiteId) -> Result<BTreeMap<JournalId, u64>, StoreError> {
        let rows = sqlx::query("select site, incarnation, seq from peer_ack where peer = $1")
            .bind(peer.0.to_vec())
            .fetch_all(&self.inner.readers)
            .await?;
        let mut held = Past::default();
        for row in &rows {
            held.reach(journal_of(row)?, uint(row.try_get("seq")?)?);
        }
        for head in self.frontier() {
            if head.journal.site != peer {
                continue;
            }
            let past: Option<Vec<u8>> = sqlx::query_scalar(
                "select past from bundle where site = $1 and incarnation = $2 and seq = $3",
            )
            .bind(head.journal.site.0.to_vec())
            .bind(i64::from(head.journal.incarnation))
            .bind(int(head.seq))
            .fetch_optional(&self.inner.readers)
            .await?;
            if let Some(past) = past.and_then(|past| Past::decode(&past).ok()) {
                held.merge(&past);
            }
        }
        Ok(held.into_map())
    }
}

/// Keeps what `peer` holds; `whole` if the heads are all of it.
pub(crate) async fn take(
    tx: &mut Tx<'_>,
    peer: SiteId,
    heads: &[Head],
    whole: bool,
) -> Result<(), StoreError> {
    if whole {
        lower(tx, peer, heads).await?;
    }
    record(tx, peer, heads).await
}

async fn record(tx: &mut Tx<'_>, peer: SiteId, heads: &[Head]) -> Result<(), StoreError> {
    let own = tx.state.own.map(|journal| journal.site);
    for head in heads {
        let ours = Some(head.journal.site) == own;
        let before = tx.state.acked.get(&head.journal).copied().unwrap_or(0);
        let here = hash_at(tx.sql().await?, head.journal, head.seq).await?;
        if Some(peer) == own || here != Some(head.hash) {
            continue;
        }
        tx.written = true;
        sqlx::query(
            "insert into peer_ack(peer, site, incarnation, seq) values($1, $2, $3, $4)
             on conflict(peer, site, incarnation) do update set seq = excluded.seq
             where peer_ack.seq < excluded.seq",
        )
        .bind(peer.0.to_vec())
        .bind(head.journal.site.0.to_vec())
        .bind(i64::from(head.journal.incarnation))
        .bind(int(head.seq))
        .execute(tx.raw())
        .await?;
        if ours && head.seq > before {
            tx.state.acked.insert(head.journal, head.seq);
            announce(tx, head, before).await?;
        }
    }
    Ok(())
}

/// Takes back what `peer` acknowledged of our own journals beyond these heads.
async fn lower(tx: &mut Tx<'_>, peer: SiteId, heads: &[Head]) -> Result<(), StoreError> {
    let Some(own) = tx.state.own else {
        return Ok(());
    };
    let rows =
        sqlx::query("select site, incarnation, seq from peer_ack where peer = $1 and site = $2")
            .bind(peer.0.to_vec())
            .bind(own.site.0.to_vec())
            .fetch_all(tx.raw())
            .await?;
    for row in &rows {
        let (journal, before) = (journal_of(row)?, uint(row.try_get("seq")?)?);
        let told = heads.iter().find(|head| head.journal == journal);
        let now = told.map_or(0, |head| head.seq);
        let here = hash_at(tx.sql().await?, journal, now).await?;
        // Of another branch it tells nothing about this one.
        if now >= before || told.is_some_and(|head| here != Some(head.hash)) {
            continue;
        }
        tx.written = true;
        sqlx::query(
            "update peer_ack set seq = $4 where peer = $1 and site = $2 and incarnation = $3",
        )
        .bind(peer.0.to_vec())
        .bind(journal.site.0.to_vec())
        .bind(i64::from(journal.incarnation))
        .bind(int(now))
        .execute(tx.raw())
        .await?;
        let seq = tx.state.acked.get(&journal).copied().unwrap_or(0);
        tx.state.acked = meta::acked(tx.raw(), Some(own)).await?;
        let left = tx.state.acked.get(&journal).copied().unwrap_or(0);
        let hash = Hash::default();
        announce(tx, &Head { journal, seq, hash }, left).await?;
    }
    Ok(())
}

/// Records whose last own change another site now holds, or has lost, are new to the feed. Their
/// cursors are spread by row number, which keeps them distinct in one statement.
async fn announce(tx: &mut Tx<'_>, head: &Head, before: u64) -> Result<(), StoreError> {
    sqlx::query(
        "update record set cursor = $1 + no where id in (
             select record from change
             where site = $2 and incarnation = $3 and seq > $4 and seq <= $5)",
    )
    .bind(int(tx.state.cursor))
    .bind(head.journal.site.0.to_vec())
    .bind(i64::from(head.journal.incarnation))
    .bind(int(before))
    .bind(int(head.seq))
    .execute(tx.sql().await?)
    .await?;
    tx.state.cursor += tx.state.row.unsigned_abs() + 1;
    Ok(())
}
