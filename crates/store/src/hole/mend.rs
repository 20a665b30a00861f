//! Putting back the bundle that a hole has lost.
//!
//! A run of holes is proven from its end and put back from its beginning; the caches already hold
//! what these bundles once came to, unless they were rebuilt in between, and then everything is
//! replayed.

use super::{expected, is_at, note, stored};
use crate::action::Admission;
use crate::chain::hash_of;
use crate::error::StoreError;
use crate::frontier::bundle_of;
use crate::meta::{head_of, int};
use crate::past::Past;
use crate::tx::Tx;
use records::bundle::{Bundle, Head, Header};
use records::id::{Hash, JournalId};
use records::payload::{self, Section};
use sqlx::Row as _;

/// Takes a checked bundle for a hole. `None`: there is none at its place, or another bundle
/// belongs there, and the ordinary path judges what this one is.
pub(crate) async fn fill(
    tx: &mut Tx<'_>,
    header: &Header,
    hash: Hash,
    bundle: &Bundle,
    received_ms: i64,
) -> Result<Option<Admission>, StoreError> {
    let (journal, seq) = (header.journal(), header.seq);
    let beyond = tx.state.head(journal).is_none_or(|head| seq > head.seq);
    if beyond || seq == 0 {
        return Ok(None);
    }
    if !is_at(tx, journal, seq).await? {
        if stored(tx, journal, seq).await?.is_some() {
            return Ok(None);
        }
        note(tx, journal, seq, received_ms).await?;
    }
    let Some(expected) = expected(tx, journal, seq).await? else {
        let seq = seq + 1;
        let kept = false;
        return Ok(Some(Admission::Waiting { journal, seq, kept }));
    };
    if expected != hash {
        return Ok(None);
    }
    keep(tx, header, hash, bundle).await?;
    put_back(tx, received_ms).await?;
    let head = Head { journal, seq, hash };
    Ok(Some(Admission::Mended { head }))
}

/// Keeps the proven bytes, and tells the hole before which bundle it needs.
async fn keep(
    tx: &mut Tx<'_>,
    header: &Header,
    hash: Hash,
    bundle: &Bundle,
) -> Result<(), StoreError> {
    tx.written = true;
    sqlx::query(
        "update hole set hash = $4, header = $5, payload = $6, signature = $7
         where site = $1 and incarnation = $2 and seq = $3",
    )
    .bind(header.site.0.to_vec())
    .bind(i64::from(header.incarnation))
    .bind(int(header.seq))
    .bind(hash.0.to_vec())
    .bind(bundle.header.clone())
    .bind(bundle.payload.clone())
    .bind(bundle.signature.to_vec())
    .execute(tx.sql().await?)
    .await?;
    sqlx::query("update hole set hash = $4 where site = $1 and incarnation = $2 and seq = $3")
        .bind(header.site.0.to_vec())
        .bind(i64::from(header.incarnation))
        .bind(int(header.seq - 1))
        .bind(header.prev.0.to_vec())
        .execute(tx.sql().await?)
        .await?;
    Ok(())
}

/// Puts back every proven bundle whose predecessor and dependencies are here.
async fn put_back(tx: &mut Tx<'_>, received_ms: i64) -> Result<(), StoreError> {
    loop {
        let rows = sqlx::query(
            "select site, incarnation, seq, hash, header, payload, signature from hole
             where header is not null order by site, incarnation, seq limit 64",
        )
        .fetch_all(tx.sql().await?)
        .await?;
        let mut moved = false;
        for row in &rows {
            let (head, bundle) = (head_of(row)?, bundle_of(row)?);
            moved |= settle(tx, &head, &bundle, received_ms).await?;
        }
        if !moved {
            return Ok(());
        }
    }
}

async fn settle(
    tx: &mut Tx<'_>,
    head: &Head,
    bundle: &Bundle,
    received_ms: i64,
) -> Result<bool, StoreError> {
    let header = bundle
        .decode_header()
        .map_err(|_| StoreError::Damaged("a bundle header"))?;
    let Some((past, after)) = causes(tx, &header).await? else {
        return Ok(false);
    };
    let before: Option<i64> = sqlx::query_scalar(
        "select place from bundle where site = $1 and incarnation = $2 and seq = $3",
    )
    .bind(head.journal.site.0.to_vec())
    .bind(i64::from(head.journal.incarnation))
    .bind(int(head.seq))
    .fetch_optional(tx.sql().await?)
    .await?;
    let place = match before {
        Some(place) => place,
        None => make_room(tx, after).await?,
    };
    // A row whose site or place is damaged may still have its hash.
    sqlx::query(
        "delete from bundle where hash = $1
             and not (site = $2 and incarnation = $3 and seq = $4)",
    )
    .bind(head.hash.0.to_vec())
    .bind(head.journal.site.0.to_vec())
    .bind(i64::from(head.journal.incarnation))
    .bind(int(head.seq))
    .execute(tx.sql().await?)
    .await?;
    sqlx::query(
        "insert into bundle(site, incarnation, seq, hash, header, payload, signature, action,
             past, place, received_ms)
         values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict(site, incarnation, seq) do update set hash = excluded.hash,
             header = excluded.header, payload = excluded.payload,
             signature = excluded.signature, action = excluded.action, past = excluded.past",
    )
    .bind(head.journal.site.0.to_vec())
    .bind(i64::from(head.journal.incarnation))
    .bind(int(head.seq))
    .bind(head.hash.0.to_vec())
    .bind(bundle.header.clone())
    .bind(bundle.payload.clone())
    .bind(bundle.signature.to_vec())
    .bind(header.action.0.to_vec())
    .bind(past.encode())
    .bind(place)
    .bind(received_ms)
    .execute(tx.sql().await?)
    .await?;
    forget(tx, head).await?;
    tx.state.replay |= !left_a_trace(tx, head, bundle).await?;
    tracing::info!(site.id = %head.journal.site, bundle.seq = head.seq, "a lost bundle is back");
    Ok(true)
}

