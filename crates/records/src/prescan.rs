//! Reads a raw Automerge change before Automerge does.
//!
//! Automerge 0.12.0 trusts what it parses: run lengths in a 113-byte change made it allocate
//! 1.35 GB, a deflated chunk 2.1 GB (findings-sync.md section 3). So the form of every foreign
//! change is checked here first, in time and memory proportional to its bytes and without
//! believing any length it declares. The layout is Automerge's *change chunk*; golden tests
//! compare with real changes so that a new layout is noticed.

use crate::chunk::Parts;
use crate::id::Hash;
use crate::payload::MAX_CHANGE_LEN;
use columns::Columns;
use cursor::Cursor;
use sha2::{Digest as _, Sha256};

pub(crate) mod columns;
mod cursor;
#[cfg(test)]
pub(crate) mod tests;

/// How many operations one change may have: two texts of 20,000 code points, the longest that a
/// field table allows, written in one action, and room to spare. At the 450 bytes that Automerge
/// takes for an operation this is 30 MB (findings-sync.md section 3).
pub const MAX_OPS: u64 = 65_536;
/// How many changes one change may directly depend on.
pub const MAX_DEPS: usize = 256;
/// How many other actors a change may refer to.
pub const MAX_ACTORS: usize = 1_024;
/// How long an actor identifier may be in bytes; ours have 16.
pub const MAX_ACTOR_LEN: usize = 64;

/// How many bytes of keys and mark names a change may come to once each operation has its own,
/// as Automerge expands them: a run repeats one name for four bytes.
pub const MAX_NAMES_LEN: u64 = 4 * 1024 * 1024;

pub(crate) const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
pub(crate) const CHUNK_TYPE_CHANGE: u8 = 1;

/// What a change says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Automerge's hash of the change, recomputed from the bytes.
    pub hash: Hash,
    /// The changes it directly depends on.
    pub deps: Vec<Hash>,
    /// Who wrote it, as Automerge's actor id.
    pub actor: Vec<u8>,
    /// Its place among the actor's changes, from 1.
    pub seq: u64,
    /// The counter of its first operation.
    pub start_op: u64,
    /// How many operations it has, at least one.
    pub ops: u64,
    /// The other actors whose operations it refers to.
    pub other_actors: Vec<Vec<u8>>,
}

impl Scan {
    /// The counter of its last operation.
    #[must_use]
    pub fn max_op(&self) -> u64 {
        self.start_op.saturating_add(self.ops - 1)
    }
}

/// Why bytes are not a change we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrescanError {
    /// More than [`MAX_CHANGE_LEN`] bytes.
    #[error("the change is too long")]
    TooLong,
    /// Not an Automerge chunk.
    #[error("the bytes are no Automerge chunk")]
    NoChunk,
    /// A document, a deflated change, a bundle of changes or an unknown chunk.
    #[error("the chunk is of a type other than a plain change")]
    ChunkType,
    /// The checksum is not that of the bytes.
    #[error("the checksum is wrong")]
    Checksum,
    /// The bytes end before what they announce.
    #[error("the change ends too early")]
    Truncated,
    /// Bytes that belong to nothing.
    #[error("the change has bytes left over")]
    Trailing,
    /// A number is not encoded in its shortest form or does not fit.
    #[error("a number in the change is malformed")]
    Number,
    /// A deflated column.
    #[error("a column of the change is deflated")]
    Deflated,
    /// A column that Automerge 0.12.0 does not write, or one out of order.
    #[error("the change has an unexpected column")]
    Column,
    /// More than [`MAX_OPS`] operations, by the run lengths of any column.
    #[error("the change has too many operations")]
    TooManyOps,
    /// More than [`MAX_NAMES_LEN`] bytes of keys, by the run lengths.
    #[error("the keys of the change come to too many bytes")]
    TooManyNames,
    /// No operation at all.
    #[error("the change has no operation")]
    Empty,
    /// Columns of different lengths, or values that do not fill the value column.
    #[error("the columns of the change do not fit together")]
    Mismatch,
    /// A run that an encoder never writes.
    #[error("a column of the change has a malformed run")]
    Run,
    /// Too many dependencies or actors, or an actor out of bounds.
    #[error("the change names too many dependencies or actors")]
    Actors,
    /// Text that is not UTF-8.
    #[error("a text in the change is not UTF-8")]
    Text,
    /// A commit message; our writers never write one.
    #[error("the change carries a message")]
    Message,
}

