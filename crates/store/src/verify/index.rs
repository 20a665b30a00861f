//! Which bundle stands where, and who signed that it saw which: too much for memory, so in
//! temporary files without a name.

use crate::lane::{LAST_INCARNATION, stem};
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

/// A chain of bundles as it stands in the file of hashes.
#[derive(Debug, Clone, Copy)]
struct Run {
    offset: u64,
    first: u64,
    len: u64,
}

/// The hashes of all journals, and all dependencies.
#[derive(Debug)]
pub(super) struct Index {
    hashes: BufWriter<File>,
    witnessed: BufWriter<File>,
    /// Journals, and the branches of closed ones that stand beside them.
    runs: BTreeMap<JournalId, Run>,
    count: u64,
}

impl Index {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            hashes: BufWriter::new(tempfile::tempfile()?),
            witnessed: BufWriter::new(tempfile::tempfile()?),
            runs: BTreeMap::new(),
            count: 0,
        })
    }

    /// Adds the next bundle of a chain; chains come one after the other, without gaps.
    pub(super) fn add(&mut self, head: Head) -> io::Result<()> {
        let run = self.runs.entry(head.journal).or_insert(Run {
            offset: self.count,
            first: head.seq,
            len: 0,
        });
        run.len += 1;
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

    /// The first and the last place of each chain.
    pub(super) fn spans(&self) -> BTreeMap<JournalId, (u64, u64)> {
        let span = |run: &Run| (run.first, run.first + run.len - 1);
        let runs = self.runs.iter();
        runs.map(|(journal, run)| (*journal, span(run))).collect()
    }

    /// The bundle at a place, if one is held there.
    pub(super) fn hash(&mut self, journal: JournalId, seq: u64) -> io::Result<Option<Hash>> {
        self.hashes.flush()?;
        self.read(journal, seq)
    }

    /// Whether this very bundle is held, in its journal or in a branch of it.
    pub(super) fn holds(&mut self, head: &Head) -> io::Result<bool> {
        self.hashes.flush()?;
        self.is_held(head)
    }

    /// [`Index::hash`] once everything was added.
    fn read(&self, journal: JournalId, seq: u64) -> io::Result<Option<Hash>> {
        let Some(run) = self.runs.get(&journal) else {
            return Ok(None);
        };
        if seq < run.first || seq - run.first >= run.len {
            return Ok(None);
        }
        let mut hash = [0; 32];
        let offset = (run.offset + seq - run.first) * HASH_LEN;
        self.hashes.get_ref().read_exact_at(&mut hash, offset)?;
        Ok(Some(Hash(hash)))
    }

    fn is_held(&self, head: &Head) -> io::Result<bool> {
        if self.read(head.journal, head.seq)? == Some(head.hash) {
            return Ok(true);
        }
        let site = head.journal.site;
        let all = |incarnation| JournalId { site, incarnation };
        let beside = self.runs.range(all(LAST_INCARNATION + 1)..=all(u32::MAX));
        for (journal, _) in beside.filter(|(beside, _)| stem(**beside) == head.journal) {
            if self.read(*journal, head.seq)? == Some(head.hash) {
                return Ok(true);
            }
        }
        Ok(false)
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
            let held = match self.is_held(&witnessed.dep)? {
                true => Some(witnessed.dep.hash),
                false => self.read(witnessed.dep.journal, witnessed.dep.seq)?,
            };
            tell(witnessed, held);
        }
    }
}
