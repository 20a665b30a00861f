//! What sync reads: bundles in journal order, and sizes.

use crate::error::StoreError;
use crate::row::Counts;
use crate::store::Store;
use records::bundle::Bundle;
use records::id::JournalId;

impl Store {
    /// Bundles of `journal` after `seq`, in order, until their bytes pass `max_bytes`; at least
    /// one if there is any, at most 4,096.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bundles_after(
        &self,
        journal: JournalId,
        seq: u64,
        max_bytes: usize,
    ) -> Result<Vec<Bundle>, StoreError> {
        unimplemented!()
    }

    /// Sizes for the status page and metrics.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        unimplemented!()
    }
}
