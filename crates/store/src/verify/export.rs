//! Journals as a plain file: what anyone can verify offline, knowing only the institution's id.
//!
//! The magic, the number of bundles in journals and in branches (8 bytes each, big endian), then
//! for each bundle its length (4 bytes, big endian) and its CBOR. Journals come in their order,
//! the institution's first, each from its beginning and without gaps; branches that a closure
//! adopted follow the journals of their site, each from where it leaves its journal; the branches
//! kept as proof of forks come last.

use super::VerifyError;
use super::source::{Found, page};
use crate::error::StoreError;
use crate::lane::stem;
use crate::meta::{int, uint};
use crate::store::Store;
use records::bundle::{Bundle, Head, MAX_HEADER_LEN, MAX_PAYLOAD_LEN};
use records::id::{Hash, JournalId};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Write};

/// How an exported file begins.
const MAGIC: &[u8; 8] = b"DUTYJRN1";
/// A bundle with its CBOR framing.
const MAX_LEN: usize = MAX_HEADER_LEN + MAX_PAYLOAD_LEN + 128;
/// How many bundles are in memory at once.
const PAGE: i64 = 256;

/// Why journals could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// They could not be read.
    #[error("the journals cannot be read")]
    Verify(#[from] VerifyError),
    /// The file could not be written.
    #[error("the file cannot be written")]
    Io(#[from] io::Error),
}

impl From<sqlx::Error> for ExportError {
    fn from(error: sqlx::Error) -> Self {
        ExportError::Verify(error.into())
    }
}

/// Writes all journals and branches that the store holds now; answers how many bundles.
/// `progress` is told.
///
/// # Errors
/// [`ExportError`]; what was written until then is no complete file.
pub async fn export(
    store: &Store,
    mut to: impl Write,
    mut progress: impl FnMut(u64),
) -> Result<u64, ExportError> {
    let mut conn = store.inner.readers.acquire().await?;
    // Everything is of one moment, however long it takes.
    sqlx::raw_sql("begin").execute(&mut *conn).await?;
    let exported = write(&mut conn, &mut to, &mut progress).await;
    sqlx::raw_sql("commit").execute(&mut *conn).await?;
    to.flush()?;
    exported
}

async fn write(
    conn: &mut SqliteConnection,
    to: &mut impl Write,
    progress: &mut impl FnMut(u64),
) -> Result<u64, ExportError> {
    to.write_all(MAGIC)?;
    for count in ["select count(*) from bundle", "select count(*) from branch"] {
        let count: i64 = sqlx::query_scalar(count).fetch_one(&mut *conn).await?;
        let count = uint(count).map_err(VerifyError::from)?;
        to.write_all(&count.to_be_bytes())?;
    }
    let mut done = 0;
    for table in [
        "select site, incarnation, seq, hash, header, payload, signature from bundle
         where (site, incarnation, seq, hash) > ($1, $2, $3, $4)
         order by site, incarnation, seq, hash limit $5",
        "select site, incarnation, seq, hash, header, payload, signature from branch
         where (site, incarnation, seq, hash) > ($1, $2, $3, $4)
         order by site, incarnation, seq, hash limit $5",
    ] {
        let mut last: Option<Head> = None;
        loop {
            let journal = last.map(|head| head.journal);
            let rows = sqlx::query(table)
                .bind(journal.map_or(Vec::new(), |journal| journal.site.0.to_vec()))
                .bind(journal.map_or(-1, |journal| i64::from(journal.incarnation)))
                .bind(last.map_or(0, |head| int(head.seq)))
                .bind(last.map_or(Vec::new(), |head| head.hash.0.to_vec()))
                .bind(PAGE)
                .fetch(&mut *conn);
            let rows = page(rows).await?;
            let Some(end) = rows.last() else {
                break;
            };
            last = Some(end.head);
            for found in &rows {
                let bundle = found.bundle.as_ref();
                put(to, bundle.ok_or_else(damaged)?)?;
            }
            done += rows.len() as u64;
            progress(done);
        }
    }
    Ok(done)
}

fn damaged() -> ExportError {
    ExportError::Verify(StoreError::Damaged("a bundle's signature").into())
}

fn put(to: &mut impl Write, bundle: &Bundle) -> io::Result<()> {
    let bytes = minicbor::to_vec(bundle).expect("encoding into a Vec cannot fail");
    let len = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    to.write_all(&len.to_be_bytes())?;
    to.write_all(&bytes)
}

/// An exported file, read once from its beginning.
pub(super) struct Exported {
    file: BufReader<File>,
    bundles: u64,
    branches: u64,
    read: u64,
    last: Option<Head>,
    /// How many branches beside each journal were begun.
    beside: BTreeMap<JournalId, u32>,
}

impl Exported {
    /// `None` when the file, of which `begin` was read, is something else.
    pub(super) fn open(file: File, begin: &[u8]) -> io::Result<Option<Self>> {
        let Some((magic, counts)) = begin.split_first_chunk::<8>() else {
            return Ok(None);
        };
        let Some((bundles, branches)) = counts.split_first_chunk::<8>() else {
            return Ok(None);
        };
        match <[u8; 8]>::try_from(branches) {
            Ok(branches) if magic == MAGIC => Ok(Some(Self {
                file: BufReader::new(file),
                bundles: u64::from_be_bytes(*bundles),
                branches: u64::from_be_bytes(branches),
                read: 0,
                last: None,
                beside: BTreeMap::new(),
            })),
            _ => Ok(None),
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.bundles.saturating_add(self.branches)
    }

    /// The next bundle of a journal.
    pub(super) fn next(&mut self) -> Result<Option<Found>, VerifyError> {
        if self.read >= self.bundles {
            return Ok(None);
        }
        let (bundle, mut head, prev) = self.bundle()?;
        head.journal = self.stands(&head, prev)?;
        self.last = Some(head);
        Ok(Some(Found {
            head,
            bundle: Some(bundle),
        }))
    }

    /// The next bundle of a branch, once the journals are read.
    pub(super) fn next_branch(&mut self) -> Result<Option<Found>, VerifyError> {
        if self.read < self.count() {
            let (bundle, head, _) = self.bundle()?;
            return Ok(Some(Found {
                head,
                bundle: Some(bundle),
            }));
        }
        // Whatever follows was not exported by us.
        match self.file.read(&mut [0])? {
            0 => Ok(None),
            _ => Err(VerifyError::CutOff(self.read)),
        }
    }

    /// Where a bundle stands: it goes on with what came before, begins a journal, or a branch
    /// beside one.
    fn stands(&mut self, head: &Head, prev: Hash) -> Result<JournalId, VerifyError> {
        let Some(last) = self.last else {
            return Ok(head.journal);
        };
        let same = stem(last.journal) == head.journal;
        if same && (head.seq, prev) == (last.seq.saturating_add(1), last.hash) {
            return Ok(last.journal);
        }
        let known = self.beside.contains_key(&head.journal) || same || head.journal < last.journal;
        if !known {
            return Ok(head.journal);
        }
        let beside = self.beside.entry(head.journal).or_default();
        *beside += 1;
        let number = u8::try_from(*beside).map_err(|_| VerifyError::CutOff(self.read))?;
        Ok(JournalId {
            incarnation: head.journal.incarnation | u32::from(number) << 24,
            ..head.journal
        })
    }

    /// The next bundle with the place it names, and its predecessor.
    fn bundle(&mut self) -> Result<(Bundle, Head, Hash), VerifyError> {
        let read = self.read;
        let cut = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => VerifyError::CutOff(read),
            _ => error.into(),
        };
        let mut len = [0; 4];
        self.file.read_exact(&mut len).map_err(cut)?;
        let len = u32::from_be_bytes(len) as usize;
        if len > MAX_LEN {
            return Err(VerifyError::CutOff(read));
        }
        let mut bytes = vec![0; len];
        self.file.read_exact(&mut bytes).map_err(cut)?;
        let bundle: Bundle = minicbor::decode(&bytes).map_err(|_| VerifyError::CutOff(read))?;
        // A header that cannot be read stands nowhere; it is told by the count.
        let header = bundle.decode_header();
        let header = header.map_err(|_| VerifyError::CutOff(read))?;
        self.read += 1;
        let head = Head {
            journal: header.journal(),
            seq: header.seq,
            hash: bundle.hash(),
        };
        Ok((bundle, head, header.prev))
    }
}
