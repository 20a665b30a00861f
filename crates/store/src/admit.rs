//! Bundles from elsewhere: signature, place, dependencies, then judgement.

use crate::action::Admission;
use crate::error::StoreError;
use crate::store::Store;
use records::bundle::Bundle;

impl Store {
    /// Offers bundles, all in one transaction; the answers are in the order of the bundles.
    /// Bundles that were waiting and are released by these are settled in the same transaction.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was admitted then.
    pub async fn admit(
        &self,
        bundles: Vec<Bundle>,
        received_ms: i64,
    ) -> Result<Vec<Admission>, StoreError> {
        unimplemented!()
    }
}
