//! Judging held bundles again, in place: nothing else has to be replayed.

use crate::error::StoreError;
use crate::job::Job;
use crate::judge::{Judgement, Stop};
use crate::meta::{self, head_of, int};
use crate::row::Rejudged;
use crate::store::Store;
use crate::tx::Tx;
use crate::{erase, rebuild, settle};
use records::bundle::Head;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// How many bundles are in memory at once.
const PAGE: i64 = 64;

impl Store {
    /// Judges every held bundle again, oldest first, so that one that counts now lets those
    /// count that followed it.
    ///
    /// # Errors
    /// [`StoreError`]; every verdict is as before then.
    pub async fn rejudge(&self) -> Result<Rejudged, StoreError> {
        self.ask(Job::Rejudge).await?
    }
}

pub(crate) async fn held(tx: &mut Tx<'_>) -> Result<Rejudged, StoreError> {
    tx.written = true;
    let mut rejudged = Rejudged::default();
    let mut place = 0i64;
    loop {
        let rows = page(tx, place).await?;
        if rows.is_empty() {
            meta::mark_judged(tx).await?;
            return Ok(rejudged);
        }
        for row in rows {
            place = row.try_get("place")?;
            let before: String = row.try_get("code")?;
            let Some(case) = rebuild::case(tx, &row).await? else {
                continue;
            };
            let (case, judgement) = rebuild::again(tx, case).await?;
            match &judgement {
                Judgement::Quarantine(failed) => match failed.stop {
                    Stop::Held(code) => {
                        rejudged.held += 1;
                        if code == before {
                            continue;
                        }
                    }
                    Stop::Refused(_) => rejudged.refused += 1,
                },
                Judgement::Records(_) => rejudged.accepted += 1,
                Judgement::Institution(_) => {
                    rejudged.accepted += 1;
                    // Every verdict may depend on what the institution decided.
                    tx.state.replay = true;
                }
            }
            let head = head_of(&row)?;
            settle::acquit(tx, &head).await?;
            forget_records(tx, &head).await?;
            let decided = matches!(judgement, Judgement::Institution(_));
            settle::conclude(tx, &case, judgement).await?;
            if decided {
                // The replay finds it known already.
                erase::carry_out(tx, &case).await?;
            }
        }
    }
}

/// Held bundles after `place`, in the order they were first judged.
async fn page(tx: &mut Tx<'_>, place: i64) -> Result<Vec<SqliteRow>, StoreError> {
    let rows = sqlx::query(
        "select b.site, b.incarnation, b.seq, b.hash, b.header, b.payload, b.past, b.place,
             b.received_ms, q.code
         from quarantine q join bundle b using (site, incarnation, seq)
         where q.verdict = 'held' and b.place > $1 order by b.place limit $2",
    )
    .bind(place)
    .bind(PAGE)
    .fetch_all(tx.sql().await?)
    .await?;
    Ok(rows)
}

/// The records it would have changed no longer wait for it.
async fn forget_records(tx: &mut Tx<'_>, head: &Head) -> Result<(), StoreError> {
    sqlx::query("delete from held_record where site = $1 and incarnation = $2 and seq = $3")
        .bind(head.journal.site.0.to_vec())
        .bind(i64::from(head.journal.incarnation))
        .bind(int(head.seq))
        .execute(tx.sql().await?)
        .await?;
    Ok(())
}
