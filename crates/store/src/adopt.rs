//! Carrying out closures: which chain is the journal, which are adopted beside it.
//!
//! Every site comes to the same once it holds the chains a closure names: the first chain is the
//! journal, each further one a [lane](crate::lane) that is judged after it, and the rest is kept
//! as a branch that counts nowhere. Then the causal pasts and the order of judgement are made
//! anew from the fork on, and everything is judged again.

use crate::branch;
use crate::error::StoreError;
use crate::heads;
use crate::lane::{is_lane, lane};
use crate::meta::{id, int, journal_of, uint};
use crate::past::{self, Past};
use crate::tx::Tx;
use records::bundle::{Bundle, Head, Header, decode_header};
use records::id::{Hash, JournalId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};

/// Arranges every closed journal as far as its chains are here; what has been judged by another
/// arrangement is to be replayed.
pub(crate) async fn adopt(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.state.adopt = false;
    // Everything below reads and moves rows.
    tx.sql().await?;
    let trust = tx.state.trust.clone();
    let mut from = None;
    for (journal, heads) in trust.closures() {
        if let Some(place) = arrange(tx, journal, heads).await? {
            from = Some(from.map_or(place, |from: i64| from.min(place)));
        }
    }
    let Some(from) = from else {
        return Ok(());
    };
    tx.written = true;
    reorder(tx, from).await?;
    let (tips, _) = heads::tips(tx.raw(), &trust).await?;
    tx.state.tips = tips;
    tx.state.branches = branch::load(tx.raw()).await?;
    tx.state.cursor += 1;
    // What a scrub has counted stands elsewhere now.
    tx.state.mends += 1;
    tx.state.replay = true;
    Ok(())
}

/// Arranges one journal; the place after which the order of judgement has changed, if it has.
async fn arrange(
    tx: &mut Tx<'_>,
    journal: JournalId,
    heads: &[Head],
) -> Result<Option<i64>, StoreError> {
    let [main, further @ ..] = heads else {
        return Ok(None);
    };
    let beside = unadopted(tx.raw(), journal).await?;
    let Some((join, rows)) = path(tx.raw(), &beside, main).await? else {
        return Ok(None);
    };
    let mut from = Vec::new();
    if tx.state.head(journal).is_some_and(|head| head.seq > join) {
        from.push(place_of(tx.raw(), journal, join).await?);
        to_branch(tx.raw(), journal, join).await?;
    }
    if !rows.is_empty() {
        from.push(place_of(tx.raw(), journal, join).await?);
        move_in(tx, journal, &rows).await?;
    }
    for (number, head) in further.iter().enumerate() {
        let beside = unadopted(tx.raw(), journal).await?;
        let Some((join, rows)) = path(tx.raw(), &beside, head).await? else {
            continue;
        };
        if !rows.is_empty() {
            from.push(place_of(tx.raw(), journal, join).await?);
            move_in(tx, lane(journal, number + 1), &rows).await?;
        }
    }
    Ok(from.into_iter().min())
}

/// The hashes of the chain to `head`, oldest first, from where it leaves what stands in the
/// `bundle` table, and the place where it does; `None` while some of it is missing.
async fn path(
    conn: &mut SqliteConnection,
    beside: &BTreeMap<Hash, (u64, Hash)>,
    head: &Head,
) -> Result<Option<(u64, Vec<Hash>)>, StoreError> {
    let (mut seq, mut hash, mut rows) = (head.seq, head.hash, Vec::new());
    while let Some((_, prev)) = beside.get(&hash) {
        rows.push(hash);
        (seq, hash) = (seq.saturating_sub(1), *prev);
    }
    rows.reverse();
    if seq == 0 {
        return Ok(Some((0, rows)));
    }
    let found: Option<i64> = sqlx::query_scalar("select seq from bundle where hash = $1")
        .bind(hash.0.to_vec())
        .fetch_optional(conn)
        .await?;
    Ok((found == Some(int(seq))).then_some((seq, rows)))
}

async fn unadopted(
    conn: &mut SqliteConnection,
    journal: JournalId,
) -> Result<BTreeMap<Hash, (u64, Hash)>, StoreError> {
    let rows =
        sqlx::query("select hash, seq, prev from branch where site = $1 and incarnation = $2")
            .bind(journal.site.0.to_vec())
            .bind(i64::from(journal.incarnation))
            .fetch_all(conn)
            .await?;
    let places = rows.iter().map(|row| {
        let place = (uint(row.try_get("seq")?)?, Hash(id(row, "prev")?));
        Ok((Hash(id(row, "hash")?), place))
    });
    places.collect()
}

async fn place_of(
    conn: &mut SqliteConnection,
    journal: JournalId,
    seq: u64,
) -> Result<i64, StoreError> {
    let place: Option<i64> = sqlx::query_scalar(
        "select place from bundle where site = $1 and incarnation = $2 and seq = $3",
    )
    .bind(journal.site.0.to_vec())
    .bind(i64::from(journal.incarnation))
    .bind(int(seq))
    .fetch_optional(conn)
    .await?;
    Ok(place.unwrap_or(0))
}

fn stored(row: &SqliteRow) -> Result<(Bundle, Header), StoreError> {
    let bundle = Bundle {
        header: row.try_get("header")?,
        payload: row.try_get("payload")?,
        signature: id(row, "signature")?,
    };
    let header = bundle.decode_header();
    let header = header.map_err(|_| StoreError::Damaged("a bundle header"))?;
    Ok((bundle, header))
}

