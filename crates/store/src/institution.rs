//! Decisions of the institution, signed with its root key.

use crate::error::StoreError;
use crate::store::Store;
use ed25519_dalek::SigningKey;
use records::bundle::Head;
use records::id::InstitutionId;
use records::payload::InstitutionOp;

impl Store {
    /// Appends one decision to the institution journal.
    ///
    /// # Errors
    /// [`StoreError::Institution`] when the journal does not allow it,
    /// [`StoreError::OtherInstitution`], or what the database says; nothing was written then.
    pub async fn commit_institution(
        &self,
        op: InstitutionOp,
        root: &SigningKey,
        institution: InstitutionId,
        wall_ms: i64,
    ) -> Result<Head, StoreError> {
        unimplemented!()
    }
}
