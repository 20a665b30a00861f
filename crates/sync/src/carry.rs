//! Where there is no network at all: a sealed, signed file on a USB stick does what a link does.
//!
//! The file holds what the receiving sites lack, as far as is known: the institution journal
//! first, the other bundles in the order in which the writing site judged them (so that nothing
//! has to wait), evidence of forks, the small blobs that these bundles name, and the writer's
//! frontier, which acknowledges. Larger blobs wait for a link, as they do over one. Importing is
//! admitting: every bundle passes the same gate as over a link, so a file may come twice, late,
//! or cut off, and what came before the damage stands.
//!
//! Layout, all integers big-endian: magic and version; `u32` length and the CBOR [`Header`];
//! chunks of `u32` (its top bit marks the last) and ChaCha20-Poly1305 ciphertext, nonce = chunk
//! number and last-flag. Inside is one zstd stream of `u32` length and CBOR [`Item`]. The content
//! key is wrapped to the X25519 seal key of each receiving site; the last item signs all of it
//! with the writing site's key. Reading and writing need a few MiB whatever the file's size.

mod export;
mod import;
mod open;
mod seal;
mod unpack;

pub use export::{Exporter, Receivers};
pub use import::{Importer, Summary};
pub use open::{Opener, Reader, header};
pub use seal::Sealer;
pub use unpack::Unpacker;

use records::bundle::{Bundle, Head};
use records::id::{Hash, InstitutionId, JournalId, SiteId};
use store::{BlobError, StoreError};

/// The first bytes of a file; the version follows.
pub const MAGIC: &[u8; 14] = b"dutyroom-carry";
/// The version this code writes.
pub const VERSION: u8 = 1;
/// Longest header, in bytes.
pub const MAX_HEADER_LEN: usize = 64 * 1024;
/// Most sites a file can be for.
pub const MAX_RECEIVERS: usize = 256;
/// Plain bytes in a chunk.
const CHUNK_LEN: usize = 64 * 1024;
const TAG_LEN: usize = 16;
const LAST: u32 = 1 << 31;
/// 2 MiB, as level 3 writes.
const ZSTD_WINDOW_LOG: u32 = 21;

/// What stands readable in front of the sealed part.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Header {
    /// The institution.
    #[n(0)]
    pub institution: InstitutionId,
    /// The journal whose key signs the file.
    #[n(1)]
    pub from: JournalId,
    /// When it was written, ms since the epoch.
    #[n(2)]
    pub created_ms: i64,
    /// Public half of the X25519 key made for this file.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    pub ephemeral: [u8; 32],
    /// Who can read it.
    #[n(4)]
    pub receivers: Vec<Receiver>,
}

/// The content key for one site.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Receiver {
    /// Which site.
    #[n(0)]
    pub site: SiteId,
    /// The file's key, sealed to that site.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub wrapped: [u8; 48],
}

