//! The other sides of forked journals: kept whole, beside the journal, and passed on.
//!
//! A branch bundle is signed by the journal's key, but another bundle stands at its place. Which
//! side a site took for the journal depends on what reached it first; that is settled by a closure ([`crate::adopt`]). Until then a branch counts nowhere.

use crate::action::Admission;
use crate::error::StoreError;
use crate::lane::LAST_INCARNATION;
use crate::meta::{id, int, journal_of, uint};
use crate::tx::Tx;
use records::bundle::{Bundle, Head, Header};
use records::id::{Hash, JournalId};
use sqlx::sqlite::SqliteRow;
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

/// Every branch bundle but for its bytes.
pub(crate) const ALL: &str = "select site, incarnation, seq, hash, prev, whole, bytes
     from branch order by site, incarnation, seq, hash";

/// What is kept beside one journal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Branches {
    /// The last bundle of each branch, by hash.
    leaves: BTreeMap<Hash, Leaf>,
    bundles: u64,
    bytes: u64,
}

/// The end of a branch.
#[derive(Debug, Clone, Copy)]
struct Leaf {
    seq: u64,
    /// Its chain is here back to the journal.
    whole: bool,
}

impl Branches {
    /// The highest place of a chain that is whole: what is here and cannot be had from here must
    /// not decide what waits, or sites would go apart.
    pub(crate) fn last(&self) -> u64 {
        let whole = self.leaves.values().filter(|leaf| leaf.whole);
        whole.map(|leaf| leaf.seq).max().unwrap_or(0)
    }

    /// The ends of the chains that are whole: a chain with a gap proves a fork, and nobody can
    /// have it from here.
    pub(crate) fn heads(&self, journal: JournalId) -> impl Iterator<Item = Head> {
        let whole = self.leaves.iter().filter(|(_, leaf)| leaf.whole);
        whole.map(move |(hash, leaf)| Head {
            journal,
            seq: leaf.seq,
            hash: *hash,
        })
    }

    fn has_room(&self, prev: &Hash, bytes: u64, factor: u64) -> bool {
        let leaves = MAX_LEAVES * usize::try_from(factor).unwrap_or(1);
        self.bundles < MAX_BUNDLES * factor
            && self.bytes + bytes <= MAX_BYTES * factor
            && (self.leaves.len() < leaves || self.leaves.contains_key(prev))
    }

    /// A bundle was added, after which none is held yet.
    fn add_end(&mut self, leaf: Leaf, hash: Hash, prev: &Hash, bytes: u64) {
        self.goes_on(leaf.seq, prev);
        self.leaves.insert(hash, leaf);
        self.bundles += 1;
        self.bytes += bytes;
    }

    /// A bundle was added before others that came earlier.
    fn add_middle(&mut self, seq: u64, prev: &Hash, bytes: u64) {
        self.goes_on(seq, prev);
        self.bundles += 1;
        self.bytes += bytes;
    }

    fn goes_on(&mut self, seq: u64, prev: &Hash) {
        let before = self.leaves.get(prev);
        if before.is_some_and(|before| before.seq + 1 == seq) {
            self.leaves.remove(prev);
        }
    }

    fn became_whole(&mut self, hash: &Hash) {
        if let Some(leaf) = self.leaves.get_mut(hash) {
            leaf.whole = true;
        }
    }
}

/// Everything kept beside the journals.
pub(crate) async fn load(
    conn: &mut SqliteConnection,
) -> Result<BTreeMap<JournalId, Branches>, StoreError> {
    let rows = sqlx::query(ALL).fetch_all(conn).await?;
    let mut all: BTreeMap<JournalId, Branches> = BTreeMap::new();
    // One that is damaged counts as gone; a check drops it.
    let ends = rows.iter().filter_map(|row| end(row).ok());
    for (journal, leaf, [hash, prev], bytes) in ends {
        let branches = all.entry(journal).or_default();
        branches.add_end(leaf, hash, &prev, bytes);
    }
    Ok(all)
}

/// A branch bundle, itself and what it follows, and its bytes.
fn end(row: &SqliteRow) -> Result<(JournalId, Leaf, [Hash; 2], u64), StoreError> {
    let leaf = Leaf {
        seq: uint(row.try_get("seq")?)?,
        whole: row.try_get::<i64, _>("whole")? == 1,
    };
    let hashes = [Hash(id(row, "hash")?), Hash(id(row, "prev")?)];
    let bytes = uint(row.try_get("bytes")?)?;
    Ok((journal_of(row)?, leaf, hashes, bytes))
}

