//! What a verification comes to, in words that say what to do.

use crate::lane::stem;
use records::bundle::Head;
use records::id::{Hash, InstitutionId, JournalId};
use records::trust::Trust;
use std::fmt;

/// Forks that are listed; the rest is counted.
const MAX_FORKS: usize = 100;

/// A bundle as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Its journal.
    pub journal: JournalId,
    /// Code of the journal's site; "institution" for the institution journal.
    pub code: String,
    /// Its place.
    pub seq: u64,
}

impl Name {
    pub(super) fn of(trust: Option<&Trust>, journal: JournalId, seq: u64) -> Self {
        let journal = stem(journal);
        let enrolment = trust.and_then(|trust| trust.enrolment(journal.site));
        let code = match (journal == JournalId::INSTITUTION, enrolment) {
            (true, _) => "institution".to_owned(),
            (false, Some(enrolment)) => enrolment.code.clone(),
            // Without a founding nobody can be called by a code.
            (false, None) => journal.site.to_string(),
        };
        Self { journal, code, seq }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, incarnation) = (&self.code, self.journal.incarnation);
        write!(f, "{code} incarnation {incarnation} seq {}", self.seq)
    }
}

/// What is wrong with a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadReason {
    /// The header bytes are no header of this version.
    Header,
    /// The header names another place, journal or institution than where it is stored.
    Misplaced,
    /// No enrolled key may sign this journal.
    UnknownSigner,
    /// The signature does not hold.
    Signature,
    /// A bundle before it is missing, or it names another predecessor.
    Chain,
    /// It belongs to a branch beside its journal that the institution never adopted.
    NotAdopted,
    /// The payload is not the one the header names.
    Payload,
    /// Content is gone, and no decision of the institution says so.
    NotAuthorised,
    /// A decision of the institution says that content should be gone, and it is not.
    NotErased(u64),
    /// It depends on a bundle that is not here.
    Dependency(Box<Name>),
    /// The site this is compared with holds another bundle at this place, which is the first
    /// that differs.
    Differs {
        /// What stands here.
        held: Hash,
        /// What stands there.
        there: Hash,
    },
}

impl BadReason {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            BadReason::Header => "header",
            BadReason::Misplaced => "misplaced",
            BadReason::UnknownSigner => "unknown_signer",
            BadReason::Signature => "signature",
            BadReason::Chain => "chain",
            BadReason::NotAdopted => "not_adopted",
            BadReason::Payload => "payload",
            BadReason::NotAuthorised => "erased_without_authority",
            BadReason::NotErased(_) => "not_erased",
            BadReason::Dependency(_) => "dependency",
            BadReason::Differs { .. } => "differs",
        }
    }
}

const DAMAGE: &str = "the row was damaged or changed by hand. Keep this directory as evidence; \
    another site still has the bundle";

impl fmt::Display for BadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadReason::Header => write!(f, "its header cannot be read: {DAMAGE}"),
            BadReason::Misplaced => write!(f, "it is stored at a place it does not name: {DAMAGE}"),
            BadReason::UnknownSigner => f.write_str(
                "no key that the institution enrolled may sign this journal: it was brought in \
                 from elsewhere, or the institution journal here is cut short",
            ),
            BadReason::Signature => write!(f, "its signature does not hold: {DAMAGE}"),
            BadReason::Chain => f.write_str(
                "it is missing, or what follows it names another predecessor: somebody took a \
                 bundle out or put one in. Keep this directory as evidence; fetch the journal from \
                 another site",
            ),
            BadReason::NotAdopted => f.write_str(
                "it ends a second chain beside its journal, and no decision of the institution \
                 adopted that: somebody put it in, or signed this site's past twice",
            ),
            BadReason::Payload => {
                write!(f, "its content is not the one its header signed: {DAMAGE}")
            }
            BadReason::NotAuthorised => f.write_str(
                "content was dropped and no decision of the institution says so: another site \
                 still has it",
            ),
            BadReason::NotErased(seq) => write!(
                f,
                "institution seq {seq} erased content that is still here: run `dutyroom doctor \
                 --rebuild` on this directory"
            ),
            BadReason::Dependency(dep) => {
                write!(
                    f,
                    "it depends on {dep}, which is not here: that journal was cut short"
                )
            }
            BadReason::Differs { held, there } => write!(
                f,
                "it is {held} here and {there} there, and everything before is equal. Both are \
                 signed with this site's key, so one of the two was rewritten: see which of them \
                 third sites depend on"
            ),
        }
    }
}

