//! Proving journals from their bytes alone, offline or beside a running site.
//!
//! Two passes. The first reads every bundle once, in journal order, and checks form, signature,
//! chain, payload and erasures; it notes each bundle's hash and each dependency in temporary
//! files ([`index`]). The second asks of every dependency whether the bundle it names is the one
//! that is held: who rewrote its own past and signed it anew contradicts what others signed.
//! Signatures are checked one by one, strictly, on every core; `ed25519-dalek`'s batches accept
//! signatures that a strict check refuses, and two sites could then disagree.
//!
//! Memory is one page of bundles, the institution's state and the hash of every bundle set aside
//! as a branch, however long the journals are. A word against what is held does not end it: what
//! one site says it saw proves nothing against another ([`Disputed`]).

use crate::error::{OpenError, StoreError};
use crate::lane::stem;
use against::Side;
use check::{Keys, Sound};
use index::{Index, Witnessed};
use records::bundle::Head;
use records::id::{Hash, InstitutionId, JournalId};
use records::trust::Trust;
use source::{Found, Source, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

mod against;
mod check;
mod deps;
mod export;
mod index;
mod report;
mod source;

pub use export::{ExportError, export};
pub use report::{BadBundle, BadReason, Compared, Disputed, Erased, Forked, Name, Report};

/// Why bundles could not be verified to an end.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The directory or database cannot be opened.
    #[error("the data directory cannot be opened")]
    Open(#[from] OpenError),
    /// The database cannot be read.
    #[error("the database cannot be read")]
    Store(#[from] StoreError),
    /// A file cannot be read, or the temporary index cannot be written.
    #[error("a file cannot be read or written")]
    Io(#[from] std::io::Error),
    /// Neither a data directory nor a database nor exported journals.
    #[error("this is neither a data directory, nor a database of one, nor exported journals")]
    Unknown,
    /// The exported file ends early or holds something else than bundles.
    #[error("the exported file is cut off or damaged after {0} bundle(s)")]
    CutOff(u64),
    /// The bundles are those of another institution than asked for.
    #[error("these are the journals of institution {found}, not of {expected}")]
    OtherInstitution {
        /// Whose bundles they are.
        found: InstitutionId,
        /// Whose they should be.
        expected: InstitutionId,
    },
}

impl From<sqlx::Error> for VerifyError {
    fn from(error: sqlx::Error) -> Self {
        VerifyError::Store(error.into())
    }
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bundles checked.
    pub done: u64,
    /// Bundles there are.
    pub of: u64,
}

/// What to verify against, beside the bundles themselves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anchors<'a> {
    /// The institution they must belong to; without it, whichever founded them.
    pub institution: Option<InstitutionId>,
    /// What another site holds: a directory, database or exported file.
    pub against: Option<&'a Path>,
}

/// Verifies every bundle of a data directory, a database file or exported journals: signature,
/// chain, payload, erasures, dependencies; also bundles that wait or were set aside as branches.
/// Reads one consistent state of a live directory and writes nothing there. `progress` is told
/// now and then.
///
/// # Errors
/// [`VerifyError`] when reading fails; what is wrong with a bundle is in the report.
pub async fn verify(path: &Path, progress: impl FnMut(Progress)) -> Result<Report, VerifyError> {
    verify_against(path, Anchors::default(), progress).await
}

/// [`verify`], against what is known from elsewhere.
///
/// # Errors
/// As there, and [`VerifyError::OtherInstitution`].
pub async fn verify_against(
    path: &Path,
    anchors: Anchors<'_>,
    mut progress: impl FnMut(Progress),
) -> Result<Report, VerifyError> {
    let run = run(path, anchors.institution, &mut progress).await?;
    let Run {
        mut report,
        mut index,
        trust,
        branches,
    } = run;
    let (None, Some(path)) = (&report.first_bad, anchors.against) else {
        return Ok(report);
    };
    let mut other = self::run(path, report.institution, &mut progress).await?;
    let bad = other.report.first_bad.map(Box::new);
    report.compared = Some(match bad {
        Some(bad) => Compared::Unsound(bad),
        None => {
            let here = Side {
                index: &mut index,
                branches: &branches,
            };
            let there = Side {
                index: &mut other.index,
                branches: &other.branches,
            };
            against::compare(here, there, trust.as_deref())?
        }
    });
    if let Some(Compared::Differs(bad)) = &report.compared {
        report.first_bad = Some((**bad).clone());
    }
    Ok(report)
}

/// One source verified.
struct Run {
    report: Report,
    index: Index,
    trust: Option<Arc<Trust>>,
    branches: BTreeSet<Hash>,
}

async fn run(
    path: &Path,
    institution: Option<InstitutionId>,
    progress: &mut impl FnMut(Progress),
) -> Result<Run, VerifyError> {
    let mut source = Source::open(path).await?;
    let mut pass = Pass {
        expected: institution,
        keys: Arc::default(),
        index: Index::new()?,
        previous: None,
        progress: Progress {
            done: 0,
            of: source.count().await?,
        },
        report: Report::default(),
        branches: BTreeSet::new(),
        forked: BTreeSet::new(),
        joints: Vec::new(),
        erased: BTreeMap::new(),
    };
    let mut bad = pass.journals(&mut source, progress).await?;
    if bad.is_none() {
        bad = pass.joints()?;
    }
    if bad.is_none() {
        bad = pass.aside(&mut source, progress).await?;
    }
    let Pass {
        keys,
        mut index,
        mut report,
        branches,
        forked,
        erased,
        ..
    } = pass;
    if bad.is_none() {
        let deps = deps::check(&mut index, &branches, &forked, keys.trust.as_deref())?;
        (report.disputed, bad) = (deps.disputed, deps.missing);
    }
    let erased = erased.into_iter();
    report.erased = erased
        .map(|(institution_seq, sections)| Erased {
            institution_seq,
            sections,
        })
        .collect();
    let place = |fork: &Forked| (fork.name.journal, fork.name.seq, fork.branch);
    report.forks.sort_by_key(place);
    report.first_bad = bad;
    Ok(Run {
        report,
        index,
        trust: keys.trust.clone(),
        branches,
    })
}

/// The first pass.
struct Pass {
    expected: Option<InstitutionId>,
    keys: Arc<Keys>,
    index: Index,
    previous: Option<Head>,
    progress: Progress,
    report: Report,
    branches: BTreeSet<Hash>,
    /// Journals with branches, adopted ones included.
    forked: BTreeSet<JournalId>,
    /// First bundles of branches that stand beside their journal, and what they follow.
    joints: Vec<(Head, Head)>,
    /// Sections whose content is gone, by the institution bundle that says so.
    erased: BTreeMap<u64, u64>,
}

impl Pass {
    /// Checks all journals; the institution's comes first, its site id being zero.
    async fn journals(
        &mut self,
        source: &mut Source,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Option<BadBundle>, VerifyError> {
        let mut page = source.journals().await?;
        while !page.is_empty() {
            let split = page
                .iter()
                .position(|found| found.head.journal != JournalId::INSTITUTION);
            let others = page.split_off(split.unwrap_or(page.len()));
            for found in page {
                if let Some(bad) = self.decision(&found)? {
                    return Ok(Some(bad));
                }
            }
            // The next page is read while this one is computed.
            let checking = check::all(others, self.keys.clone());
            let (checked, next) = tokio::join!(checking, source.journals());
            for (found, sound) in checked? {
                if let Some(bad) = self.take(&found, sound)? {
                    return Ok(Some(bad));
                }
            }
            progress(self.progress);
            page = next?;
        }
        Ok(None)
    }

    /// Checks a bundle of the institution journal and lets it count for all that follow.
    fn decision(&mut self, found: &Found) -> Result<Option<BadBundle>, VerifyError> {
        let sound = check::one(found, &self.keys);
        if let Ok(sound) = &sound {
            let institution = sound.header.institution;
            let expected = *self.expected.get_or_insert(institution);
            if institution != expected {
                return Err(VerifyError::OtherInstitution {
                    found: institution,
                    expected,
                });
            }
            self.report.institution = Some(institution);
        }
        let bad = self.take(found, sound)?;
        if bad.is_none()
            && let Some(bundle) = &found.bundle
        {
            Arc::make_mut(&mut self.keys).learn(bundle);
        }
        Ok(bad)
    }

    /// Notes a bundle of a journal after its place was checked.
    fn take(
        &mut self,
        found: &Found,
        sound: Result<Sound, BadReason>,
    ) -> Result<Option<BadBundle>, VerifyError> {
        let last = self.previous;
        // An exported file may name a journal twice; a database cannot.
        if last.is_some_and(|last| last.journal > found.head.journal) {
            return Ok(Some(self.bad(found, u64::MAX, BadReason::Misplaced)));
        }
        let previous = last.filter(|last| last.journal == found.head.journal);
        let expected = previous.map_or((1, Hash::default()), |head| (head.seq + 1, head.hash));
        let journal = stem(found.head.journal);
        let sound = match sound {
            // A branch leaves its journal somewhere; where is known when all is read.
            Ok(sound) if previous.is_none() && journal != found.head.journal => {
                let follows = Head {
                    journal,
                    seq: sound.header.seq.saturating_sub(1),
                    hash: sound.header.prev,
                };
                self.joints.push((found.head, follows));
                sound
            }
            Ok(sound) if (sound.header.seq, sound.header.prev) == expected => sound,
            // A missing bundle is named by its own place, not by the one that follows the gap.
            Ok(_) => return Ok(Some(self.bad(found, expected.0, BadReason::Chain))),
            Err(reason) => return Ok(Some(self.bad(found, expected.0, reason))),
        };
        match previous {
            Some(_) => drop(self.report.heads.pop()),
            None if journal == found.head.journal => self.report.journals += 1,
            None => {
                self.report.adopted += 1;
                self.forked.insert(journal);
            }
        }
        let by = Head {
            journal,
            ..found.head
        };
        self.report.heads.push(by);
        self.report.bundles += 1;
        self.progress.done += 1;
        self.previous = Some(found.head);
        for institution_seq in sound.erased {
            *self.erased.entry(institution_seq).or_default() += 1;
        }
        self.index.add(found.head)?;
        for dep in sound.header.deps {
            self.index.witness(&Witnessed {
                by,
                kept: true,
                dep,
            })?;
        }
        Ok(None)
    }

    fn bad(&self, found: &Found, expected: u64, reason: BadReason) -> BadBundle {
        BadBundle {
            name: Name::of(
                self.keys.trust.as_deref(),
                found.head.journal,
                found.head.seq.min(expected),
            ),
            reason,
        }
    }

    /// Checks that branches beside their journals leave what is held, and that the institution
    /// adopted them when it closed the journal.
    fn joints(&mut self) -> Result<Option<BadBundle>, VerifyError> {
        for (first, follows) in std::mem::take(&mut self.joints) {
            let begins = follows.seq == 0 && follows.hash == Hash::default();
            if !begins && !self.index.holds(&follows)? {
                return Ok(Some(BadBundle {
                    name: Name::of(self.keys.trust.as_deref(), first.journal, first.seq),
                    reason: BadReason::Chain,
                }));
            }
        }
        for (beside, (_, last)) in self.index.spans() {
            let journal = stem(beside);
            let closed = self.keys.trust.as_ref();
            let closed = closed
                .and_then(|trust| trust.closed(journal))
                .unwrap_or(&[]);
            let hash = self.index.hash(beside, last)?;
            let adopted = closed
                .iter()
                .any(|head| (head.seq, Some(head.hash)) == (last, hash));
            if beside != journal && !adopted {
                return Ok(Some(BadBundle {
                    name: Name::of(self.keys.trust.as_deref(), journal, last),
                    reason: BadReason::NotAdopted,
                }));
            }
        }
        Ok(None)
    }

    /// Checks what waits for a place, and the branches of forked journals.
    async fn aside(
        &mut self,
        source: &mut Source,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Option<BadBundle>, VerifyError> {
        for table in [Table::Branch, Table::Waiting] {
            source.rewind();
            loop {
                let page = source.aside(table).await?;
                if page.is_empty() {
                    break;
                }
                for (found, sound) in check::all(page, self.keys.clone()).await? {
                    if let Some(bad) = self.set_aside(&found, sound, table)? {
                        return Ok(Some(bad));
                    }
                }
                progress(self.progress);
            }
        }
        Ok(None)
    }

    fn set_aside(
        &mut self,
        found: &Found,
        sound: Result<Sound, BadReason>,
        table: Table,
    ) -> Result<Option<BadBundle>, VerifyError> {
        let sound = match sound {
            Ok(sound) => sound,
            // It waits for the very decision that says why its content is gone.
            Err(BadReason::NotAuthorised) if table == Table::Waiting => return Ok(None),
            Err(reason) => return Ok(Some(self.bad(found, u64::MAX, reason))),
        };
        self.progress.done += 1;
        match table {
            Table::Waiting => self.report.waiting += 1,
            Table::Branch => {
                self.branches.insert(found.head.hash);
                self.forked.insert(found.head.journal);
                self.report.branch(Forked {
                    name: Name::of(
                        self.keys.trust.as_deref(),
                        found.head.journal,
                        found.head.seq,
                    ),
                    branch: found.head.hash,
                    held: self.index.hash(found.head.journal, found.head.seq)?,
                });
            }
        }
        for dep in sound.header.deps {
            self.index.witness(&Witnessed {
                by: found.head,
                kept: false,
                dep,
            })?;
        }
        Ok(None)
    }
}
