//! What sync reads of forked journals: which ends are missing here, and the chain to one.

use crate::error::StoreError;
use crate::lane::LAST_INCARNATION;
use crate::meta::{id, int, uint};
use crate::store::Store;
use records::bundle::{Bundle, Head, decode_header};
use records::id::{Hash, JournalId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::collections::BTreeMap;

/// An end of a chain that is not held, and places of its journal that are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The last bundle of the chain.
    pub tip: Head,
    /// Bundles held: ever farther from where the chain was last met, and from near its end, and
    /// the ends of branches.
    pub have: Vec<Head>,
}

impl Store {
    /// The ends of every chain held whole of forked journals: of the journal itself, its branches,
    /// and those that a closure adopted.
    #[must_use]
    pub fn branches(&self) -> Vec<Head> {
        self.inner.view.borrow().branches.clone()
    }

    /// Which of these ends are not held here, and what is held of their journals. `met` is a bundle
    /// that one of the chains is known to go through.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn missing(
        &self,
        heads: &[Head],
        met: Option<Head>,
    ) -> Result<Vec<Missing>, StoreError> {
        let trust = self.trust();
        let mut conn = self.inner.readers.acquire().await?;
        let mut missing = Vec::new();
        for tip in heads {
            let known = trust.sign_key(tip.journal).is_some();
            if known && !is_whole(&mut conn, tip).await? {
                let met = met.filter(|met| met.journal == tip.journal && met.seq < tip.seq);
                let have = self.have(&mut conn, tip, met).await?;
                missing.push(Missing { tip: *tip, have });
            }
        }
        Ok(missing)
    }

    async fn have(
        &self,
        conn: &mut SqliteConnection,
        tip: &Head,
        met: Option<Head>,
    ) -> Result<Vec<Head>, StoreError> {
        let own = self.frontier();
        let own = own.iter().find(|head| head.journal == tip.journal);
        let last = own
            .map_or(0, |head| head.seq)
            .min(tip.seq.saturating_sub(1));
        let mut have = Vec::new();
        let mut steps = Vec::new();
        if let Some(met) = met
            && is_whole(conn, &met).await?
        {
            have.push(met);
            steps.extend(
                doubling().map_while(|step| Some(met.seq + step).filter(|seq| *seq <= last)),
            );
        }
        let branches = self.branches().into_iter();
        have.extend(branches.filter(|head| head.journal == tip.journal && head.seq < tip.seq));
        let back = doubling().map_while(|step| last.checked_sub(step - 1).filter(|seq| *seq > 0));
        steps.extend(back);
        for seq in steps {
            if let Some(hash) = hash_at(conn, tip.journal, seq).await? {
                have.push(Head { seq, hash, ..*tip });
            }
        }
        Ok(have)
    }

    /// The bundles of the chain that ends in `tip`, after the last of `have` that is on it, until
    /// their bytes pass `max_bytes`; at least one. Empty if the end is not held here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn chain_after(
        &self,
        tip: Head,
        have: &[Head],
        max_bytes: usize,
    ) -> Result<Vec<Bundle>, StoreError> {
        // One read transaction: a closure may move bundles meanwhile.
        let mut tx = self.inner.readers.begin().await?;
        let mut beside = beside(&mut tx, tip.journal).await?;
        // From the end back to where the chain is the journal itself.
        let mut chain = Vec::new();
        let mut at = tip;
        while let Some((seq, prev)) = beside.remove(&at.hash) {
            chain.push(Head { seq, ..at });
            at = Head {
                seq: seq.saturating_sub(1),
                hash: prev,
                ..at
            };
        }
        if at.seq > 0 && hash_at(&mut tx, at.journal, at.seq).await? != Some(at.hash) {
            return Ok(Vec::new());
        }
        let on_branch = chain.iter().position(|head| have.contains(head));
        let mut from = 0;
        match on_branch {
            Some(index) => {
                chain.truncate(index);
                from = at.seq;
            }
            None => {
                for point in have.iter().filter(|point| point.seq <= at.seq) {
                    let held = hash_at(&mut tx, tip.journal, point.seq).await?;
                    if point.journal == tip.journal && held == Some(point.hash) {
                        from = from.max(point.seq);
                    }
                }
            }
        }
        let mut reading = Reading {
            bundles: Vec::new(),
            left: max_bytes,
        };
        for seq in from + 1..=at.seq {
            let row = sqlx::query(
                "select header, payload, signature from bundle
                 where site = $1 and incarnation = $2 and seq = $3",
            )
            .bind(tip.journal.site.0.to_vec())
            .bind(i64::from(tip.journal.incarnation))
            .bind(int(seq))
            .fetch_optional(&mut *tx)
            .await?;
            if !reading.take(row)? {
                return Ok(reading.bundles);
            }
        }
        for head in chain.iter().rev() {
            let row = sqlx::query(
                "select header, payload, signature from branch where hash = $1
                 union all select header, payload, signature from bundle where hash = $1",
            )
            .bind(head.hash.0.to_vec())
            .fetch_optional(&mut *tx)
            .await?;
            if !reading.take(row)? {
                break;
            }
        }
        Ok(reading.bundles)
    }
}

