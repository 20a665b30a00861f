//! What a scrub compares and carries: the hashes of everything held, and bundles by their hash.

use crate::check::whole;
use crate::error::StoreError;
use crate::frontier::bundle_of;
use crate::lane::stem;
use crate::meta::{head_of, id, int, uint};
use crate::store::Store;
use records::bundle::{Bundle, Head};
use records::id::{Hash, JournalId};
use sqlx::Row as _;
use std::collections::BTreeMap;

/// One bundle of the set that sites compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Its place in its journal.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// A bundle in the order in which this store judged it, which respects all dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number in that order.
    pub place: i64,
    /// Its place in its journal.
    pub head: Head,
    /// Its exact bytes.
    pub bundle: Bundle,
}

impl Store {
    /// Changes whenever a bundle that was counted is lost, or one is put back: what
    /// [`Store::inventory`] said before has to be read again from the start.
    #[must_use]
    pub fn inventory_epoch(&self) -> u64 {
        self.inner.view.borrow().mends
    }

    /// How many places are known whose bundle is lost or damaged.
    #[must_use]
    pub fn holes_known(&self) -> u64 {
        self.inner.view.borrow().holes
    }

    /// Up to `limit` bundles of all journals judged after `place`, and the last one's place;
    /// holes are left out. At the end the same place comes back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn inventory(&self, place: i64, limit: u32) -> Result<(Vec<Item>, i64), StoreError> {
        let rows = sqlx::query(
            "select place, seq, hash, exists (select 1 from hole h where h.site = b.site
                 and h.incarnation = b.incarnation and h.seq = b.seq) as lost
             from bundle b where place > $1 order by place limit $2",
        )
        .bind(place)
        .bind(i64::from(limit))
        .fetch_all(&self.inner.readers)
        .await?;
        let mut items = Vec::with_capacity(rows.len());
        let mut last = place;
        for row in &rows {
            last = row.try_get("place")?;
            let lost = row.try_get::<i64, _>("lost")? != 0;
            // A hole that no check has noted yet.
            if let (false, Ok(hash)) = (lost, id(row, "hash")) {
                items.push(Item {
                    seq: uint(row.try_get("seq")?)?,
                    hash: Hash(hash),
                });
            }
        }
        Ok((items, last))
    }

    /// The branch bundles kept as evidence of forks; few, since their number is bounded.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn branch_inventory(&self) -> Result<Vec<Item>, StoreError> {
        let rows = sqlx::query("select seq, hash from branch")
            .fetch_all(&self.inner.readers)
            .await?;
        let item = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Item {
                seq: uint(row.try_get("seq")?)?,
                hash: Hash(id(row, "hash")?),
            })
        };
        rows.iter().map(item).collect()
    }

    /// The bundles with these hashes, journals and branches alike, until their bytes pass
    /// `max_bytes`; at least one if any is here. Damaged ones are not given away.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bundles_of(
        &self,
        hashes: &[Hash],
        max_bytes: usize,
    ) -> Result<Vec<Bundle>, StoreError> {
        let (mut bundles, mut bytes) = (Vec::new(), 0);
        for hash in hashes {
            let row = sqlx::query(
                "select site, incarnation, seq, hash, header, payload, signature
                 from bundle where hash = $1
                 union all
                 select site, incarnation, seq, hash, header, payload, signature
                 from branch where hash = $1 limit 1",
            )
            .bind(hash.0.to_vec())
            .fetch_optional(&self.inner.readers)
            .await?;
            let Some(row) = row else {
                continue;
            };
            let (Ok(head), Ok(bundle)) = (head_of(&row), bundle_of(&row)) else {
                continue;
            };
            let head = Head {
                journal: stem(head.journal),
                ..head
            };
            if whole(&head, &bundle).is_none() {
                continue;
            }
            bytes += bundle.header.len() + bundle.payload.len() + bundle.signature.len();
            if bytes > max_bytes && !bundles.is_empty() {
                break;
            }
            bundles.push(bundle);
        }
        Ok(bundles)
    }

    /// Bundles judged after `place` that stand beyond `held` in their journal, or in an adopted
    /// branch of one, in the order of judgement, until their bytes pass `max_bytes`; at least one if there is any. Those of
    /// the institution journal alone, or all the others.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bundles_judged_after(
        &self,
        place: i64,
        institution: bool,
        held: &BTreeMap<JournalId, u64>,
        max_bytes: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        const ROWS: i64 = 256;
        let (mut stored, mut bytes, mut place) = (Vec::new(), 0, place);
        loop {
            let rows = sqlx::query(
                "select site, incarnation, seq, hash, header, payload, signature, place
                 from bundle where place > $1 and (site = $2) = $3 order by place limit $4",
            )
            .bind(place)
            .bind(JournalId::INSTITUTION.site.0.to_vec())
            .bind(institution)
            .bind(ROWS)
            .fetch_all(&self.inner.readers)
            .await?;
            if rows.is_empty() {
                return Ok(stored);
            }
            for row in &rows {
                place = row.try_get("place")?;
                let (Ok(at), Ok(bundle)) = (head_of(row), bundle_of(row)) else {
                    continue;
                };
                if at.seq <= held.get(&at.journal).copied().unwrap_or(0) {
                    continue;
                }
                let head = Head {
                    journal: stem(at.journal),
                    ..at
                };
                if whole(&head, &bundle).is_none() {
                    continue;
                }
                bytes += bundle.header.len() + bundle.payload.len() + bundle.signature.len();
                stored.push(Stored {
                    place,
                    head,
                    bundle,
                });
                if bytes > max_bytes {
                    return Ok(stored);
                }
            }
        }
    }

    /// Where the first bundle beyond `held` was judged, less one: the place to start
    /// [`Store::bundles_judged_after`] at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn place_beyond(&self, held: &BTreeMap<JournalId, u64>) -> Result<i64, StoreError> {
        let mut first = i64::MAX;
        let frontier = self.frontier().into_iter().map(|head| head.journal);
        for journal in frontier.chain(self.lanes()) {
            let seq = held.get(&journal).copied().unwrap_or(0);
            let place: Option<i64> = sqlx::query_scalar(
                "select place from bundle where site = $1 and incarnation = $2 and seq > $3
                 order by seq limit 1",
            )
            .bind(journal.site.0.to_vec())
            .bind(i64::from(journal.incarnation))
            .bind(int(seq))
            .fetch_optional(&self.inner.readers)
            .await?;
            first = first.min(place.unwrap_or(i64::MAX));
        }
        Ok(first.saturating_sub(1))
    }

    /// The adopted branches that are held.
    fn lanes(&self) -> Vec<JournalId> {
        self.inner.view.borrow().lanes.clone()
    }

    /// The exact bytes of every branch bundle.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn branch_bundles(&self) -> Result<Vec<Bundle>, StoreError> {
        let rows = sqlx::query("select header, payload, signature from branch order by hash")
            .fetch_all(&self.inner.readers)
            .await?;
        rows.iter().map(bundle_of).collect()
    }
}
