//! Blobs: what is too large for a record, kept as files named by their content.
//!
//! A blob's name is the BLAKE3 hash of its content. Its [`Manifest`] holds the chaining values of
//! its 256 KiB chunks, which lead to that very hash, so that each chunk can be verified alone and
//! come from any site. Files: `blobs/tmp/…` while uploaded, `blobs/part/…` while fetched, and
//! `blobs/ab/cdef…` once whole, renamed only after it is on disk. A row follows its file: a file
//! without a row is nobody's and is swept; a row is never there without its file.
//!
//! Which record names which blob is a cache of the journals (`blob_ref`); everything else here is
//! the site's own and never journalled. Blobs have a quota and leave some of the disk free, so
//! that journals always find room.

mod carried;
pub(crate) mod drop;
mod fetch;
mod files;
mod limits;
mod manifest;
mod read;
mod refs;
mod tidy;
mod upload;
mod wanted;

pub use fetch::{Incoming, Progress};
pub use limits::BlobLimits;
pub use manifest::{CHUNK_LEN, MAX_BLOB_LEN, Manifest};
pub use read::{BlobCounts, BlobState, OpenBlob};
pub use refs::BlobRef;
pub use upload::{Upload, Uploaded};
pub use wanted::WantedBlob;

pub(crate) use files::Blobs;
pub(crate) use refs::{forget_all, project};

use crate::error::StoreError;
use std::sync::Arc;

/// Blobs up to this size are kept at every site that holds a record naming them, bytes.
pub const EAGER_LEN: u64 = 1024 * 1024;

/// A point at which a test may stop blob work as if the process were killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobStep {
    /// Bytes are written to a file that is not yet the blob's.
    Written,
    /// That file is on disk.
    Synced,
    /// A fetched chunk's bit is saved.
    BitSaved,
    /// The whole file has its final name.
    Renamed,
    /// Its row is committed.
    Rowed,
    /// Rows of dropped blobs are gone, their files not yet.
    Unlisted,
}

impl BlobStep {
    /// Every step.
    pub const ALL: [BlobStep; 6] = [
        BlobStep::Written,
        BlobStep::Synced,
        BlobStep::BitSaved,
        BlobStep::Renamed,
        BlobStep::Rowed,
        BlobStep::Unlisted,
    ];
}

/// Asked at every [`BlobStep`]; `true` stops the work there.
pub type BlobStopAt = Arc<dyn Fn(BlobStep) -> bool + Send + Sync>;

/// Why a blob was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BlobError {
    /// This site's quota for blobs is used up by what it may not drop.
    #[error("the quota for attachments is used up")]
    Quota,
    /// No more of the disk may be given to blobs.
    #[error("the disk has no room for attachments")]
    DiskFull,
    /// Longer than its limit.
    #[error("the blob is too long")]
    TooLong,
    /// It has no content.
    #[error("the blob is empty")]
    Empty,
    /// Hashes of chunks that do not lead to the blob's name, or of a size no record speaks of.
    #[error("these are not the hashes of the blob's chunks")]
    WrongManifest,
    /// Bytes that are not the chunk they were offered as.
    #[error("these are not the bytes of the chunk")]
    WrongChunk,
    /// Larger than what every site keeps, and nobody asked for it.
    #[error("nobody asked for this large blob")]
    Unasked,
    /// No record here names it.
    #[error("no record names this blob")]
    Unnamed,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The file system failed.
    #[error("the blob's file failed")]
    Io(#[source] Arc<std::io::Error>),
}

impl From<std::io::Error> for BlobError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io(Arc::new(error)),
        }
    }
}

/// Runs file work where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or(Err(BlobError::Store(StoreError::Stopped)))
}
