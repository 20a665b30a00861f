//! What a bundle's header says it follows, looked up here.

use crate::chain::hash_at;
use crate::error::StoreError;
use crate::lane;
use crate::lots;
use crate::meta::{id, journal_of, uint};
use crate::past::Past;
use crate::tx::Tx;
use records::bundle::{Head, Header};
use records::id::{Hash, JournalId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeSet;

/// What a header's dependencies come to here.
pub(crate) enum Deps {
    /// All judged; the bundle's causal past, and whether one names another branch.
    Judged { past: Past, contradicts: bool },
    /// The first one that is not here.
    Missing { journal: JournalId, seq: u64 },
    /// One that was here and whose bundle is lost: a hole.
    Lost { journal: JournalId, seq: u64 },
}

/// Looks a header's predecessor and dependencies up.
pub(crate) async fn deps(tx: &mut Tx<'_>, header: &Header) -> Result<Deps, StoreError> {
    let journal = header.journal();
    let mut past = tx
        .state
        .tips
        .get(&journal)
        .map(|tip| tip.past.clone())
        .unwrap_or_default();
    let mut contradicts = false;
    for dep in &header.deps {
        if dep.journal == journal || dep.seq == 0 {
            contradicts = true;
            continue;
        }
        if let Some((held, seq, its_past)) = held_dep(tx, dep.hash).await? {
            if (lane::stem(held), seq) == (dep.journal, dep.seq) {
                past.merge(&its_past);
                past.reach(held, seq);
                continue;
            }
        } else if dep.seq > tx.state.last(dep.journal) {
            let (journal, seq) = (dep.journal, dep.seq);
            return Ok(Deps::Missing { journal, seq });
        }
        let held = tx.state.head(dep.journal);
        let held = held.is_some_and(|head| dep.seq <= head.seq);
        if held && !stands(tx, dep).await? {
            let (journal, seq) = (dep.journal, dep.seq);
            return Ok(Deps::Lost { journal, seq });
        }
        contradicts = true;
    }
    past.set_own(header);
    Ok(Deps::Judged { past, contradicts })
}

/// Where a bundle stands, lanes included, and its causal past.
pub(crate) type Stand = (JournalId, u64, Past);

/// Brings what these bundles name, many with one statement.
pub(crate) async fn fetch(
    tx: &mut Tx<'_>,
    headers: impl Iterator<Item = &Header>,
) -> Result<(), StoreError> {
    let named = headers.flat_map(|header| &header.deps).map(|dep| dep.hash);
    let unknown = named.filter(|hash| !tx.stands.contains_key(hash));
    let unknown: BTreeSet<Hash> = unknown.collect();
    let unknown: Vec<&[u8]> = unknown.iter().map(|hash| &hash.0[..]).collect();
    let sql = "select hash, site, incarnation, seq, past from bundle where hash in ";
    for row in lots::select(tx.raw(), sql, &unknown).await? {
        if let Some(stand) = stand(&row) {
            tx.stands.insert(Hash(id(&row, "hash")?), stand);
        }
    }
    Ok(())
}

/// `None` for a row that is damaged: a hole, which a check finds.
fn stand(row: &SqliteRow) -> Option<Stand> {
    let past = Past::decode(&row.try_get::<Vec<u8>, _>("past").ok()?).ok()?;
    let seq = uint(row.try_get("seq").ok()?).ok()?;
    Some((journal_of(row).ok()?, seq, past))
}

async fn held_dep(tx: &mut Tx<'_>, hash: Hash) -> Result<Option<Stand>, StoreError> {
    if let Some(row) = tx.pile.bundle_with(hash) {
        return Ok(Some((row.journal, row.seq, Past::decode(&row.past)?)));
    }
    if let Some(stand) = tx.stands.get(&hash) {
        return Ok(Some(stand.clone()));
    }
    let row = sqlx::query("select site, incarnation, seq, past from bundle where hash = $1")
        .bind(hash.0.to_vec())
        .fetch_optional(tx.raw())
        .await?;
    Ok(row.as_ref().and_then(stand))
}

/// Whether another bundle stands at that place of the journal.
async fn stands(tx: &mut Tx<'_>, dep: &Head) -> Result<bool, StoreError> {
    if let Some(row) = tx.pile.bundle_at(dep.journal, dep.seq) {
        return Ok(row.hash != dep.hash);
    }
    let found = hash_at(tx.raw(), dep.journal, dep.seq).await?;
    Ok(found.is_some_and(|hash| hash != dep.hash))
}
