//! Judging one bundle whose place is known and whose dependencies have been judged.
//!
//! Reads only. The verdict is a function of the bundle's bytes, its causal past, the rule set
//! that past activates, and the revocations and erasures of the institution journal as it now
//! stands. Sections of erased records are not judged at all, named or not, whatever the bundle's
//! past; why that is the same verdict everywhere is in [`records::erasure`].

use crate::erase;
use crate::error::StoreError;
use crate::institution;
use crate::lane::stem;
use crate::past::Past;
use crate::shelf;
use crate::state::State;
use crate::trial;
use crate::tx::Tx;
use automerge::Automerge;
use records::bundle::{Head, Header};
use records::erasure::{Erasures, Fate};
use records::gate::{Admitted, Rules};
use records::id::{Hash, JournalId, RecordId, ScopeId};
use records::payload::{Body, RecordChanges, Section};
use records::trust::{Standing, Trust};

/// A bundle ready to be judged.
pub(crate) struct Case {
    pub(crate) header: Header,
    /// Where it stands: its journal, or a lane of it.
    pub(crate) journal: JournalId,
    pub(crate) hash: Hash,
    pub(crate) past: Past,
    pub(crate) sections: Vec<Section>,
    /// It names a bundle of another branch of a forked journal.
    pub(crate) contradicts: bool,
    pub(crate) received_ms: i64,
}

impl Case {
    pub(crate) fn head(&self) -> Head {
        Head {
            journal: self.journal,
            seq: self.header.seq,
            hash: self.hash,
        }
    }
}

/// One accepted record section.
pub(crate) struct Accepted {
    pub(crate) section: RecordChanges,
    pub(crate) admitted: Admitted,
    /// The document it leaves, where our own writer made it.
    pub(crate) doc: Option<Automerge>,
}

/// What a bundle comes to.
pub(crate) enum Judgement {
    Records(Vec<Accepted>),
    Institution(Box<Trust>),
    Quarantine(Failed),
}

impl Judgement {
    /// Why the bundle does not count, if it does not.
    pub(crate) fn stop(&self) -> Option<Stop> {
        match self {
            Judgement::Quarantine(failed) => Some(failed.stop),
            Judgement::Records(_) | Judgement::Institution(_) => None,
        }
    }
}

/// A bundle that stays in its journal without counting.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    pub(crate) stop: Stop,
    pub(crate) record: Option<RecordId>,
    /// Every record the bundle would have changed.
    pub(crate) records: Vec<RecordId>,
}

/// Refused for good, or held until an upgrade; with a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    Refused(&'static str),
    Held(&'static str),
}

impl From<Stop> for Failed {
    fn from(stop: Stop) -> Self {
        Failed {
            stop,
            record: None,
            records: Vec::new(),
        }
    }
}

/// What a record bundle asks of the gate, once nothing stands against it as a whole.
pub(crate) struct Brief {
    pub(crate) bodies: Vec<RecordChanges>,
    pub(crate) rules: Rules,
    /// What numbers of the signer's site begin with.
    pub(crate) code: String,
}

pub(crate) async fn judge(tx: &mut Tx<'_>, case: Case) -> Result<(Case, Judgement), StoreError> {
    let brief = match case.header.journal() == JournalId::INSTITUTION {
        true => Err(decision(&tx.state, &case)),
        false => brief(&tx.state, &case),
    };
    let bodies = brief.as_ref().map_or(&[][..], |brief| &brief.bodies);
    let records = bodies.iter().map(|body| body.record).collect();
    let seats = shelf::seats(tx, &records).await?;
    let tried = trial::all(vec![(case, brief)], seats).pop();
    let (case, judgement) = tried.expect("one case was tried");
    Ok((case, judgement?))
}

fn decision(state: &State, case: &Case) -> Judgement {
    match institution::apply(&state.trust, &case.header, &case.sections) {
        Ok(trust) => Judgement::Institution(Box::new(trust)),
        Err(stop) => Judgement::Quarantine(stop.into()),
    }
}