async fn forget(tx: &mut Tx<'_>, head: &Head) -> Result<(), StoreError> {
    sqlx::query("delete from hole where site = $1 and incarnation = $2 and seq = $3")
        .bind(head.journal.site.0.to_vec())
        .bind(i64::from(head.journal.incarnation))
        .bind(int(head.seq))
        .execute(tx.sql().await?)
        .await?;
    tx.written = true;
    tx.state.holes = tx.state.holes.saturating_sub(1);
    tx.state.mends += 1;
    tx.state.cursor += 1;
    Ok(())
}

/// The causal past and the latest place of what a bundle follows; `None` while some of it is a
/// hole as well.
async fn causes(tx: &mut Tx<'_>, header: &Header) -> Result<Option<(Past, i64)>, StoreError> {
    let journal = header.journal();
    let previous = (header.seq > 1).then(|| (journal, header.seq - 1, header.prev));
    let deps = header.deps.iter().filter(|dep| dep.seq > 0);
    let deps = deps.map(|dep| (dep.journal, dep.seq, dep.hash));
    let (mut past, mut after) = (Past::default(), 0);
    for (of, seq, hash) in previous.into_iter().chain(deps) {
        if is_at(tx, of, seq).await? {
            return Ok(None);
        }
        let row = sqlx::query(
            "select hash, past, place from bundle
             where site = $1 and incarnation = $2 and seq = $3",
        )
        .bind(of.site.0.to_vec())
        .bind(i64::from(of.incarnation))
        .bind(int(seq))
        .fetch_optional(tx.sql().await?)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        after = after.max(row.try_get("place")?);
        // A dependency on another branch is no part of the past.
        if hash_of(&row) == hash && (of != journal || seq + 1 == header.seq) {
            past.merge(&Past::decode(&row.try_get::<Vec<u8>, _>("past")?)?);
            past.reach(of, seq);
        }
    }
    past.set_own(header);
    Ok(Some((past, after)))
}

/// Frees the place right after `after`: everything that follows something it depends on stays
/// behind it, so the order of judgement still respects all dependencies.
async fn make_room(tx: &mut Tx<'_>, after: i64) -> Result<i64, StoreError> {
    let free: i64 = sqlx::query_scalar(
        "select min(at) from (
             select $1 + 1 as at
             where not exists (select 1 from bundle where place = $1 + 1)
             union all
             select min(b.place) + 1 from bundle b where b.place > $1
             and not exists (select 1 from bundle c where c.place = b.place + 1))",
    )
    .bind(after)
    .fetch_one(tx.sql().await?)
    .await?;
    // Two steps, since each place must stay unique at every moment.
    for statement in [
        "update bundle set place = -place - 1 where place > $1 and place < $2",
        "update bundle set place = -place where place < 0 and $1 <= $2",
    ] {
        sqlx::query(statement)
            .bind(after)
            .bind(free)
            .execute(tx.sql().await?)
            .await?;
    }
    tx.state.place = tx.state.place.max(free);
    Ok(after + 1)
}

/// Whether the caches still hold what the bundle came to.
async fn left_a_trace(tx: &mut Tx<'_>, head: &Head, bundle: &Bundle) -> Result<bool, StoreError> {
    let sections =
        payload::decode(&bundle.payload).map_err(|_| StoreError::Damaged("a bundle payload"))?;
    let empty = sections.iter().all(|s| matches!(s, Section::Erased(_)));
    if head.journal == JournalId::INSTITUTION {
        return Ok(!tx.state.awaits_mend);
    }
    if empty {
        return Ok(true);
    }
    let found: Option<i64> = sqlx::query_scalar(
        "select 1 from change where site = $1 and incarnation = $2 and seq = $3
         union all
         select 1 from quarantine where site = $1 and incarnation = $2 and seq = $3 limit 1",
    )
    .bind(head.journal.site.0.to_vec())
    .bind(i64::from(head.journal.incarnation))
    .bind(int(head.seq))
    .fetch_optional(tx.sql().await?)
    .await?;
    Ok(found.is_some())
}
