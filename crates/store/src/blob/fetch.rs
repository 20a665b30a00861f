//! Taking a blob from other sites, chunk by chunk, each proved by the manifest.

use super::manifest::{CHUNK_LEN, Manifest};
use super::{BlobError, BlobStep, EAGER_LEN, blocking, files};
use crate::error::StoreError;
use crate::meta::int;
use crate::store::Store;
use records::id::Hash;
use sqlx::Row as _;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// Chunks written between two times that what is here is made durable: 2 MiB.
const CHUNKS_A_SAVE: usize = 8;

/// How far a fetch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Chunks are missing.
    Goes,
    /// The blob is whole, on disk and has its name.
    Whole,
}

/// Of a fetch under way: what leads to its chunks, which of them are here, and its file.
type Part = (Manifest, Vec<u8>, File);

/// A blob on its way in from other sites.
pub struct Incoming {
    store: Store,
    hash: Hash,
    manifest: Arc<Manifest>,
    file: Arc<File>,
    had: Vec<bool>,
    unsaved: usize,
}

impl Store {
    /// Begins or goes on with fetching a blob that a record names. What an earlier fetch left on
    /// disk is verified again and kept.
    ///
    /// # Errors
    /// [`BlobError::WrongManifest`] when no record gives the blob that size;
    /// [`BlobError::Unnamed`]; [`BlobError::Unasked`], after which it is not wanted any more;
    /// [`BlobError::Quota`], [`BlobError::DiskFull`]; or a failure.
    pub async fn begin_fetch(
        &self,
        hash: Hash,
        manifest: Manifest,
        now_ms: i64,
    ) -> Result<Incoming, BlobError> {
        let sizes = self.blob_sizes(hash).await?;
        if sizes.is_empty() {
            return Err(BlobError::Unnamed);
        }
        if !sizes.contains(&manifest.size()) {
            return Err(BlobError::WrongManifest);
        }
        // A record may give it a small size as well, so that it seems to be one for everybody.
        if manifest.size() > EAGER_LEN && !self.is_blob_asked_for(hash).await? {
            self.stop_wanting(hash).await?;
            return Err(BlobError::Unasked);
        }
        if self.kept_manifest(hash).await?.is_none() {
            self.make_room(manifest.size()).await?;
        }
        let opened = {
            let _naming = self.inner.blobs.naming.lock().await;
            self.list_part(hash, &manifest, now_ms).await?;
            self.open_part(hash).await?
        };
        self.resume(hash, opened).await?.ok_or(BlobError::Unnamed)
    }

    /// Goes on with a fetch that was begun; `None` if there is none, or the blob is whole.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn resume_fetch(&self, hash: Hash) -> Result<Option<Incoming>, BlobError> {
        let opened = {
            let _naming = self.inner.blobs.naming.lock().await;
            self.open_part(hash).await?
        };
        self.resume(hash, opened).await
    }

    /// Opens the file of a fetch that is listed. Called with the naming lock held: until there is
    /// both a row and a file, a sweep takes either for a remnant.
    async fn open_part(&self, hash: Hash) -> Result<Option<Part>, BlobError> {
        let Some((manifest, Some(bits))) = self.kept_manifest(hash).await? else {
            return Ok(None);
        };
        let (path, size) = (self.inner.blobs.part(hash), manifest.size());
        let file = blocking(move || {
            files::make_folder(path.parent().expect("a part's path has a folder"))?;
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false);
            let file = options.open(path)?;
            file.set_len(size)?;
            Ok(file)
        })
        .await?;
        Ok(Some((manifest, bits, file)))
    }

    /// Verifies what is there already, which takes its time: the lock is not held any more.
    async fn resume(
        &self,
        hash: Hash,
        opened: Option<Part>,
    ) -> Result<Option<Incoming>, BlobError> {
        let Some((manifest, bits, file)) = opened else {
            return Ok(None);
        };
        let (manifest, file) = (Arc::new(manifest), Arc::new(file));
        let (proof, part) = (manifest.clone(), file.clone());
        let had = blocking(move || proven(&proof, &bits, &part)).await?;
        Ok(Some(Incoming {
            store: self.clone(),
            hash,
            manifest,
            file,
            had,
            unsaved: 0,
        }))
    }

    async fn list_part(
        &self,
        hash: Hash,
        manifest: &Manifest,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let (size, chunks) = (int(manifest.size()), manifest.to_bytes());
        let had = vec![0u8; manifest.len().div_ceil(8)];
        self.write(async move |conn| {
            sqlx::query(
                "insert into blob(hash, size, chunks, had, fetched, added_ms, used_ms)
                 select $1, $2, $3, $4, 1, $5, $5
                     where exists (select 1 from blob_ref where blob = $1)
                 on conflict(hash) do nothing",
            )
            .bind(hash.0.to_vec())
            .bind(size)
            .bind(chunks)
            .bind(had)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(drop)
        })
        .await
    }

    /// The manifest as kept, and the bits of the chunks here unless the blob is whole.
    pub(super) async fn kept_manifest(
        &self,
        hash: Hash,
    ) -> Result<Option<(Manifest, Option<Vec<u8>>)>, StoreError> {
        let row = sqlx::query("select size, chunks, had from blob where hash = $1")
            .bind(hash.0.to_vec())
            .fetch_optional(&self.inner.readers)
            .await?;
        row.map(|row| {
            let size = crate::meta::uint(row.try_get("size")?)?;
            let chunks: Vec<u8> = row.try_get("chunks")?;
            let manifest = Manifest::from_bytes(hash, size, &chunks)
                .ok_or(StoreError::Damaged("a blob's manifest"))?;
            Ok((manifest, row.try_get("had")?))
        })
        .transpose()
    }
}

