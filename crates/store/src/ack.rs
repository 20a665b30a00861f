//! What other sites hold of our own journals.

use crate::error::StoreError;
use crate::store::Store;
use crate::writer::Job;
use records::bundle::Head;
use records::id::SiteId;

impl Store {
    /// Keeps what `peer` says it holds durably. Heads of other sites' journals, and heads that
    /// name another bundle than ours, say nothing about our bundles and are passed over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_ack(&self, peer: SiteId, heads: &[Head]) -> Result<(), StoreError> {
        let heads = heads.to_vec();
        self.ask(|reply| Job::Ack(peer, heads, reply)).await?
    }
}
