//! Reading blobs: for people, for other sites, and for the figures.

use super::fetch::{is_listed, read_chunk};
use super::{BlobError, Manifest, blocking};
use crate::error::StoreError;
use crate::meta::uint;
use crate::store::Store;
use records::id::Hash;
use sqlx::Row as _;
use std::fs::File;
use std::io::ErrorKind;

/// Whether a blob is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobState {
    /// All of it.
    Whole {
        /// Its length, bytes.
        size: u64,
    },
    /// Some of it.
    Partial {
        /// Its length, bytes.
        size: u64,
        /// How much of it is here for good, bytes.
        here: u64,
    },
    /// Nothing.
    Absent,
}

/// A blob that is whole, to be read.
#[derive(Debug)]
pub struct OpenBlob {
    /// Its file. Dropping the blob meanwhile does not disturb the reader.
    pub file: File,
    /// Its length, bytes.
    pub size: u64,
}

/// What blobs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlobCounts {
    /// Whole ones.
    pub whole: u64,
    /// Those being fetched.
    pub partial: u64,
    /// Those that are to come.
    pub wanted: u64,
    /// Bytes that all of them take, those being fetched counted whole.
    pub bytes: u64,
}

/// A blob counts as used at most so often, ms: reading must not make a transaction each time.
const USED_EVERY_MS: i64 = 3_600_000;

impl Store {
    /// Whether a blob is here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn blob_state(&self, hash: Hash) -> Result<BlobState, StoreError> {
        let row = self.kept_manifest(hash).await?;
        Ok(match row {
            None => BlobState::Absent,
            Some((manifest, None)) => BlobState::Whole {
                size: manifest.size(),
            },
            Some((manifest, Some(bits))) => {
                let here = (0..manifest.len()).filter(|index| is_listed(&bits, *index));
                BlobState::Partial {
                    size: manifest.size(),
                    here: here.map(|index| manifest.chunk_len(index) as u64).sum(),
                }
            }
        })
    }

    /// Opens a whole blob; `None` if it is not here. One whose file has gone is listed as missing
    /// from then on, and asked for.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn open_blob(&self, hash: Hash, now_ms: i64) -> Result<Option<OpenBlob>, BlobError> {
        let row = sqlx::query("select size, used_ms from blob where hash = $1 and had is null")
            .bind(hash.0.to_vec())
            .fetch_optional(&self.inner.readers)
            .await
            .map_err(StoreError::from)?;
        let Some(row) = row else {
            return Ok(None);
        };
        let read = |name| row.try_get::<i64, _>(name).map_err(StoreError::from);
        let (size, used_ms) = (uint(read("size")?)?, read("used_ms")?);
        let store = self.clone();
        let file = blocking(move || match File::open(store.inner.blobs.path(hash)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            file => Ok(Some(file?)),
        })
        .await?;
        let Some(file) = file else {
            tracing::error!(blob.hash = %hash, "a blob's file is missing; it is asked for again");
            self.unlist(hash, now_ms).await?;
            return Ok(None);
        };
        if now_ms.saturating_sub(used_ms) > USED_EVERY_MS {
            self.use_blob(hash, now_ms).await?;
        }
        Ok(Some(OpenBlob { file, size }))
    }

    /// Marks a blob as used, so that it is not dropped soon; `false` if it is not here whole.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn use_blob(&self, hash: Hash, now_ms: i64) -> Result<bool, StoreError> {
        self.write(async move |conn| {
            sqlx::query("update blob set used_ms = $2 where hash = $1 and had is null")
                .bind(hash.0.to_vec())
                .bind(now_ms)
                .execute(conn)
                .await
                .map(|done| done.rows_affected() > 0)
        })
        .await
    }

    /// The blob's file is missing, and somebody wanted to read it at `now_ms`.
    async fn unlist(&self, hash: Hash, now_ms: i64) -> Result<(), StoreError> {
        self.write(async move |conn| {
            sqlx::query("delete from blob where hash = $1 and had is null")
                .bind(hash.0.to_vec())
                .execute(&mut *conn)
                .await?;
            sqlx::query(
                "insert into blob_want(hash, hlc, asked_ms)
                 select blob, max(hlc), $2 from blob_ref where blob = $1 group by blob
                 on conflict do nothing",
            )
            .bind(hash.0.to_vec())
            .bind(now_ms)
            .execute(conn)
            .await
            .map(drop)
        })
        .await
    }

    /// The manifest of a blob that a record here names, whole or not: what other sites may have.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn blob_manifest(&self, hash: Hash) -> Result<Option<Manifest>, StoreError> {
        if self.blob_sizes(hash).await?.is_empty() {
            return Ok(None);
        }
        let kept = self.kept_manifest(hash).await?;
        Ok(kept.map(|(manifest, _)| manifest))
    }

    /// One chunk of such a blob, verified; `None` while it is not here.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn blob_chunk(&self, hash: Hash, index: usize) -> Result<Option<Vec<u8>>, BlobError> {
        if self.blob_sizes(hash).await?.is_empty() {
            return Ok(None);
        }
        let Some((manifest, bits)) = self.kept_manifest(hash).await? else {
            return Ok(None);
        };
        if index >= manifest.len() {
            return Ok(None);
        }
        let store = self.clone();
        blocking(move || {
            let blobs = &store.inner.blobs;
            let path = match bits {
                None => blobs.path(hash),
                Some(_) => blobs.part(hash),
            };
            let file = match File::open(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                file => file?,
            };
            let bytes = match read_chunk(&file, &manifest, index) {
                Err(BlobError::Io(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                bytes => bytes?,
            };
            // What is still coming in is there before its bit is, and disks do rot.
            Ok(manifest.proves(index, &bytes).then_some(bytes))
        })
        .await
    }

    /// How many blobs there are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn blob_counts(&self) -> Result<BlobCounts, StoreError> {
        let row = sqlx::query(
            "select count(*) as listed, count(had) as partial,
                 (select count(*) from blob_want) as wanted from blob",
        )
        .fetch_one(&self.inner.readers)
        .await?;
        let partial = uint(row.try_get("partial")?)?;
        Ok(BlobCounts {
            whole: uint(row.try_get("listed")?)?.saturating_sub(partial),
            partial,
            wanted: uint(row.try_get("wanted")?)?,
            bytes: self.blob_bytes().await?,
        })
    }
}