/// The first bundle that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadBundle {
    /// Which one.
    pub name: Name,
    /// What is wrong.
    pub reason: BadReason,
}

impl fmt::Display for BadBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

/// A bundle that says it saw another bundle at some place than the one held there. Either the
/// past of the journal it speaks of was rewritten, or it lies: a second signed bundle at the
/// place tells, one word against another does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disputed {
    /// The bundle that says so: the first of its journal that does of that journal.
    pub witness: Name,
    /// Where it saw another.
    pub place: Name,
    /// What it saw there.
    pub saw: Hash,
    /// What stands there; `None` where nothing can stand, or nothing does in a forked journal.
    pub held: Option<Hash>,
    /// The last place before it that somebody signed and that still holds; 0 if none.
    pub agreed: u64,
}

impl fmt::Display for Disputed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            witness,
            place,
            saw,
            held,
            agreed,
        } = self;
        if held.is_none() && place.seq > 0 && witness.journal != place.journal {
            return write!(
                f,
                "{witness} signed that it saw {saw} at {place}, which is not here. That journal \
                 has forked: the end with this bundle was on a disk that has not been linked since"
            );
        }
        let Some(held) = held.filter(|_| witness.journal != place.journal) else {
            return write!(
                f,
                "{witness} signed that it depends on {place}, which no bundle can: whoever wrote \
                 it does not follow the rules"
            );
        };
        write!(
            f,
            "{witness} signed that it saw {saw} at {place}, but {held} is held there. Either \
             {witness} lies, or the journal of {place} was rewritten after seq {agreed} with its \
             own key: ask a third site with --against"
        )
    }
}

/// Two signed bundles for one place of a journal, both kept as proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forked {
    /// The place.
    pub name: Name,
    /// The bundle set aside.
    pub branch: Hash,
    /// The one in the journal; `None` if the journal does not reach so far.
    pub held: Option<Hash>,
}

/// Sections whose content is gone by one decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// The decision's place in the institution journal.
    pub institution_seq: u64,
    /// How many sections it took, as far as they are here.
    pub sections: u64,
}

/// How another site's bundles compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// Equal as far as both hold them.
    Agrees {
        /// Bundles that both hold.
        common: u64,
        /// Bundles held only here.
        only_here: u64,
        /// Bundles held only there.
        only_there: u64,
    },
    /// The first bundle that differs.
    Differs(Box<BadBundle>),
    /// The other site's bundles do not hold by themselves.
    Unsound(Box<BadBundle>),
}

/// What was verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The trust anchor: hash of the root key that signed the institution journal.
    pub institution: Option<InstitutionId>,
    /// Bundles in journals that hold.
    pub bundles: u64,
    /// Journals looked at.
    pub journals: u64,
    /// The last bundle that holds of each journal. Two sites with equal heads hold equal bytes.
    pub heads: Vec<Head>,
    /// Branches of closed journals that count beside them.
    pub adopted: u64,
    /// Signed bundles that wait for one before them.
    pub waiting: u64,
    /// Signed bundles kept as proof of forks.
    pub branches: u64,
    /// The first of them.
    pub forks: Vec<Forked>,
    /// Content that is gone by authority of the institution.
    pub erased: Vec<Erased>,
    /// What came of comparing with another site.
    pub compared: Option<Compared>,
    /// Words that stand against what is held, the first of each witness about each journal;
    /// at most 100.
    pub disputed: Vec<Disputed>,
    /// The first bundle that does not hold; nothing after it was looked at.
    pub first_bad: Option<BadBundle>,
}

impl Report {
    pub(super) fn branch(&mut self, fork: Forked) {
        self.branches += 1;
        if self.forks.len() < MAX_FORKS {
            self.forks.push(fork);
        }
    }

    /// Whether everything holds, here and there, and nobody's word stands against it.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.first_bad.is_none()
            && self.disputed.is_empty()
            && !matches!(self.compared, Some(Compared::Unsound(_)))
    }
}
