//! The hashes of a blob's chunks, which prove themselves by the blob's own hash.
//!
//! BLAKE3 is a tree: the chaining values of aligned 256 KiB subtrees merge to the plain hash of
//! the whole content. So nobody has to be trusted for a manifest, and no second hash is stored.

use blake3::hazmat::{self, HasherExt as _, Mode};
use records::id::Hash;

/// Length of every chunk but the last, bytes. A power of two, as subtrees must be.
pub const CHUNK_LEN: usize = 256 * 1024;
/// Longest blob any site handles, bytes: its manifest is 256 KiB then.
pub const MAX_BLOB_LEN: u64 = 2 * 1024 * 1024 * 1024;

/// A blob's size and the hashes of its chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    size: u64,
    chunks: Vec<[u8; 32]>,
}

impl Manifest {
    /// The manifest of the blob called `hash`, if these hashes lead to it.
    #[must_use]
    pub fn verified(hash: Hash, size: u64, chunks: Vec<[u8; 32]>) -> Option<Self> {
        let fits = (1..=MAX_BLOB_LEN).contains(&size) && chunks.len() == count(size);
        (fits && root(&chunks) == hash).then_some(Self { size, chunks })
    }

    /// From the bytes that [`Manifest::to_bytes`] gave.
    #[must_use]
    pub fn from_bytes(hash: Hash, size: u64, bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<32>();
        let chunks = rest.is_empty().then(|| chunks.to_vec())?;
        Self::verified(hash, size, chunks)
    }

    /// The chunk hashes one after the other.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    /// The blob's length, bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many chunks it has, at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Never: a blob has content.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Length of a chunk, bytes; 0 beyond the end.
    #[must_use]
    pub fn chunk_len(&self, index: usize) -> usize {
        let before = (index as u64).saturating_mul(CHUNK_LEN as u64);
        let left = self.size.saturating_sub(before).min(CHUNK_LEN as u64);
        usize::try_from(left).expect("at most a chunk")
    }

    /// Whether `bytes` are the chunk at `index`.
    #[must_use]
    pub fn proves(&self, index: usize, bytes: &[u8]) -> bool {
        let Some(wanted) = self.chunks.get(index) else {
            return false;
        };
        if bytes.len() != self.chunk_len(index) {
            return false;
        }
        let found = match self.chunks.len() {
            1 => *blake3::hash(bytes).as_bytes(),
            _ => hasher(index, bytes).finalize_non_root(),
        };
        found == *wanted
    }
}

/// How many chunks a blob of `size` bytes has.
fn count(size: u64) -> usize {
    usize::try_from(size.div_ceil(CHUNK_LEN as u64)).unwrap_or(usize::MAX)
}

fn hasher(index: usize, bytes: &[u8]) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(index as u64 * CHUNK_LEN as u64);
    hasher.update(bytes);
    hasher
}

/// The left subtree holds the largest power of two of chunks that leaves something on the right.
fn split(chunks: &[[u8; 32]]) -> (&[[u8; 32]], &[[u8; 32]]) {
    chunks.split_at(chunks.len().next_power_of_two() / 2)
}

fn root(chunks: &[[u8; 32]]) -> Hash {
    match chunks {
        [] => Hash::default(),
        [only] => Hash(*only),
        _ => {
            let (left, right) = split(chunks);
            let root = hazmat::merge_subtrees_root(&merge(left), &merge(right), Mode::Hash);
            Hash(*root.as_bytes())
        }
    }
}

fn merge(chunks: &[[u8; 32]]) -> [u8; 32] {
    match chunks {
        [only] => *only,
        _ => {
            let (left, right) = split(chunks);
            hazmat::merge_subtrees_non_root(&merge(left), &merge(right), Mode::Hash)
        }
    }
}

/// Makes a manifest chunk by chunk, hashing every byte once.
#[derive(Debug, Default)]
pub(crate) struct Hashing {
    size: u64,
    /// Whether the first chunk is also the last decides how its hash is finished.
    first: Option<Box<blake3::Hasher>>,
    rest: Vec<[u8; 32]>,
}

impl Hashing {
    /// The next chunk: of [`CHUNK_LEN`] bytes unless it is the last.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        if self.first.is_none() {
            self.first = Some(Box::new(hasher(0, bytes)));
        } else {
            let index = self.rest.len() + 1;
            self.rest.push(hasher(index, bytes).finalize_non_root());
        }
    }

    /// The blob's hash and manifest; `None` of no bytes at all.
    pub(crate) fn finish(self) -> Option<(Hash, Manifest)> {
        let first = self.first?;
        let mut chunks = Vec::with_capacity(self.rest.len() + 1);
        chunks.push(match self.rest.is_empty() {
            true => *first.finalize().as_bytes(),
            false => first.finalize_non_root(),
        });
        chunks.extend(self.rest);
        let size = self.size;
        Some((root(&chunks), Manifest { size, chunks }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn content(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 31 % 251) as u8).collect()
    }

    fn made(bytes: &[u8]) -> (Hash, Manifest) {
        let mut hashing = Hashing::default();
        bytes
            .chunks(CHUNK_LEN)
            .for_each(|chunk| hashing.push(chunk));
        hashing.finish().expect("there are bytes")
    }

    #[test]
    fn chunk_hashes_lead_to_the_plain_hash_of_the_content() {
        let edges = [1, 1023, 1024, 1025].into_iter();
        let around = (1..=9).flat_map(|n| [n * CHUNK_LEN - 1, n * CHUNK_LEN, n * CHUNK_LEN + 1]);
        for len in edges.chain(around) {
            let bytes = content(len);
            let (hash, manifest) = made(&bytes);
            assert_eq!(hash.0, *blake3::hash(&bytes).as_bytes(), "{len}");
            assert_eq!(manifest.size(), len as u64);
            for (index, chunk) in bytes.chunks(CHUNK_LEN).enumerate() {
                assert!(manifest.proves(index, chunk), "{len}: {index}");
            }
            let kept = Manifest::from_bytes(hash, len as u64, &manifest.to_bytes());
            assert_eq!(kept, Some(manifest));
        }
    }

    #[test]
    fn another_chunk_another_place_or_another_length_proves_nothing() {
        let bytes = content(3 * CHUNK_LEN - 7);
        let (hash, manifest) = made(&bytes);
        let chunks: Vec<_> = bytes.chunks(CHUNK_LEN).collect();
        assert!(!manifest.proves(0, chunks[1]));
        assert!(!manifest.proves(2, &chunks[2][1..]));
        assert!(!manifest.proves(3, b""));
        let mut other = chunks[0].to_vec();
        other[77] ^= 1;
        assert!(!manifest.proves(0, &other));
        let hashes = |bytes: Vec<u8>| Manifest::from_bytes(hash, manifest.size(), &bytes);
        let mut forged = manifest.to_bytes();
        forged[40] ^= 1;
        assert_eq!(hashes(forged), None);
        assert_eq!(hashes(manifest.to_bytes()[32..].to_vec()), None);
        assert_eq!(hashes(manifest.to_bytes()[1..].to_vec()), None);
    }

    proptest! {
        #[test]
        fn no_bytes_from_a_peer_make_a_manifest_panic(
            size in any::<u64>(), bytes in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            prop_assert_eq!(Manifest::from_bytes(Hash([1; 32]), size, &bytes), None);
        }
    }
}
