//! The other sides of forked journals: kept whole, beside the journal, and passed on.
//!
//! A branch bundle is signed by the journal's key, but another bundle stands at its place. Which side a site took for the journal depends on what reached it
//! first; that is settled by a closure ([`crate::adopt`]). Until then a branch counts nowhere.

use crate::action::Admission;
use crate::error::StoreError;
use crate::meta::{id, int, journal_of, uint};
use crate::tx::Tx;
use records::bundle::{Bundle, Head, Header};
use records::id::{Hash, JournalId};
use sqlx::{Row as _, SqliteConnection};
use std::collections::BTreeMap;

/// Branch bundles kept of one journal: weeks of a site that wrote on after its disk was put
/// back. Twice as many once the journal is closed, so that what a closure names finds room.
const MAX_BUNDLES: u64 = 65_536;
/// Bytes of branch bundles kept of one journal; twice as many once it is closed.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Ends of branches kept of one journal: an honest site leaves one each time its disk is put
/// back. As many more once the journal is closed.
const MAX_LEAVES: usize = 16;

/// What is kept beside one journal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Branches {
    /// The last bundle of each branch, by hash.
    leaves: BTreeMap<Hash, u64>,
    bundles: u64,
    bytes: u64,
}

impl Branches {
    /// The highest place of a branch bundle.
    pub(crate) fn last(&self) -> u64 {
        self.leaves.values().copied().max().unwrap_or(0)
    }

    pub(crate) fn heads(&self, journal: JournalId) -> impl Iterator<Item = Head> {
        let leaves = self.leaves.iter();
        leaves.map(move |(hash, seq)| Head {
            journal,
            seq: *seq,
            hash: *hash,
        })
    }

    fn has_room(&self, prev: &Hash, bytes: u64, factor: u64) -> bool {
        let leaves = MAX_LEAVES * usize::try_from(factor).unwrap_or(1);
        self.bundles < MAX_BUNDLES * factor
            && self.bytes + bytes <= MAX_BYTES * factor
            && (self.leaves.len() < leaves || self.leaves.contains_key(prev))
    }

    fn add(&mut self, seq: u64, hash: Hash, prev: &Hash, bytes: u64) {
        self.leaves.remove(prev);
        self.leaves.insert(hash, seq);
        self.bundles += 1;
        self.bytes += bytes;
    }
}

/// Everything kept beside the journals.
pub(crate) async fn load(
    conn: &mut SqliteConnection,
) -> Result<BTreeMap<JournalId, Branches>, StoreError> {
    let rows = sqlx::query(
        "select site, incarnation, seq, hash, prev, bytes from branch
         order by site, incarnation, seq, hash",
    )
    .fetch_all(conn)
    .await?;
    let mut all: BTreeMap<JournalId, Branches> = BTreeMap::new();
    for row in rows {
        let branches = all.entry(journal_of(&row)?).or_default();
        let bytes = uint(row.try_get("bytes")?)?;
        let (hash, prev) = (Hash(id(&row, "hash")?), Hash(id(&row, "prev")?));
        branches.add(uint(row.try_get("seq")?)?, hash, &prev, bytes);
    }
    Ok(all)
}

/// Whether `header` continues a branch of its journal.
pub(crate) async fn continues(tx: &mut Tx<'_>, header: &Header) -> Result<bool, StoreError> {
    if !tx.state.branches.contains_key(&header.journal()) {
        return Ok(false);
    }
    let found: Option<i64> = sqlx::query_scalar("select seq from branch where hash = $1")
        .bind(header.prev.0.to_vec())
        .fetch_optional(&mut *tx.conn)
        .await?;
    Ok(found == Some(int(header.seq) - 1))
}

/// Keeps a bundle at whose place another one stands, if there is room, and raises the alarm.
/// `stored` is the journal's own bundle at that place.
pub(crate) async fn keep(
    tx: &mut Tx<'_>,
    header: &Header,
    hash: Hash,
    bundle: &Bundle,
    stored: Option<Hash>,
    found_ms: i64,
) -> Result<Admission, StoreError> {
    let journal = header.journal();
    let head = Head {
        journal,
        seq: header.seq,
        hash,
    };
    if is_held(tx.conn, hash).await? {
        return Ok(Admission::Duplicate);
    }
    // Our own journal has something in it that this directory never wrote.
    if Some(journal) == tx.state.own {
        tx.must_leave(journal).await?;
    }
    let bytes = (bundle.header.len() + bundle.payload.len()) as u64;
    let closed = tx.state.trust.closed(journal).is_some();
    let branches = tx.state.branches.get(&journal).cloned().unwrap_or_default();
    let has_room = branches.has_room(&header.prev, bytes, if closed { 2 } else { 1 });
    // One that does not chain back yet is kept all the same: it proves the fork.
    if !has_room || header.seq == 0 {
        return Ok(Admission::Fork { head });
    }
    if branches.bundles == 0 {
        tracing::error!(
            site.id = %journal.site,
            site.incarnation = journal.incarnation,
            bundle.seq = header.seq,
            "a journal has forked"
        );
    }
    let tip = tx.state.head(journal).map(|head| head.hash);
    tx.written = true;
    let kept = stored.or(tip).unwrap_or_default();
    insert(tx.conn, &head, header.prev, kept, bundle, found_ms).await?;
    let branches = tx.state.branches.entry(journal).or_default();
    branches.add(header.seq, hash, &header.prev, bytes);
    tx.state.adopt |= closed;
    tx.state.cursor += 1;
    Ok(Admission::Fork { head })
}

/// Whether a bundle is held at all, in a journal or as a branch.
pub(crate) async fn is_held(conn: &mut SqliteConnection, hash: Hash) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar(
        "select 1 from bundle where hash = $1 union all select 1 from branch where hash = $1",
    )
    .bind(hash.0.to_vec())
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    head: &Head,
    prev: Hash,
    kept: Hash,
    bundle: &Bundle,
    found_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into branch(hash, site, incarnation, seq, prev, kept, header, payload, signature,
             bytes, found_ms)
         values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(head.hash.0.to_vec())
    .bind(head.journal.site.0.to_vec())
    .bind(i64::from(head.journal.incarnation))
    .bind(int(head.seq))
    .bind(prev.0.to_vec())
    .bind(kept.0.to_vec())
    .bind(bundle.header.clone())
    .bind(bundle.payload.clone())
    .bind(bundle.signature.to_vec())
    .bind(int((bundle.header.len() + bundle.payload.len()) as u64))
    .bind(found_ms)
    .execute(conn)
    .await?;
    Ok(())
}
