//! Damaged bundles that are in no journal: what waits, and what is kept of branches.
//!
//! Nothing stands on them here and their bytes prove nothing any more. Once they are gone a
//! waiting bundle is missing and the branch is an end that a peer has and this site has not, so
//! both come again by themselves.

use crate::branch;
use crate::check::whole;
use crate::error::StoreError;
use crate::frontier::bundle_of;
use crate::meta::head_of;
use crate::tx::Tx;
use records::trust::Trust;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// How many bundles are in memory at once.
const PAGE: i64 = 64;

/// Drops what is damaged; how many bundles that were.
pub(crate) async fn check(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    let waiting = drop_damaged(
        tx,
        [
            "select site, incarnation, seq, hash, header, payload, signature from waiting
             where hash > $1 order by hash limit $2",
            "delete from waiting where hash = $1",
        ],
    );
    let waiting = waiting.await?;
    let branches = drop_damaged(
        tx,
        [
            "select site, incarnation, seq, hash, header, payload, signature from branch
             where hash > $1 order by hash limit $2",
            "delete from branch where hash = $1",
        ],
    );
    let branches = branches.await?;
    if branches > 0 {
        branch::mark_broken(tx.raw()).await?;
        tx.state.branches = branch::load(tx.raw()).await?;
        tx.state.mends += 1;
        tx.state.cursor += 1;
    }
    Ok(waiting + branches)
}

async fn drop_damaged(
    tx: &mut Tx<'_>,
    [select, delete]: [&'static str; 2],
) -> Result<u64, StoreError> {
    let (mut after, mut dropped) = (Vec::<u8>::new(), 0);
    loop {
        let page = sqlx::query(select).bind(after.clone()).bind(PAGE);
        let rows = page.fetch_all(tx.raw()).await?;
        let Some(last) = rows.last() else {
            return Ok(dropped);
        };
        after = last.try_get("hash")?;
        let trust = tx.state.trust.clone();
        for row in rows.iter().filter(|row| !is_sound(row, &trust)) {
            tracing::error!("a bundle beside the journals is damaged on this disk and was dropped");
            tx.written = true;
            let hash: Vec<u8> = row.try_get("hash")?;
            sqlx::query(delete).bind(hash).execute(tx.raw()).await?;
            dropped += 1;
        }
    }
}

fn is_sound(row: &SqliteRow, trust: &Trust) -> bool {
    let (Ok(head), Ok(bundle)) = (head_of(row), bundle_of(row)) else {
        return false;
    };
    let key = trust.sign_key(head.journal);
    // Without the key, which a damaged decision may have named, nothing is said against it.
    whole(&head, &bundle).is_some() && key.is_none_or(|key| bundle.signed_by(&key))
}
