//! Small blobs whole, for files that are carried where no link is.

use super::fetch::Progress;
use super::manifest::{CHUNK_LEN, Hashing};
use super::{BlobError, BlobState, EAGER_LEN};
use crate::error::StoreError;
use crate::meta::{id, int};
use crate::store::Store;
use records::id::Hash;

impl Store {
    /// Blobs that are kept at every site, are whole here, and were named by a change signed at
    /// or after the time `hlc`: at most `limit` of them, in order of their names after `after`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn small_blobs_since(
        &self,
        hlc: u64,
        after: Hash,
        limit: u32,
    ) -> Result<Vec<Hash>, StoreError> {
        let rows = sqlx::query(
            "select hash from blob where hash > $1 and had is null and size <= $2
                 and exists (select 1 from blob_ref where blob = hash and hlc >= $3)
             order by hash limit $4",
        )
        .bind(after.0.to_vec())
        .bind(int(EAGER_LEN))
        .bind(int(hlc))
        .bind(i64::from(limit))
        .fetch_all(&self.inner.readers)
        .await?;
        rows.iter().map(|row| Ok(Hash(id(row, "hash")?))).collect()
    }

    /// The content of a small blob; `None` if it is larger, or not here whole and undamaged.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn small_blob(&self, hash: Hash) -> Result<Option<Vec<u8>>, BlobError> {
        let Some(manifest) = self.blob_manifest(hash).await? else {
            return Ok(None);
        };
        if manifest.size() > EAGER_LEN {
            return Ok(None);
        }
        let mut content = Vec::new();
        for index in 0..manifest.len() {
            match self.blob_chunk(hash, index).await? {
                Some(chunk) => content.extend(chunk),
                None => return Ok(None),
            }
        }
        Ok(Some(content))
    }

    /// Takes a small blob that a record here names; `false` if it was here already.
    ///
    /// # Errors
    /// [`BlobError::WrongManifest`] when the content is not the blob's, or not of the size that a
    /// record gives it; else as [`Store::begin_fetch`].
    pub async fn take_small_blob(
        &self,
        hash: Hash,
        content: &[u8],
        now_ms: i64,
    ) -> Result<bool, BlobError> {
        if matches!(self.blob_state(hash).await?, BlobState::Whole { .. }) {
            return Ok(false);
        }
        let mut hashing = Hashing::default();
        for chunk in content.chunks(CHUNK_LEN) {
            hashing.push(chunk);
        }
        let (found, manifest) = hashing.finish().ok_or(BlobError::Empty)?;
        if found != hash {
            return Err(BlobError::WrongManifest);
        }
        let mut incoming = self.begin_fetch(hash, manifest, now_ms).await?;
        for (index, chunk) in content.chunks(CHUNK_LEN).enumerate() {
            if incoming.put(index, chunk.to_vec(), now_ms).await? == Progress::Whole {
                break;
            }
        }
        Ok(true)
    }
}
