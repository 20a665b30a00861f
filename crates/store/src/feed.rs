//! What changed after a cursor.

use crate::error::StoreError;
use crate::row::Feed;
use crate::store::Store;

impl Store {
    /// Records that changed after cursor `after`, at most `limit` (1–200).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn feed(&self, after: u64, limit: u32) -> Result<Feed, StoreError> {
        unimplemented!()
    }
}
