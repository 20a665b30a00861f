//! Proving a data directory from its bytes alone, offline or beside a running site.

use crate::error::{OpenError, StoreError};
use records::id::JournalId;
use std::path::Path;

/// What is wrong with a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadReason {
    /// The header bytes are no header of this version.
    Header,
    /// The header names another place, journal or institution than where it is stored.
    Misplaced,
    /// No enrolled key may sign this journal.
    UnknownSigner,
    /// The signature does not hold.
    Signature,
    /// A bundle before it is missing, or it names another predecessor.
    Chain,
    /// The payload is not the one the header names.
    Payload,
    /// It depends on a bundle other than the one stored at that place.
    Contradiction,
}

impl BadReason {
    /// Stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            BadReason::Header => "header",
            BadReason::Misplaced => "misplaced",
            BadReason::UnknownSigner => "unknown_signer",
            BadReason::Signature => "signature",
            BadReason::Chain => "chain",
            BadReason::Payload => "payload",
            BadReason::Contradiction => "contradiction",
        }
    }
}

/// The first bundle that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadBundle {
    /// Its journal.
    pub journal: JournalId,
    /// Code of the journal's site; "institution" for the institution journal.
    pub code: String,
    /// Its place.
    pub seq: u64,
    /// What is wrong.
    pub reason: BadReason,
}

impl std::fmt::Display for BadBundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (code, incarnation) = (&self.code, self.journal.incarnation);
        write!(f, "{code} incarnation {incarnation} seq {}", self.seq)
    }
}

/// What was verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Bundles that hold.
    pub bundles: u64,
    /// Journals looked at.
    pub journals: u64,
    /// The first bundle that does not hold; nothing after it was looked at.
    pub first_bad: Option<BadBundle>,
}

/// Why a directory could not be verified to an end.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The directory cannot be opened.
    #[error("the data directory cannot be opened")]
    Open(#[from] OpenError),
    /// The database cannot be read.
    #[error("the database cannot be read")]
    Store(#[from] StoreError),
}

/// Verifies every stored bundle: signature, chain, payload, dependencies. Reads one consistent
/// state of a live directory and writes nothing. `progress` is told the count now and then.
///
/// # Errors
/// [`VerifyError`] when reading fails; what is wrong with a bundle is in the report.
pub async fn verify(dir: &Path, mut progress: impl FnMut(u64)) -> Result<Report, VerifyError> {
    unimplemented!()
}
