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

/// How many blobs are looked at when room is made.
const DROPPED_AT_ONCE: i64 = 64;

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

    /// Makes sure of room for `len` bytes more, dropping copies of other sites' large blobs that
    /// were not used for longest, if that is enough. A blob of which this site may have the only
    /// copy, or which every site is to have, is never dropped.
    pub(super) async fn make_room(&self, len: u64) -> Result<(), BlobError> {
        loop {
            let Err(error) = self.has_room(len).await else {
                return Ok(());
            };
            let missing = match error {
                BlobError::Quota => {
                    let used = self.blob_bytes().await?;
                    (used + len).saturating_sub(self.blob_limits().quota)
                }
                _ => len,
            };
            let cached = self.cached().await?;
            if cached.iter().map(|(_, size)| size).sum::<u64>() < missing || cached.is_empty() {
                return Err(error);
            }
            let mut freed = 0;
            let mut dropped = Vec::new();
            for (hash, size) in cached {
                if freed >= missing {
                    break;
                }
                freed += size;
                dropped.push(hash);
            }
            tracing::info!(
                blobs = dropped.len(),
                bytes = freed,
                "cached blobs are dropped"
            );
            self.drop_cached(dropped).await?;
        }
    }

    async fn has_room(&self, len: u64) -> Result<(), BlobError> {
        let limits = self.blob_limits();
        if self.blob_bytes().await?.saturating_add(len) > limits.quota {
            return Err(BlobError::Quota);
        }
        let dir = self.inner.blobs.dir();
        super::files::make_folder(dir)?;
        let disk = rustix::fs::statvfs(dir).map_err(std::io::Error::from)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free.saturating_sub(len) < limits.min_free {
            return Err(BlobError::DiskFull);
        }
        Ok(())
    }

    /// Whole copies of other sites' large blobs that nobody is fetching, least used first.
    async fn cached(&self) -> Result<Vec<(Hash, u64)>, StoreError> {
        let rows = sqlx::query(
            "select hash, size from blob where fetched = 1 and had is null and size > $1
             order by used_ms, hash limit $2",
        )
        .bind(int(EAGER_LEN))
        .bind(DROPPED_AT_ONCE)
        .fetch_all(&self.inner.readers)
        .await?;
        rows.iter()
            .map(|row| Ok((Hash(id(row, "hash")?), uint(row.try_get("size")?)?)))
            .collect()
    }
}
