//! Taking a new blob from a person at this site.

use super::manifest::{CHUNK_LEN, Hashing, MAX_BLOB_LEN, Manifest};
use super::{BlobError, BlobStep, blocking, files};
use crate::meta::int;
use crate::store::Store;
use records::id::Hash;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Room is asked for so many bytes at a time when nobody says how long a blob will be.
const ROOM_STEP: u64 = 1024 * 1024;

/// A blob on its way in. Dropped before [`Upload::finish`], it leaves nothing behind.
pub struct Upload {
    store: Store,
    path: PathBuf,
    /// `None` while a chunk is being written.
    open: Option<Open>,
    buffer: Vec<u8>,
    len: u64,
    max: u64,
    /// Bytes counted as being uploaded.
    reserved: u64,
}

struct Open {
    file: File,
    hashing: Hashing,
}

/// A blob that is here and on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploaded {
    /// Its name.
    pub hash: Hash,
    /// Its length, bytes.
    pub size: u64,
}

impl Store {
    /// Begins to take a blob of at most `max` bytes; `expected` is what the sender announces.
    ///
    /// # Errors
    /// [`BlobError::TooLong`], [`BlobError::Quota`], [`BlobError::DiskFull`], or a failure.
    pub async fn begin_upload(&self, expected: Option<u64>, max: u64) -> Result<Upload, BlobError> {
        let max = max.min(MAX_BLOB_LEN);
        if expected.is_some_and(|len| len > max) {
            return Err(BlobError::TooLong);
        }
        let first = expected.unwrap_or(0);
        self.make_room(first).await?;
        let store = self.clone();
        let (path, file) = blocking(move || Ok(store.inner.blobs.new_upload()?)).await?;
        let hashing = Hashing::default();
        let uploading = &self.inner.blobs.uploading;
        uploading.fetch_add(first, Ordering::Relaxed);
        Ok(Upload {
            store: self.clone(),
            path,
            open: Some(Open { file, hashing }),
            buffer: Vec::new(),
            len: 0,
            max,
            reserved: first,
        })
    }
}

impl Upload {
    /// The next bytes.
    ///
    /// # Errors
    /// [`BlobError::TooLong`], [`BlobError::Quota`], [`BlobError::DiskFull`], or a failure; the
    /// upload is over then.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        self.len += bytes.len() as u64;
        if self.len > self.max {
            return Err(BlobError::TooLong);
        }
        if self.len > self.reserved {
            let least = self.len - self.reserved;
            let more = match self.store.make_room(least.max(ROOM_STEP)).await {
                Ok(()) => least.max(ROOM_STEP),
                Err(_) => self.store.make_room(least).await.map(|()| least)?,
            };
            self.reserve(more);
        }
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_LEN - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == CHUNK_LEN {
                self.flush().await?;
            }
        }
        Ok(())
    }

    fn reserve(&mut self, more: u64) {
        self.reserved += more;
        let uploading = &self.store.inner.blobs.uploading;
        uploading.fetch_add(more, Ordering::Relaxed);
    }

    async fn flush(&mut self) -> Result<(), BlobError> {
        let stopped = || BlobError::Store(crate::StoreError::Stopped);
        let mut open = self.open.take().ok_or_else(stopped)?;
        let chunk = std::mem::take(&mut self.buffer);
        let (open, mut chunk) = blocking(move || {
            open.hashing.push(&chunk);
            open.file.write_all(&chunk)?;
            Ok((open, chunk))
        })
        .await?;
        chunk.clear();
        (self.open, self.buffer) = (Some(open), chunk);
        Ok(())
    }

    /// All bytes are given: the blob is on disk under its name when this returns. One that is
    /// here already is kept as it is. Until a record names it, it stays for a day.
    ///
    /// # Errors
    /// [`BlobError::Empty`], or a failure; nothing is left behind then.
    pub async fn finish(mut self, now_ms: i64) -> Result<Uploaded, BlobError> {
        if !self.buffer.is_empty() {
            self.flush().await?;
        }
        let stopped = || BlobError::Store(crate::StoreError::Stopped);
        let Open { file, hashing } = self.open.take().ok_or_else(stopped)?;
        let (hash, manifest) = hashing.finish().ok_or(BlobError::Empty)?;
        let (store, path) = (self.store.clone(), self.path.clone());
        store.inner.blobs.reach(BlobStep::Written)?;
        blocking(move || Ok(file.sync_all()?)).await?;
        store.inner.blobs.reach(BlobStep::Synced)?;
        store.keep(path, hash, &manifest, false, now_ms).await?;
        Ok(Uploaded {
            hash,
            size: manifest.size(),
        })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let uploading = &self.store.inner.blobs.uploading;
        uploading.fetch_sub(self.reserved, Ordering::Relaxed);
        // After a finish it has its final name, and there is nothing here.
        if let Err(error) = files::remove(&self.path) {
            tracing::warn!(error = %error, "an upload left its file behind");
        }
    }
}

impl Store {
    /// Gives a whole file that is on disk its name and its row. A blob taken from a person is
    /// this site's own from then on, wherever a copy had come from before. A fetched one must
    /// still be listed: its record may have been erased while the last chunk came.
    pub(super) async fn keep(
        &self,
        from: PathBuf,
        hash: Hash,
        manifest: &Manifest,
        fetched: bool,
        now_ms: i64,
    ) -> Result<(), BlobError> {
        let _naming = self.inner.blobs.naming.lock().await;
        let store = self.clone();
        blocking(move || store.inner.blobs.name(&from, hash)).await?;
        let (size, chunks) = (int(manifest.size()), manifest.to_bytes());
        let kept = self
            .write(async move |conn| {
                let kept = sqlx::query(
                    "insert into blob(hash, size, chunks, had, fetched, added_ms, used_ms)
                 select $1, $2, $3, null, $4, $5, $5
                     where $4 = 0 or exists (select 1 from blob where hash = $1)
                 on conflict(hash) do update set size = $2, chunks = $3, had = null,
                     fetched = case when $4 = 0 then 0 else blob.fetched end, used_ms = $5",
                )
                .bind(hash.0.to_vec())
                .bind(size)
                .bind(chunks)
                .bind(fetched)
                .bind(now_ms)
                .execute(&mut *conn)
                .await?;
                sqlx::query("delete from blob_want where hash = $1")
                    .bind(hash.0.to_vec())
                    .execute(conn)
                    .await
                    .map(|_| kept.rows_affected() > 0)
            })
            .await?;
        if !kept {
            self.remove_files(vec![hash]).await?;
            return Err(BlobError::Unnamed);
        }
        self.inner.blobs.reach(BlobStep::Rowed)?;
        let store = self.clone();
        blocking(move || Ok(files::remove(&store.inner.blobs.part(hash))?)).await
    }
}
