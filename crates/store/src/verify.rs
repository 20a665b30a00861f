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
use against::Side;
use index::Index;
use pass::Pass;
use records::id::{Hash, InstitutionId};
use records::trust::Trust;
use source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

mod against;
mod check;
mod deps;
mod export;
mod index;
mod pass;
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
