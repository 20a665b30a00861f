//! Journals as a plain file: what anyone can verify offline, knowing only the institution's id.
//!
//! The magic, the number of bundles (8 bytes, big endian), then for each bundle its length
//! (4 bytes, big endian) and its CBOR. Journals come in their order, the institution's first,
//! each from its beginning and without gaps.

use super::VerifyError;
use super::source::Found;
use crate::error::StoreError;
use crate::store::Store;
use records::bundle::{Bundle, Head, MAX_HEADER_LEN, MAX_PAYLOAD_LEN};
use std::fs::File;
use std::io::{self, BufReader, Read as _, Write};

/// How an exported file begins.
const EXPORT_MAGIC: &[u8; 8] = b"DUTYJRN1";

const PAGE_LEN: usize = 4 * 1024 * 1024;
/// A bundle with its CBOR framing.
const MAX_LEN: usize = MAX_HEADER_LEN + MAX_PAYLOAD_LEN + 128;

/// Why journals could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// They could not be read.
    #[error("the journals cannot be read")]
    Store(#[from] StoreError),
    /// The file could not be written.
    #[error("the file cannot be written")]
    Io(#[from] io::Error),
}

/// Writes all journals that the store holds now; answers how many bundles. `progress` is told.
///
/// # Errors
/// [`ExportError`]; what was written until then is no complete file.
pub async fn export(
    store: &Store,
    mut to: impl Write,
    mut progress: impl FnMut(u64),
) -> Result<u64, ExportError> {
    let frontier = store.frontier();
    let count: u64 = frontier.iter().map(|head| head.seq).sum();
    to.write_all(EXPORT_MAGIC)?;
    to.write_all(&count.to_be_bytes())?;
    let mut done = 0;
    for head in frontier {
        let mut after = 0;
        while after < head.seq {
            let page = store.bundles_after(head.journal, after, PAGE_LEN).await?;
            if page.is_empty() {
                return Err(StoreError::Damaged("a journal has a gap").into());
            }
            // What was appended meanwhile was not counted.
            let left = usize::try_from(head.seq - after).unwrap_or(usize::MAX);
            for bundle in page.iter().take(left) {
                let bytes = minicbor::to_vec(bundle).expect("encoding into a Vec cannot fail");
                let len = u32::try_from(bytes.len()).expect("a bundle is bounded");
                to.write_all(&len.to_be_bytes())?;
                to.write_all(&bytes)?;
                done += 1;
            }
            after += page.len() as u64;
            progress(done);
        }
    }
    to.flush()?;
    Ok(done)
}

/// An exported file, read once from its beginning.
pub(super) struct Exported {
    file: BufReader<File>,
    count: u64,
    read: u64,
}

impl Exported {
    /// `None` when the file, of which `begin` was read, is something else.
    pub(super) fn open(file: File, begin: &[u8]) -> io::Result<Option<Self>> {
        let Some((magic, count)) = begin.split_first_chunk::<8>() else {
            return Ok(None);
        };
        match <[u8; 8]>::try_from(count) {
            Ok(count) if magic == EXPORT_MAGIC => Ok(Some(Self {
                file: BufReader::new(file),
                count: u64::from_be_bytes(count),
                read: 0,
            })),
            _ => Ok(None),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn next(&mut self) -> Result<Option<Found>, VerifyError> {
        let cut_off = VerifyError::CutOff(self.read);
        let cut = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => VerifyError::CutOff(self.read),
            _ => error.into(),
        };
        if self.read == self.count {
            // Whatever follows was not exported by us.
            return match self.file.read(&mut [0])? {
                0 => Ok(None),
                _ => Err(cut_off),
            };
        }
        let mut len = [0; 4];
        self.file.read_exact(&mut len).map_err(cut)?;
        let len = u32::from_be_bytes(len) as usize;
        if len > MAX_LEN {
            return Err(cut_off);
        }
        let mut bytes = vec![0; len];
        self.file.read_exact(&mut bytes).map_err(cut)?;
        let bundle: Bundle = minicbor::decode(&bytes).map_err(|_| cut_off)?;
        self.read += 1;
        // A header that cannot be read stands nowhere; it is told by the count.
        let header = bundle
            .decode_header()
            .map_err(|_| VerifyError::CutOff(self.read - 1))?;
        let head = Head {
            journal: header.journal(),
            seq: header.seq,
            hash: bundle.hash(),
        };
        Ok(Some(Found {
            head,
            bundle: Some(bundle),
        }))
    }
}