/// 1, 2, 4, …
fn doubling() -> impl Iterator<Item = u64> {
    (0..u64::BITS).map(|power| 1 << power)
}

struct Reading {
    bundles: Vec<Bundle>,
    left: usize,
}

impl Reading {
    /// Whether there is room for more after it.
    fn take(&mut self, row: Option<SqliteRow>) -> Result<bool, StoreError> {
        let row = row.ok_or(StoreError::Damaged("a journal has a gap"))?;
        let bundle = Bundle {
            header: row.try_get("header")?,
            payload: row.try_get("payload")?,
            signature: id(&row, "signature")?,
        };
        let len = bundle.header.len() + bundle.payload.len() + bundle.signature.len();
        if len > self.left && !self.bundles.is_empty() {
            return Ok(false);
        }
        self.left = self.left.saturating_sub(len);
        self.bundles.push(bundle);
        Ok(true)
    }
}

/// Whether a chain is held from its end back to the beginning of the journal.
async fn is_whole(conn: &mut SqliteConnection, tip: &Head) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar(
        "select 1 from bundle where hash = $1
         union all select 1 from branch where hash = $1 and whole = 1",
    )
    .bind(tip.hash.0.to_vec())
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// The hash in column `hash`; one of another length is no bundle's.
pub(crate) fn hash_of(row: &SqliteRow) -> Hash {
    id(row, "hash").map_or(Hash::default(), Hash)
}

/// The bundle that stands at a place of a journal or a lane.
pub(crate) async fn hash_at(
    conn: &mut SqliteConnection,
    journal: JournalId,
    seq: u64,
) -> Result<Option<Hash>, StoreError> {
    let row =
        sqlx::query("select hash from bundle where site = $1 and incarnation = $2 and seq = $3")
            .bind(journal.site.0.to_vec())
            .bind(i64::from(journal.incarnation))
            .bind(int(seq))
            .fetch_optional(conn)
            .await?;
    Ok(row.as_ref().map(hash_of))
}

/// Place and predecessor of every bundle held beside a journal, adopted or not, by hash.
pub(crate) async fn beside(
    conn: &mut SqliteConnection,
    journal: JournalId,
) -> Result<BTreeMap<Hash, (u64, Hash)>, StoreError> {
    let mut beside = BTreeMap::new();
    let rows =
        sqlx::query("select hash, seq, prev from branch where site = $1 and incarnation = $2")
            .bind(journal.site.0.to_vec())
            .bind(i64::from(journal.incarnation))
            .fetch_all(&mut *conn)
            .await?;
    for row in rows {
        let place = (uint(row.try_get("seq")?)?, Hash(id(&row, "prev")?));
        beside.insert(Hash(id(&row, "hash")?), place);
    }
    let rows = sqlx::query(
        "select hash, seq, header from bundle
         where site = $1 and incarnation > $2 and (incarnation & $2) = $3",
    )
    .bind(journal.site.0.to_vec())
    .bind(i64::from(LAST_INCARNATION))
    .bind(i64::from(journal.incarnation))
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        let header: Vec<u8> = row.try_get("header")?;
        let header = decode_header(&header).map_err(|_| StoreError::Damaged("a bundle header"))?;
        let place = (uint(row.try_get("seq")?)?, header.prev);
        beside.insert(Hash(id(&row, "hash")?), place);
    }
    Ok(beside)
}
