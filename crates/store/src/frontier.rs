//! What sync reads: bundles in journal order, and sizes.

use crate::check::whole;
use crate::error::StoreError;
use crate::meta::{head_of, id, int, uint};
use crate::row::Counts;
use crate::store::Store;
use futures::TryStreamExt as _;
use records::bundle::{Bundle, Head};
use records::id::JournalId;
use sqlx::Row as _;
use std::sync::atomic::Ordering;

/// Bundles of one answer at most.
const MAX_BUNDLES: i64 = 4_096;

impl Store {
    /// Bundles of `journal` after `seq`, in order and without a gap, until their bytes pass
    /// `max_bytes`; at least one if there is any, at most 4,096. A lost or damaged bundle ends
    /// them and is noted as a hole: nothing a peer would have to refuse is given away.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bundles_after(
        &self,
        journal: JournalId,
        seq: u64,
        max_bytes: usize,
    ) -> Result<Vec<Bundle>, StoreError> {
        let mut rows = sqlx::query(
            "select site, incarnation, seq, hash, header, payload, signature from bundle
             where site = $1 and incarnation = $2 and seq > $3 and seq < coalesce(
                 (select min(seq) from hole where site = $1 and incarnation = $2 and seq > $3),
                 9223372036854775807)
             order by seq limit $4",
        )
        .bind(journal.site.0.to_vec())
        .bind(i64::from(journal.incarnation))
        .bind(int(seq))
        .bind(MAX_BUNDLES)
        .fetch(&self.inner.readers);
        let (mut bundles, mut bytes) = (Vec::new(), 0);
        let mut due = seq;
        let mut bad = None;
        while let Some(row) = rows.try_next().await? {
            due += 1;
            let read = head_of(&row).and_then(|head| Ok((head, bundle_of(&row)?)));
            let sound =
                |(head, bundle): &(Head, Bundle)| head.seq == due && whole(head, bundle).is_some();
            let Some((_, bundle)) = read.ok().filter(sound) else {
                bad = Some(due);
                break;
            };
            bytes += bundle.header.len() + bundle.payload.len() + bundle.signature.len();
            if bytes > max_bytes && !bundles.is_empty() {
                break;
            }
            bundles.push(bundle);
        }
        drop(rows);
        if let Some(bad) = bad {
            // A store opened for reading alone cannot note it; what it gives stays sound.
            let noted = self.note_holes(vec![(journal, bad)], 0).await;
            if let Err(error) = noted {
                tracing::warn!(error = %error, "a lost bundle could not be noted");
            }
        }
        Ok(bundles)
    }

    /// Sizes for the status page and metrics.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let row = sqlx::query(
            "select (select count(*) from bundle) as bundles,
                 (select count(*) from record) as records,
                 (select count(*) from change) as changes,
                 (select count(*) from quarantine) as quarantined,
                 (select count(*) from waiting) as waiting,
                 (select count(distinct site || ' ' || incarnation) from branch) as forks,
                 (select page_count from pragma_page_count()) *
                 (select page_size from pragma_page_size()) as bytes",
        )
        .fetch_one(&self.inner.readers)
        .await?;
        let count = |name: &str| -> Result<u64, StoreError> { uint(row.try_get(name)?) };
        let journals = self.frontier();
        Ok(Counts {
            bundles: count("bundles")?,
            records: count("records")?,
            changes: count("changes")?,
            quarantined: count("quarantined")?,
            waiting: count("waiting")?,
            forks: count("forks")?,
            bytes: count("bytes")?,
            transactions: self.inner.transactions.load(Ordering::Relaxed),
            journals,
        })
    }
}

/// The exact bytes in columns `header`, `payload` and `signature`.
pub(crate) fn bundle_of(row: &sqlx::sqlite::SqliteRow) -> Result<Bundle, StoreError> {
    Ok(Bundle {
        header: row.try_get("header")?,
        payload: row.try_get("payload")?,
        signature: id(row, "signature")?,
    })
}
