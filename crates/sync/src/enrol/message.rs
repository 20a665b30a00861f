//! What a joining campus and the hub say to each other.

use records::bundle::Bundle;
use records::id::{InstitutionId, JournalId, SiteId};

/// Longest request, in bytes: who asks may be anybody.
pub const MAX_REQUEST_LEN: usize = 16 * 1024;

/// The campus asks, with what its code holds and the public halves of the keys it has made.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Request {
    /// The secret in the code.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub secret: [u8; 10],
    /// Ed25519.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub sign_key: [u8; 32],
    /// X25519.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub seal_key: [u8; 32],
    /// A PKCS #10 request for a certificate; only its key is used.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub csr: Vec<u8>,
    /// By the sign key over this connection's exported key: who asks holds it.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub proof: [u8; 64],
}

/// The hub answers with a refusal, or a welcome and then the institution journal.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub enum Answer {
    /// The campus is enrolled.
    #[n(0)]
    Welcome(#[n(0)] Welcome),
    /// It is not.
    #[n(1)]
    Refused(#[n(0)] Refusal),
    /// Part of the institution journal; an empty part ends it.
    #[n(2)]
    Journal(#[n(0)] Vec<Bundle>),
}

/// Who the campus is from now on.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Welcome {
    /// The institution's id.
    #[n(0)]
    pub institution: InstitutionId,
    /// Its name on screens.
    #[n(1)]
    pub institution_name: String,
    /// The journal the campus writes.
    #[n(2)]
    pub journal: JournalId,
    /// The campus's name on screens.
    #[n(3)]
    pub name: String,
    /// Its code in record numbers.
    #[n(4)]
    pub code: String,
    /// The hub.
    #[n(5)]
    pub hub: SiteId,
    /// The campus's TLS certificate (DER).
    #[cbor(n(6), with = "minicbor::bytes")]
    pub certificate: Vec<u8>,
}

/// Why a hub does not let a site join.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, minicbor::Encode, minicbor::Decode,
)]
#[cbor(index_only)]
pub enum Refusal {
    /// It never handed out this code.
    #[n(0)]
    #[error("the hub does not know this join code")]
    Unknown,
    /// Somebody has joined with it.
    #[n(1)]
    #[error("the join code has been used")]
    Used,
    /// Its time is over.
    #[n(2)]
    #[error("the join code has expired")]
    Expired,
    /// Too many attempts in the last minute.
    #[n(3)]
    #[error("too many attempts to join; wait a minute")]
    Throttled,
    /// The request is not one.
    #[n(4)]
    #[error("the hub does not understand the request")]
    Malformed,
    /// The hub's own trouble; its log says more. The code may be used up.
    #[n(5)]
    #[error("the hub could not enrol the site; its log says why")]
    Failed,
}