/// Sets aside what stands in the journal after `seq`.
async fn to_branch(
    conn: &mut SqliteConnection,
    journal: JournalId,
    seq: u64,
) -> Result<(), StoreError> {
    let mut after = seq;
    loop {
        let row = sqlx::query(
            "select hash, header, payload, signature, received_ms from bundle
             where site = $1 and incarnation = $2 and seq > $3 order by seq limit 1",
        )
        .bind(journal.site.0.to_vec())
        .bind(i64::from(journal.incarnation))
        .bind(int(after))
        .fetch_optional(&mut *conn)
        .await?;
        let Some(row) = row else {
            return Ok(());
        };
        let (bundle, header) = stored(&row)?;
        let hash = Hash(id(&row, "hash")?);
        let head = Head {
            journal,
            seq: header.seq,
            hash,
        };
        let row = branch::Row {
            head,
            prev: header.prev,
            kept: Hash::default(),
            whole: true,
            found_ms: row.try_get("received_ms")?,
        };
        branch::insert(conn, &row, &bundle).await?;
        sqlx::query("delete from bundle where hash = $1")
            .bind(hash.0.to_vec())
            .execute(&mut *conn)
            .await?;
        after = header.seq;
    }
}

/// Moves branch bundles into a journal or lane; past and place are set by [`reorder`].
async fn move_in(tx: &mut Tx<'_>, to: JournalId, hashes: &[Hash]) -> Result<(), StoreError> {
    for hash in hashes {
        let row =
            sqlx::query("select header, payload, signature, found_ms from branch where hash = $1")
                .bind(hash.0.to_vec())
                .fetch_one(tx.raw())
                .await?;
        let (bundle, header) = stored(&row)?;
        tx.state.place += 1;
        sqlx::query(
            "insert into bundle(site, incarnation, seq, hash, header, payload, signature, action,
                 past, place, received_ms)
             values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(to.site.0.to_vec())
        .bind(i64::from(to.incarnation))
        .bind(int(header.seq))
        .bind(hash.0.to_vec())
        .bind(bundle.header)
        .bind(bundle.payload)
        .bind(bundle.signature.to_vec())
        .bind(header.action.0.to_vec())
        .bind(Past::default().encode())
        .bind(tx.state.place)
        .bind(row.try_get::<i64, _>("found_ms")?)
        .execute(tx.raw())
        .await?;
        sqlx::query("delete from branch where hash = $1")
            .bind(hash.0.to_vec())
            .execute(tx.raw())
            .await?;
    }
    Ok(())
}

/// A bundle that waits for its turn in the new order.
struct Pending {
    at: (bool, JournalId, u64),
    before: usize,
}

/// Orders all bundles judged after `from` anew: each after what it depends on, chains of lanes
/// after everything else. Their pasts are made anew in that order.
async fn reorder(tx: &mut Tx<'_>, from: i64) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "select site, incarnation, seq, hash, header from bundle where place > $1 order by place",
    )
    .bind(from)
    .fetch_all(tx.raw())
    .await?;
    let mut pending = BTreeMap::new();
    let mut edges = Vec::new();
    for row in &rows {
        let journal = journal_of(row)?;
        let hash = Hash(id(row, "hash")?);
        let at = (is_lane(journal), journal, uint(row.try_get("seq")?)?);
        pending.insert(hash, Pending { at, before: 0 });
        edges.push((hash, needs(row)?));
    }
    let mut after: BTreeMap<Hash, Vec<Hash>> = BTreeMap::new();
    for (hash, needs) in edges {
        let mut before = 0;
        for need in needs.into_iter().filter(|need| pending.contains_key(need)) {
            after.entry(need).or_default().push(hash);
            before += 1;
        }
        if let Some(bundle) = pending.get_mut(&hash) {
            bundle.before = before;
        }
    }
    // Places are unique, so the old ones are put out of the way first.
    sqlx::query("update bundle set place = -place where place > $1")
        .bind(from)
        .execute(tx.raw())
        .await?;
    let begin = pending.iter().filter(|(_, bundle)| bundle.before == 0);
    let mut ready: BTreeSet<_> = begin.map(|(hash, bundle)| (bundle.at, *hash)).collect();
    let mut place = from;
    while let Some((_, hash)) = ready.pop_first() {
        place += 1;
        settle(tx.raw(), hash, place).await?;
        for next in after.remove(&hash).unwrap_or_default() {
            if let Some(bundle) = pending.get_mut(&next) {
                bundle.before -= 1;
                if bundle.before == 0 {
                    ready.insert((bundle.at, next));
                }
            }
        }
    }
    tx.state.place = place;
    Ok(())
}

/// The hashes a bundle comes after.
fn needs(row: &SqliteRow) -> Result<BTreeSet<Hash>, StoreError> {
    Ok(past::needs(&header_of(row)?))
}

fn header_of(row: &SqliteRow) -> Result<Header, StoreError> {
    let header: Vec<u8> = row.try_get("header")?;
    decode_header(&header).map_err(|_| StoreError::Damaged("a bundle header"))
}

/// Gives a bundle its place, and the past that what it depends on comes to.
async fn settle(conn: &mut SqliteConnection, hash: Hash, place: i64) -> Result<(), StoreError> {
    let row = sqlx::query("select site, incarnation, seq, header from bundle where hash = $1")
        .bind(hash.0.to_vec())
        .fetch_one(&mut *conn)
        .await?;
    let past = past::of(conn, journal_of(&row)?, &header_of(&row)?).await?;
    sqlx::query("update bundle set place = $2, past = $3 where hash = $1")
        .bind(hash.0.to_vec())
        .bind(place)
        .bind(past.encode())
        .execute(conn)
        .await?;
    Ok(())
}