/// One thing in a file.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub enum Item {
    /// Bundles in an order in which nothing waits.
    #[n(0)]
    Bundles(#[n(0)] Vec<Bundle>),
    /// Bundles of other branches: proof of forks.
    #[n(1)]
    Evidence(#[n(0)] Vec<Bundle>),
    /// A blob that every site keeps.
    #[n(3)]
    Blob {
        /// Its name.
        #[n(0)]
        hash: Hash,
        /// All of it, at most [`store::EAGER_LEN`] bytes.
        #[n(1)]
        #[cbor(with = "minicbor::bytes")]
        content: Vec<u8>,
    },
    /// The end.
    #[n(2)]
    End {
        /// What the writing site holds durably.
        #[n(0)]
        frontier: Vec<Head>,
        /// The site's signature over header, items and frontier.
        #[n(1)]
        #[cbor(with = "minicbor::bytes")]
        signature: [u8; 64],
    },
}

/// Why a file cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// Something else than a carried file.
    #[error("this is not a file made by `dutyroom export`")]
    NotCarried,
    /// Written by a later program.
    #[error("the file has version {0}; this program reads version {VERSION}: upgrade it first")]
    LaterVersion(u8),
    /// Of another institution.
    #[error("the file is of another institution")]
    OtherInstitution,
    /// Sealed to other sites.
    #[error("the file is not for this site but for {}", names(.0))]
    NotForUs(Vec<SiteId>),
    /// This site wrote it.
    #[error("this site itself wrote the file; take it to the other site")]
    Own,
    /// The end is missing.
    #[error("the file is cut off after {0} bytes; what came before is kept, export it again")]
    Cut(u64),
    /// Bytes were changed.
    #[error("the file was altered or damaged at byte {0}; what came before is kept")]
    Altered(u64),
    /// Sealed rightly and still no sense: another program's fault.
    #[error("the file is sealed but its contents make no sense")]
    Malformed,
    /// Bytes after the end.
    #[error("bytes follow the end of the file")]
    Trailing,
    /// The signature at the end does not hold.
    #[error(
        "the site the file names did not sign it; each bundle was judged by its own signature, \
         nothing else was taken from it"
    )]
    Signature,
    /// Many bundles that no site of the institution signed.
    #[error("the file holds bundles that no site of this institution signed")]
    Strangers,
    /// A receiver is not enrolled.
    #[error("no enrolled site {0}")]
    UnknownSite(String),
    /// A receiver's key cannot be sealed to.
    #[error("site {0} has no usable seal key")]
    SealKey(SiteId),
    /// Our own store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our own attachments' files failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl CarryError {
    /// Stable code for the API.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotCarried => "carry_not_a_file",
            Self::LaterVersion(_) => "carry_later_version",
            Self::OtherInstitution => "carry_other_institution",
            Self::NotForUs(_) => "carry_not_for_us",
            Self::Own => "carry_own",
            Self::Cut(_) => "carry_cut",
            Self::Altered(_) | Self::Malformed | Self::Trailing => "carry_altered",
            Self::Signature | Self::Strangers => "carry_signature",
            Self::UnknownSite(_) | Self::SealKey(_) => "carry_unknown_site",
            Self::Store(_) | Self::Blob(_) => "internal",
        }
    }
}

fn names(sites: &[SiteId]) -> String {
    let names: Vec<String> = sites.iter().take(8).map(ToString::to_string).collect();
    names.join(", ")
}

/// What the end signs.
fn signed(header: &[u8], items: &blake3::Hasher, frontier: &[Head]) -> Hash {
    let frontier = minicbor::to_vec(frontier).expect("encoding into a Vec cannot fail");
    let mut hasher = blake3::Hasher::new_derive_key("dutyroom 2026 carry end v1");
    hasher.update(blake3::hash(header).as_bytes());
    hasher.update(items.finalize().as_bytes());
    hasher.update(&frontier);
    Hash(*hasher.finalize().as_bytes())
}

/// The key of the chunks: bound to the header, so that none can be put under another.
fn content_key(file_key: &[u8; 32], header: &[u8]) -> ring::aead::LessSafeKey {
    let mut hasher = blake3::Hasher::new_derive_key("dutyroom 2026 carry content key v1");
    hasher.update(file_key);
    hasher.update(header);
    key(hasher.finalize().as_bytes())
}

/// The key that wraps the file's key for one receiver.
fn wrapping_key(
    shared: &x25519_dalek::SharedSecret,
    ephemeral: &[u8; 32],
    receiver: &[u8; 32],
) -> ring::aead::LessSafeKey {
    let mut hasher = blake3::Hasher::new_derive_key("dutyroom 2026 carry wrapping key v1");
    hasher.update(shared.as_bytes());
    hasher.update(ephemeral);
    hasher.update(receiver);
    key(hasher.finalize().as_bytes())
}

fn key(bytes: &[u8; 32]) -> ring::aead::LessSafeKey {
    let key = ring::aead::UnboundKey::new(&ring::aead::CHACHA20_POLY1305, bytes);
    ring::aead::LessSafeKey::new(key.expect("the key has the cipher's length"))
}

/// Every key seals each number once, so numbers are nonces.
fn nonce(number: u32, last: bool) -> ring::aead::Nonce {
    let mut nonce = [0; 12];
    nonce[7..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(last);
    ring::aead::Nonce::assume_unique_for_key(nonce)
}

/// The `u32` that stands `at` bytes into `bytes`.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(field.try_into().ok()?))
}

#[cfg(test)]
mod tests;
