//! Dropping every cache and replaying the journals.

use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Drops snapshots, projections, search and verdicts, and replays all journals, in one
    /// transaction. Heads and rows come out the same; every row is new to the feed.
    ///
    /// # Errors
    /// [`StoreError`]; the caches are as before then.
    pub async fn rebuild(&self) -> Result<(), StoreError> {
        unimplemented!()
    }
}
