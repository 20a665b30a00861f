//! Now and then: what was uploaded and never attached goes, and so does what no row lists.

use super::{BlobError, blocking, files};
use crate::meta::id;
use crate::store::Store;
use records::id::Hash;
use sqlx::Row as _;
use std::collections::BTreeSet;

/// A blob that no record names stays so long, ms: a day.
pub(super) const ORPHAN_AGE_MS: i64 = 24 * 3_600_000;
/// Orphans dropped in one transaction.
const ORPHANS_AT_ONCE: u32 = 1_000;

impl Store {
    /// Drops blobs that no record has named for a day, and sweeps files that no row lists, which
    /// a crash between the two leaves. Says how many files went.
    ///
    /// # Errors
    /// [`BlobError`]; what is left is swept the next time.
    pub async fn tidy_blobs(&self, now_ms: i64) -> Result<usize, BlobError> {
        let _naming = self.inner.blobs.naming.lock().await;
        let before = now_ms.saturating_sub(ORPHAN_AGE_MS);
        let dropped = self
            .write(async move |conn| super::drop::drop_orphans(conn, before, ORPHANS_AT_ONCE).await)
            .await?;
        let orphans = dropped.len();
        self.remove_files(dropped).await?;
        Ok(orphans + self.sweep().await?)
    }

    /// Removes files that no row lists. Called with the naming lock held, under which no file is
    /// about to get its row.
    async fn sweep(&self) -> Result<usize, BlobError> {
        let rows = sqlx::query("select hash, had is null as whole from blob")
            .fetch_all(&self.inner.readers)
            .await
            .map_err(crate::StoreError::from)?;
        let (mut whole, mut partial) = (BTreeSet::new(), BTreeSet::new());
        for row in &rows {
            let hash = Hash(id(row, "hash")?);
            let is_whole: i64 = row.try_get("whole").map_err(crate::StoreError::from)?;
            let listed = if is_whole == 1 {
                &mut whole
            } else {
                &mut partial
            };
            listed.insert(hash);
        }
        let store = self.clone();
        blocking(move || {
            let blobs = &store.inner.blobs;
            let files = blobs
                .all()?
                .into_iter()
                .filter(|hash| !whole.contains(hash));
            let parts = blobs.parts()?.into_iter();
            let parts = parts.filter(|hash| !partial.contains(hash));
            let paths = files.map(|hash| blobs.path(hash));
            let paths: Vec<_> = paths.chain(parts.map(|hash| blobs.part(hash))).collect();
            for path in &paths {
                files::remove(path)?;
            }
            Ok(paths.len())
        })
        .await
    }
}
