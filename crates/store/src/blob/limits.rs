//! How much room blobs may take, and what goes when they need more.

use super::{BlobError, EAGER_LEN};
use crate::error::StoreError;
use crate::meta::{id, int, uint};
use crate::store::Store;
use records::id::Hash;
use sqlx::Row as _;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// How much room blobs may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobLimits {
    /// All blobs of the site together, bytes.
    pub quota: u64,
    /// What blobs leave free of the disk, bytes, so that journals find room.
    pub min_free: u64,
}

impl Default for BlobLimits {
    fn default() -> Self {
        Self {
            quota: 20_000_000_000,
            min_free: 1_000_000_000,
        }
    }
}

/// How many blobs are dropped in one transaction.
const DROPPED_AT_ONCE: i64 = 64;

/// Large blobs that others have as well, whole or given up half-way; `$1` is [`EAGER_LEN`].
macro_rules! droppable {
    () => {
        "fetched = 1 and size > $1 and
         (had is null or not exists (select 1 from blob_want w where w.hash = blob.hash))"
    };
}
pub(super) use droppable;

impl Store {
    /// Sets the limits from now on. What is here already stays.
    pub fn set_blob_limits(&self, limits: BlobLimits) {
        let held = self.inner.blobs.limits.write();
        *held.unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// The limits now in force.
    #[must_use]
    pub fn blob_limits(&self) -> BlobLimits {
        let held = self.inner.blobs.limits.read();
        *held.unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that blobs take, those still coming counted whole.
    pub(super) async fn blob_bytes(&self) -> Result<u64, StoreError> {
        let sum = sqlx::query_scalar("select coalesce(sum(size), 0) from blob")
            .fetch_one(&self.inner.readers)
            .await?;
        Ok(uint(sum)? + self.inner.blobs.uploading.load(Ordering::Relaxed))
    }

    /// Makes sure of room for `len` bytes more, dropping fetches that were given up and copies of
    /// other sites' large blobs that were not used for longest, if that is enough. A blob of which
    /// this site may have the only copy, or which every site is to have, is never dropped.
    pub(super) async fn make_room(&self, len: u64) -> Result<(), BlobError> {
        while let Some((error, missing)) = self.lacks(len).await? {
            if self.droppable_bytes().await? < missing {
                return Err(error);
            }
            let (mut freed, mut chosen) = (0, Vec::new());
            for (hash, size) in self.droppable().await? {
                if freed >= missing {
                    break;
                }
                freed += size;
                chosen.push(hash);
            }
            let dropped = self.drop_cached(chosen).await?;
            if dropped == 0 {
                return Err(error);
            }
            tracing::info!(blobs = dropped, bytes = freed, "cached blobs are dropped");
        }
        Ok(())
    }

    /// What stands in the way of `len` bytes more, and how many have to go.
    async fn lacks(&self, len: u64) -> Result<Option<(BlobError, u64)>, BlobError> {
        let limits = self.blob_limits();
        let wanted = self.blob_bytes().await?.saturating_add(len);
        let over = wanted.saturating_sub(limits.quota);
        let dir = self.inner.blobs.dir();
        super::files::make_folder(dir)?;
        let disk = rustix::fs::statvfs(dir).map_err(std::io::Error::from)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let short = limits.min_free.saturating_add(len).saturating_sub(free);
        Ok(match (over, short) {
            (0, 0) => None,
            // Dropping must serve both, or nothing is dropped in vain.
            _ if over >= short => Some((BlobError::Quota, over)),
            _ => Some((BlobError::DiskFull, short)),
        })
    }

    async fn droppable_bytes(&self) -> Result<u64, StoreError> {
        let sum = sqlx::query_scalar(concat!(
            "select coalesce(sum(size), 0) from blob where ",
            droppable!()
        ))
        .bind(int(EAGER_LEN))
        .fetch_one(&self.inner.readers)
        .await?;
        uint(sum)
    }

    /// Some of what may be dropped: fetches that were given up while there are any, since how
    /// much of such a file is really there shows once it is gone; else the copies least used.
    async fn droppable(&self) -> Result<Vec<(Hash, u64)>, StoreError> {
        let rows = sqlx::query(concat!(
            "select hash, size, had is null as whole from blob where ",
            droppable!(),
            " order by whole, used_ms, hash limit $2"
        ))
        .bind(int(EAGER_LEN))
        .bind(DROPPED_AT_ONCE)
        .fetch_all(&self.inner.readers)
        .await?;
        let mut found = Vec::new();
        let mut first = None;
        for row in &rows {
            let whole: i64 = row.try_get("whole")?;
            if *first.get_or_insert(whole) != whole {
                break;
            }
            found.push((Hash(id(row, "hash")?), uint(row.try_get("size")?)?));
        }
        Ok(found)
    }
}