impl PrescanError {
    /// A stable word for quarantine lists.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            PrescanError::TooLong => "change_too_long",
            PrescanError::NoChunk => "no_chunk",
            PrescanError::ChunkType => "chunk_type",
            PrescanError::Checksum => "checksum",
            PrescanError::Truncated => "truncated",
            PrescanError::Trailing => "trailing_bytes",
            PrescanError::Number => "malformed_number",
            PrescanError::Deflated => "deflated_column",
            PrescanError::Column => "unexpected_column",
            PrescanError::TooManyOps => "too_many_ops",
            PrescanError::TooManyNames => "too_many_names",
            PrescanError::Empty => "no_ops",
            PrescanError::Mismatch => "mismatching_columns",
            PrescanError::Run => "malformed_run",
            PrescanError::Actors => "actors",
            PrescanError::Text => "not_utf8",
            PrescanError::Message => "message",
        }
    }
}

/// Checks the form of one raw change.
///
/// # Errors
/// [`PrescanError`]; refusals are final, since they depend on the bytes alone.
pub fn prescan(change: &[u8]) -> Result<Scan, PrescanError> {
    if change.len() > MAX_CHANGE_LEN {
        return Err(PrescanError::TooLong);
    }
    let (hash, body) = chunk(change)?;
    let mut cursor = Cursor::new(body);
    let deps = hashes(&mut cursor)?;
    let actor = actor(&mut cursor)?.to_vec();
    let seq = cursor.uint()?;
    let start_op = cursor.uint()?;
    let _time = cursor.int()?;
    if cursor.uint()? != 0 {
        return Err(PrescanError::Message);
    }
    let other_actors = actors(&mut cursor)?;
    let columns = Columns::read(&mut cursor)?;
    if !cursor.is_empty() {
        return Err(PrescanError::Trailing);
    }
    let ops = columns.count(1 + other_actors.len() as u64)?;
    if seq == 0 || start_op == 0 {
        return Err(PrescanError::Number);
    }
    Ok(Scan {
        hash,
        deps,
        actor,
        seq,
        start_op,
        ops,
        other_actors,
    })
}

/// What a change consists of, without a look at its operations.
pub(crate) fn parts(change: &[u8]) -> Result<Parts, PrescanError> {
    let (_, body) = chunk(change)?;
    let mut cursor = Cursor::new(body);
    let (deps, actor) = (hashes(&mut cursor)?, actor(&mut cursor)?.to_vec());
    let seq = cursor.uint()?;
    let about = cursor.clone().rest();
    let _start_op = cursor.uint()?;
    let _time = cursor.int()?;
    let message = cursor.uint()?;
    let _message = cursor.take(message)?;
    let _other_actors = actors(&mut cursor)?;
    let about = &about[..about.len() - cursor.clone().rest().len()];
    let columns = Columns::read(&mut cursor)?.into_all().into_iter();
    Ok(Parts {
        deps,
        actor,
        seq,
        about: about.to_vec(),
        columns: columns.map(|(spec, b)| (spec, b.to_vec())).collect(),
        rest: cursor.rest().to_vec(),
    })
}

/// The chunk's hash and the body inside its header.
fn chunk(change: &[u8]) -> Result<(Hash, &[u8]), PrescanError> {
    let (magic, rest) = change.split_at_checked(4).ok_or(PrescanError::NoChunk)?;
    if magic != MAGIC {
        return Err(PrescanError::NoChunk);
    }
    let (checksum, hashed) = rest.split_at_checked(4).ok_or(PrescanError::Truncated)?;
    let mut cursor = Cursor::new(hashed);
    if cursor.byte()? != CHUNK_TYPE_CHANGE {
        return Err(PrescanError::ChunkType);
    }
    let declared = cursor.uint()?;
    let body = cursor.rest();
    match declared.cmp(&(body.len() as u64)) {
        std::cmp::Ordering::Less => return Err(PrescanError::Trailing),
        std::cmp::Ordering::Greater => return Err(PrescanError::Truncated),
        std::cmp::Ordering::Equal => {}
    }
    let hash: [u8; 32] = Sha256::digest(hashed).into();
    if checksum != &hash[..4] {
        return Err(PrescanError::Checksum);
    }
    Ok((Hash(hash), body))
}

fn hashes(cursor: &mut Cursor<'_>) -> Result<Vec<Hash>, PrescanError> {
    let count = cursor.count(MAX_DEPS).ok_or(PrescanError::Actors)??;
    (0..count)
        .map(|_| {
            let bytes = cursor.take(Hash::LEN as u64)?;
            Ok(Hash::from_slice(bytes).expect("taken with the length of a hash"))
        })
        .collect()
}

fn actors(cursor: &mut Cursor<'_>) -> Result<Vec<Vec<u8>>, PrescanError> {
    let count = cursor.count(MAX_ACTORS).ok_or(PrescanError::Actors)??;
    (0..count)
        .map(|_| actor(cursor).map(<[u8]>::to_vec))
        .collect()
}

fn actor<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], PrescanError> {
    let len = cursor.uint()?;
    if len > MAX_ACTOR_LEN as u64 {
        return Err(PrescanError::Actors);
    }
    cursor.take(len)
}
