//! The bundle: what a journal holds and links carry.
//!
//! Header version 1 as DESIGN.md section 4 fixes it. Bytes are signed and stored exactly as
//! written and never encoded again; a header this version does not fully understand is *held*.

use crate::id::{AccountId, ActionId, Hash, InstitutionId, JournalId, ScopeId, SiteId, TerminalId};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

/// The header version this code writes.
pub const VERSION: u8 = 1;
/// Algorithm suite 1: Ed25519 over BLAKE3.
pub const SUITE: u8 = 1;
/// A header is small; anything longer is not ours.
pub const MAX_HEADER_LEN: usize = 16 * 1024;
/// Upper bound of one bundle's payload in bytes.
pub const MAX_PAYLOAD_LEN: usize = 1024 * 1024;

/// The last bundle known of a journal.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode,
)]
#[cbor(array)]
pub struct Head {
    /// Which journal.
    #[n(0)]
    pub journal: JournalId,
    /// Its sequence number, from 1.
    #[n(1)]
    pub seq: u64,
    /// Hash of that bundle's header.
    #[n(2)]
    pub hash: Hash,
}

/// Who did what, when, from where, after which other bundles.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Header {
    /// [`VERSION`].
    #[n(0)]
    pub version: u8,
    /// [`SUITE`].
    #[n(1)]
    pub suite: u8,
    /// The institution; a bundle of another one is refused.
    #[n(2)]
    pub institution: InstitutionId,
    /// Journal: site part.
    #[n(3)]
    pub site: SiteId,
    /// Journal: incarnation part.
    #[n(4)]
    pub incarnation: u32,
    /// Position in the journal, from 1, without gaps.
    #[n(5)]
    pub seq: u64,
    /// Hash of the previous header; all zero for the first.
    #[n(6)]
    pub prev: Hash,
    /// Heads of other journals this site admitted since its previous bundle.
    #[n(7)]
    pub deps: Vec<Head>,
    /// Hybrid logical clock: milliseconds since the epoch << 16 | counter.
    #[n(8)]
    pub hlc: u64,
    /// Wall clock at the site, ms since the epoch.
    #[n(9)]
    pub wall_ms: i64,
    /// Monotonic ms since the process started.
    #[n(10)]
    pub uptime_ms: u64,
    /// Last measured offset of the hub's clock to ours in ms, if any.
    #[n(11)]
    pub hub_offset_ms: Option<i64>,
    /// Whose action; opaque here.
    #[n(12)]
    pub account: AccountId,
    /// From which terminal; opaque here.
    #[n(13)]
    pub terminal: TerminalId,
    /// Assurance of the person: empty = vouched for by the site alone.
    #[n(14)]
    #[cbor(with = "minicbor::bytes")]
    pub assurance: Vec<u8>,
    /// The user action.
    #[n(15)]
    pub action: ActionId,
    /// This bundle is part `part` (from 1) of `parts` of the action.
    #[n(16)]
    pub part: u16,
    /// How many bundles the action has.
    #[n(17)]
    pub parts: u16,
    /// Confidentiality scope; one bundle has one scope.
    #[n(18)]
    pub scope: ScopeId,
    /// Key the payload is sealed with; 0 = clear.
    #[n(19)]
    pub key_id: u32,
    /// Root over the payload's section hashes ([`crate::payload`]).
    #[n(20)]
    pub payload_root: Hash,
    /// Length of the payload in bytes as first written.
    #[n(21)]
    pub payload_len: u32,
}

impl Header {
    /// The header at a place of a journal that says nothing else: by nobody, at no time, after
    /// nothing, of an empty payload.
    #[must_use]
    pub fn blank(journal: JournalId, seq: u64) -> Self {
        Self {
            version: VERSION,
            suite: SUITE,
            institution: InstitutionId::default(),
            site: journal.site,
            incarnation: journal.incarnation,
            seq,
            prev: Hash::default(),
            deps: Vec::new(),
            hlc: 0,
            wall_ms: 0,
            uptime_ms: 0,
            hub_offset_ms: None,
            account: AccountId::default(),
            terminal: TerminalId::default(),
            assurance: Vec::new(),
            action: ActionId::default(),
            part: 1,
            parts: 1,
            scope: ScopeId::default(),
            key_id: 0,
            payload_root: Hash::default(),
            payload_len: 0,
        }
    }

    /// The journal this header belongs to.
    #[must_use]
    pub fn journal(&self) -> JournalId {
        JournalId {
            site: self.site,
            incarnation: self.incarnation,
        }
    }
}

/// Why header bytes are not taken at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not a header at all: never valid, whatever version reads it.
    #[error("the bytes are not a bundle header")]
    Malformed,
    /// A version, suite or field from the future: to be kept and retried after an upgrade.
    #[error("the bundle header is of a later version")]
    Unknown,
}

/// A signed bundle as exact bytes.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Bundle {
    /// Exact header bytes.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub header: Vec<u8>,
    /// Exact payload bytes.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub payload: Vec<u8>,
    /// Ed25519 signature over [`Bundle::hash`].
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// Hash of exact header bytes, domain-separated.
#[must_use]
pub fn header_hash(header: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key("dutyroom 2026 bundle header v1");
    hasher.update(header);
    Hash(*hasher.finalize().as_bytes())
}

impl Bundle {
    /// Encodes and signs.
    #[must_use]
    pub fn sign(header: &Header, payload: Vec<u8>, key: &SigningKey) -> Self {
        let header = minicbor::to_vec(header).expect("encoding into a Vec cannot fail");
        let signature = key.sign(&header_hash(&header).0).to_bytes();
        Self {
            header,
            payload,
            signature,
        }
    }

    /// The bundle's identity: the hash of its header, which covers the payload root.
    #[must_use]
    pub fn hash(&self) -> Hash {
        header_hash(&self.header)
    }

    /// Whether `key` signed this header (strict Ed25519: no malleability, no small-order keys).
    #[must_use]
    pub fn signed_by(&self, key: &VerifyingKey) -> bool {
        let signature = Signature::from_bytes(&self.signature);
        key.verify_strict(&self.hash().0, &signature).is_ok()
    }

    /// Decodes the header.
    ///
    /// # Errors
    /// [`HeaderError::Unknown`] when a later version must judge it; [`HeaderError::Malformed`]
    /// when no version can.
    pub fn decode_header(&self) -> Result<Header, HeaderError> {
        decode_header(&self.header)
    }
}

/// See [`Bundle::decode_header`].
///
/// # Errors
/// As there.
pub fn decode_header(bytes: &[u8]) -> Result<Header, HeaderError> {
    if bytes.len() > MAX_HEADER_LEN {
        return Err(HeaderError::Malformed);
    }
    let mut decoder = minicbor::Decoder::new(bytes);
    let (Ok(Some(_)), Ok(version), Ok(suite)) = (decoder.array(), decoder.u8(), decoder.u8())
    else {
        return Err(HeaderError::Malformed);
    };
    if version != VERSION || suite != SUITE {
        return Err(HeaderError::Unknown);
    }
    let header: Header = minicbor::decode(bytes).map_err(|_| HeaderError::Malformed)?;
    // The decoder skips what it does not know; a round trip that differs means there was some.
    let again = minicbor::to_vec(&header).expect("encoding into a Vec cannot fail");
    if again != bytes {
        return Err(HeaderError::Unknown);
    }
    Ok(header)
}

#[cfg(test)]
pub(crate) mod tests;