/// What is to be judged of a record bundle, or what it has come to without.
pub(crate) fn brief(state: &State, case: &Case) -> Result<Brief, Judgement> {
    let erasures = state.trust.erasures();
    let bodies = standing(state, case).and_then(|()| bodies(erasures, &case.sections));
    let bodies = bodies.map_err(|stop| {
        Judgement::Quarantine(Failed {
            stop,
            record: None,
            // Later changes of the same records may depend on what is held here.
            records: named_records(erasures, &case.sections),
        })
    })?;
    if let Some(record) = erase::void(erasures, &case.sections) {
        let failed = Stop::Refused(erase::RECORD_ERASED).into();
        return Err(Judgement::Quarantine(Failed {
            record: Some(record),
            ..failed
        }));
    }
    let rules = state.rules_after(case.past.seq(JournalId::INSTITUTION));
    let covering = state.trust.covering(case.header.journal());
    let code = covering.map_or_else(String::new, |enrolment| enrolment.code.clone());
    Ok(Brief {
        bodies,
        rules,
        code,
    })
}

/// Whether everything held is in the bundle's past, and so whatever its writer's documents have.
/// It is, unless there was more news than one header can name.
pub(crate) fn follows_all(state: &State, case: &Case) -> bool {
    let mut tips = state.tips.iter();
    tips.all(|(journal, tip)| tip.head.seq <= case.past.seq(*journal))
}

/// What stands against the bundle as a whole.
pub(crate) fn standing(state: &State, case: &Case) -> Result<(), Stop> {
    let (header, journal) = (&case.header, case.header.journal());
    if header.scope != ScopeId::default() || header.key_id != 0 {
        return Err(Stop::Held("sealed"));
    }
    if case.contradicts {
        return Err(Stop::Held("dep_on_branch"));
    }
    match state.trust.standing(journal, header.seq, case.hash) {
        Standing::Valid => Ok(()),
        // Beyond the cut it counts only if an unrevoked site depends on it.
        Standing::BeyondCut if header.seq <= vouched(state, case.journal) => Ok(()),
        Standing::BeyondCut => Err(Stop::Held("beyond_cut")),
        Standing::Unknown => Err(Stop::Refused("unknown_signer")),
    }
}

/// How far unrevoked journals have a revoked one, or a lane of it, in their past.
pub(crate) fn vouched(state: &State, revoked: JournalId) -> u64 {
    let tips = state.tips.iter();
    let unrevoked = tips.filter(|(journal, _)| state.trust.cut(stem(**journal)).is_none());
    let seqs = unrevoked.map(|(_, tip)| tip.past.seq(revoked));
    seqs.max().unwrap_or(0)
}

/// The record sections that count. Those of erased records do not, at any site
/// ([`records::erasure`]).
fn bodies(erasures: &Erasures, sections: &[Section]) -> Result<Vec<RecordChanges>, Stop> {
    let mut bodies = Vec::with_capacity(sections.len());
    for section in sections {
        match (erasures.fate(section), section) {
            (Fate::Erased(_) | Fate::Named(_) | Fate::Void, _) => {}
            // Admission lets none in; a row altered behind our back may hold one.
            (Fate::Unauthorised, _) | (_, Section::Erased(_)) => return Err(Stop::Held("erased")),
            (Fate::Live, Section::Present { body, .. }) => match Body::decode(body) {
                Ok(Body::Record(section)) => bodies.push(section),
                Ok(Body::Institution(_)) => return Err(Stop::Refused("not_the_institution")),
                Ok(Body::Unknown(_)) => return Err(Stop::Held("unknown_section")),
                Err(_) => return Err(Stop::Refused("malformed_section")),
            },
        }
    }
    Ok(bodies)
}

fn named_records(erasures: &Erasures, sections: &[Section]) -> Vec<RecordId> {
    let live = |section: &&Section| erasures.fate(section) == Fate::Live;
    let bodies = sections
        .iter()
        .filter(live)
        .filter_map(|section| match section {
            Section::Present { body, .. } => Body::decode(body).ok(),
            Section::Erased(_) => None,
        });
    let records = bodies.filter_map(|body| match body {
        Body::Record(section) => Some(section.record),
        _ => None,
    });
    records.collect()
}
