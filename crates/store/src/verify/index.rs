//! Which bundle stands where, and who signed that it saw which: too much for memory, so in
//! temporary files without a name.

use records::bundle::Head;
use records::id::{Hash, JournalId};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;

const HASH_LEN: u64 = 32;

/// One dependency of a bundle.
#[derive(Debug, Clone, Copy, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub(super) struct Witnessed {
    /// The bundle that names it.
    #[n(0)]
    pub(super) by: Head,
    /// Whether that one is in a journal: what it depends on must be here then.
    #[n(1)]
    pub(super) kept: bool,
    /// What it names.
    #[n(2)]
    pub(super) dep: Head,
}

/// The hashes of all journals, and all dependencies.
#[derive(Debug)]
pub(super) struct Index {
    hashes: BufWriter<File>,
    witnessed: BufWriter<File>,
    /// First hash and how many, by journal.
    journals: BTreeMap<JournalId, (u64, u64)>,
    count: u64,
}

impl Index {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            hashes: BufWriter::new(tempfile::tempfile()?),
            witnessed: BufWriter::new(tempfile::tempfile()?),
            journals: BTreeMap::new(),
            count: 0,
        })
    }

    /// Adds the next bundle of a journal; journals come one after the other, without gaps.
    pub(super) fn add(&mut self, head: Head) -> io::Result<()> {
        let journal = self.journals.entry(head.journal);
        journal.or_insert((self.count, 0)).1 += 1;
        self.count += 1;
        self.hashes.write_all(&head.hash.0)
    }

    /// Notes a dependency.
    pub(super) fn witness(&mut self, witnessed: &Witnessed) -> io::Result<()> {
        let bytes = minicbor::to_vec(witnessed).expect("encoding into a Vec cannot fail");
        let len = u16::try_from(bytes.len()).expect("two heads are small");
        self.witnessed.write_all(&len.to_be_bytes())?;
        self.witnessed.write_all(&bytes)
    }

    /// How many bundles each journal has.
    pub(super) fn lengths(&self) -> impl Iterator<Item = (JournalId, u64)> {
        self.journals
            .iter()
            .map(|(journal, (_, len))| (*journal, *len))
    }

    /// The bundle at a place, if one is held there.
    pub(super) fn hash(&mut self, journal: JournalId, seq: u64) -> io::Result<Option<Hash>> {
        self.hashes.flush()?;
        self.read(journal, seq)
    }

    /// [`Index::hash`] once everything was added.
    fn read(&self, journal: JournalId, seq: u64) -> io::Result<Option<Hash>> {
        let Some((first, len)) = self.journals.get(&journal) else {
            return Ok(None);
        };
        if seq == 0 || seq > *len {
            return Ok(None);
        }
        let mut hash = [0; 32];
        let offset = (first + seq - 1) * HASH_LEN;
        self.hashes.get_ref().read_exact_at(&mut hash, offset)?;
        Ok(Some(Hash(hash)))
    }

    /// Tells every dependency and the bundle that is held at its place.
    pub(super) fn for_each(
        &mut self,
        mut tell: impl FnMut(Witnessed, Option<Hash>),
    ) -> io::Result<()> {
        self.hashes.flush()?;
        self.witnessed.flush()?;
        let mut file = self.witnessed.get_ref().try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let mut file = BufReader::new(file);
        loop {
            let mut len = [0; 2];
            match file.read_exact(&mut len) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                read => read?,
            }
            let mut bytes = vec![0; usize::from(u16::from_be_bytes(len))];
            file.read_exact(&mut bytes)?;
            let witnessed: Witnessed = minicbor::decode(&bytes).map_err(io::Error::other)?;
            let held = self.read(witnessed.dep.journal, witnessed.dep.seq)?;
            tell(witnessed, held);
        }
    }
}