/// Which of the chunks listed as here really are.
fn proven(manifest: &Manifest, bits: &[u8], file: &File) -> Result<Vec<bool>, BlobError> {
    let here = |index| {
        let listed = is_listed(bits, index);
        Ok(listed && manifest.proves(index, &read_chunk(file, manifest, index)?))
    };
    (0..manifest.len()).map(here).collect()
}

/// Whether the bitmap says that a chunk is here.
pub(super) fn is_listed(bits: &[u8], index: usize) -> bool {
    let byte = bits.get(index / 8);
    byte.is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

/// The bytes at a chunk's place.
pub(super) fn read_chunk(
    file: &File,
    manifest: &Manifest,
    index: usize,
) -> Result<Vec<u8>, BlobError> {
    let mut bytes = vec![0; manifest.chunk_len(index)];
    file.read_exact_at(&mut bytes, index as u64 * CHUNK_LEN as u64)?;
    Ok(bytes)
}

impl Incoming {
    /// The blob's name.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Its size and chunk hashes.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Which chunks are not here yet, in order.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        let listed = self.had.iter().enumerate();
        listed.filter(|(_, had)| !**had).map(|(index, _)| index)
    }

    /// Bytes that are here.
    #[must_use]
    pub fn bytes_here(&self) -> u64 {
        let listed = self.had.iter().enumerate().filter(|(_, had)| **had);
        listed
            .map(|(index, _)| self.manifest.chunk_len(index) as u64)
            .sum()
    }

    /// Takes one chunk; the last one makes the blob whole.
    ///
    /// # Errors
    /// [`BlobError::WrongChunk`], after which the fetch goes on; or a failure.
    pub async fn put(
        &mut self,
        index: usize,
        bytes: Vec<u8>,
        now_ms: i64,
    ) -> Result<Progress, BlobError> {
        if self.had.get(index) == Some(&true) {
            return self.progress(now_ms).await;
        }
        let (file, manifest) = (self.file.clone(), self.manifest.clone());
        blocking(move || {
            if !manifest.proves(index, &bytes) {
                return Err(BlobError::WrongChunk);
            }
            Ok(file.write_all_at(&bytes, index as u64 * CHUNK_LEN as u64)?)
        })
        .await?;
        self.store.inner.blobs.reach(BlobStep::Written)?;
        self.had[index] = true;
        self.unsaved += 1;
        self.progress(now_ms).await
    }

    async fn progress(&mut self, now_ms: i64) -> Result<Progress, BlobError> {
        let whole = self.had.iter().all(|had| *had);
        if self.unsaved >= CHUNKS_A_SAVE || whole {
            self.save().await?;
        }
        if !whole {
            return Ok(Progress::Goes);
        }
        let part = self.store.inner.blobs.part(self.hash);
        let (store, manifest) = (self.store.clone(), self.manifest.clone());
        store.keep(part, self.hash, &manifest, true, now_ms).await?;
        Ok(Progress::Whole)
    }

    /// Makes what is here durable, so that a later fetch goes on from here.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn save(&mut self) -> Result<(), BlobError> {
        if self.unsaved == 0 {
            return Ok(());
        }
        let file = self.file.clone();
        blocking(move || Ok(file.sync_data()?)).await?;
        self.store.inner.blobs.reach(BlobStep::Synced)?;
        let mut bits = vec![0u8; self.had.len().div_ceil(8)];
        for (index, _) in self.had.iter().enumerate().filter(|(_, had)| **had) {
            bits[index / 8] |= 1 << (index % 8);
        }
        let hash = self.hash;
        self.store
            .write(async move |conn| {
                sqlx::query("update blob set had = $2 where hash = $1 and had is not null")
                    .bind(hash.0.to_vec())
                    .bind(bits)
                    .execute(conn)
                    .await
                    .map(drop)
            })
            .await?;
        self.unsaved = 0;
        self.store.inner.blobs.reach(BlobStep::BitSaved)
    }
}
