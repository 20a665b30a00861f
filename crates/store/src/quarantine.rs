//! What did not pass: refused and held bundles, and forks.

use crate::error::StoreError;
use crate::row::{Fork, Quarantined};
use crate::store::Store;

impl Store {
    /// Refused and held bundles, latest first, at most 1,000.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn quarantine(&self) -> Result<Vec<Quarantined>, StoreError> {
        unimplemented!()
    }

    /// Forks found here, latest first, at most 1,000.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forks(&self) -> Result<Vec<Fork>, StoreError> {
        unimplemented!()
    }
}