/// Notes which chains are not whole any more, since something of them is gone.
pub(crate) async fn mark_broken(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(
        "with recursive broken(hash) as (
             select hash from branch b where seq > 1 and whole = 1
                 and not exists (select 1 from branch p where p.hash = b.prev)
                 and not exists (select 1 from bundle p where p.hash = b.prev)
             union select b.hash from branch b join broken p on b.prev = p.hash)
         update branch set whole = 0 where hash in (select hash from broken)",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether `header` continues a branch of its journal.
pub(crate) async fn continues(tx: &mut Tx<'_>, header: &Header) -> Result<bool, StoreError> {
    if !tx.state.branches.contains_key(&header.journal()) {
        return Ok(false);
    }
    let found: Option<i64> = sqlx::query_scalar("select seq from branch where hash = $1")
        .bind(header.prev.0.to_vec())
        .fetch_optional(tx.raw())
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
    if is_held(tx.sql().await?, hash).await? {
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
    let row = Row {
        head,
        prev: header.prev,
        kept: stored.or(tip).unwrap_or_default(),
        whole: follows_whole(tx.raw(), &head, header.prev).await?,
        found_ms,
    };
    insert(tx.raw(), &row, bundle).await?;
    count(tx, &row, bytes).await?;
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

/// Whether what a bundle follows is held from there back to the journal's beginning.
async fn follows_whole(
    conn: &mut SqliteConnection,
    head: &Head,
    prev: Hash,
) -> Result<bool, StoreError> {
    if head.seq == 1 {
        return Ok(prev == Hash::default());
    }
    let found: Option<i64> = sqlx::query_scalar(
        "select 1 from bundle
         where hash = $1 and site = $2 and (incarnation & $5) = $3 and seq = $4
         union all select 1 from branch
         where hash = $1 and site = $2 and incarnation = $3 and seq = $4 and whole = 1",
    )
    .bind(prev.0.to_vec())
    .bind(head.journal.site.0.to_vec())
    .bind(i64::from(head.journal.incarnation))
    .bind(int(head.seq) - 1)
    .bind(i64::from(LAST_INCARNATION))
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Takes account of a bundle that was added; what followed it already may be whole now.
async fn count(tx: &mut Tx<'_>, row: &Row, bytes: u64) -> Result<(), StoreError> {
    let Head { journal, seq, hash } = row.head;
    let follows: Option<i64> = sqlx::query_scalar(
        "select 1 from branch where prev = $1 and site = $2 and incarnation = $3 and seq = $4",
    )
    .bind(hash.0.to_vec())
    .bind(journal.site.0.to_vec())
    .bind(i64::from(journal.incarnation))
    .bind(int(seq) + 1)
    .fetch_optional(tx.raw())
    .await?;
    let branches = tx.state.branches.entry(journal).or_default();
    if follows.is_none() {
        let whole = row.whole;
        branches.add_end(Leaf { seq, whole }, hash, &row.prev, bytes);
        return Ok(());
    }
    branches.add_middle(seq, &row.prev, bytes);
    if !row.whole {
        return Ok(());
    }
    // Each bundle becomes whole once, so filling gaps one by one costs no more than the branch.
    let whole = sqlx::query(
        "with recursive chain(hash, site, incarnation, seq) as (
             select hash, site, incarnation, seq from branch where hash = $1
             union all select b.hash, b.site, b.incarnation, b.seq from branch b join chain c
             on b.prev = c.hash and b.site = c.site and b.incarnation = c.incarnation
             and b.seq = c.seq + 1)
         update branch set whole = 1
         where hash in (select hash from chain) and whole = 0 returning hash",
    )
    .bind(hash.0.to_vec())
    .fetch_all(tx.raw())
    .await?;
    let branches = tx.state.branches.entry(journal).or_default();
    for row in whole {
        branches.became_whole(&Hash(id(&row, "hash")?));
    }
    Ok(())
}

/// What is noted of a branch bundle.
pub(crate) struct Row {
    pub(crate) head: Head,
    pub(crate) prev: Hash,
    /// What stands in the journal there.
    pub(crate) kept: Hash,
    pub(crate) whole: bool,
    pub(crate) found_ms: i64,
}

pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    row: &Row,
    bundle: &Bundle,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into branch(hash, site, incarnation, seq, prev, kept, whole, header, payload,
             signature, bytes, found_ms)
         values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(row.head.hash.0.to_vec())
    .bind(row.head.journal.site.0.to_vec())
    .bind(i64::from(row.head.journal.incarnation))
    .bind(int(row.head.seq))
    .bind(row.prev.0.to_vec())
    .bind(row.kept.0.to_vec())
    .bind(i64::from(row.whole))
    .bind(bundle.header.clone())
    .bind(bundle.payload.clone())
    .bind(bundle.signature.to_vec())
    .bind(int((bundle.header.len() + bundle.payload.len()) as u64))
    .bind(row.found_ms)
    .execute(conn)
    .await?;
    Ok(())
}
