//! Judging one bundle whose place is known and whose dependencies have been judged.
//!
//! Reads only. The verdict is a function of the bundle's bytes, its causal past, the rule set
//! that past activates, and the revocations and erasures of the institution journal as it now
//! stands. Sections of erased records are not judged at all, named or not, whatever the bundle's
//! past; why that is the same verdict everywhere is in [`records::erasure`].

use crate::doc::SNAPSHOT;
use crate::erase;
use crate::error::StoreError;
use crate::institution;
use crate::meta::{journal_of, uint};
use crate::past::Past;
use crate::shelf;
use crate::state::State;
use crate::tx::Tx;
use automerge::Automerge;
use records::bundle::Header;
use records::erasure::{Erasures, Fate};
use records::gate::{Admitted, Hold, MAX_WORK, Refusal, Rules, Verdict, judge_in_past, judge_made};
use records::id::{Hash, JournalId, RecordId, ScopeId};
use records::payload::{Body, RecordChanges, Section};
use records::prescan::prescan;
use records::trust::{Standing, Trust};
use sqlx::Row as _;
use std::collections::BTreeMap;

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

/// Snapshots as an earlier section of the same bundle left them.
type Bases = BTreeMap<RecordId, Vec<u8>>;

/// One accepted record section.
pub(crate) struct Accepted {
    pub(crate) section: RecordChanges,
    pub(crate) admitted: Admitted,
    /// The document it leaves, where our own writer made it.
    pub(crate) doc: Option<Automerge>,
}

/// A record section that our own writer has just made.
pub(crate) struct Made {
    /// The document before each change.
    pub(crate) steps: Vec<Automerge>,
    pub(crate) doc: Automerge,
    pub(crate) section: RecordChanges,
}

/// What a bundle comes to.
pub(crate) enum Judgement {
    Records(Vec<Accepted>),
    Institution(Box<Trust>),
    Quarantine(Failed),
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

pub(crate) async fn judge(tx: &mut Tx<'_>, case: &Case) -> Result<Judgement, StoreError> {
    let state = &tx.state;
    if case.header.journal() == JournalId::INSTITUTION {
        let applied = institution::apply(&state.trust, &case.header, &case.sections);
        return Ok(match applied {
            Ok(trust) => Judgement::Institution(Box::new(trust)),
            Err(stop) => Judgement::Quarantine(stop.into()),
        });
    }
    let erasures = state.trust.erasures();
    let bodies = standing(state, case).and_then(|()| bodies(erasures, &case.sections));
    let bodies = match bodies {
        Ok(bodies) => bodies,
        Err(stop) => {
            // Later changes of the same records may depend on what is held here.
            let records = named_records(erasures, &case.sections);
            return Ok(Judgement::Quarantine(Failed {
                stop,
                record: None,
                records,
            }));
        }
    };
    let mut court = Court {
        case,
        rules: state.rules_after(case.past.seq(JournalId::INSTITUTION)),
        bases: Bases::new(),
        fresh: Vec::new(),
        work: 0,
    };
    if let Some(record) = erase::void(erasures, &case.sections) {
        let failed = Stop::Refused(erase::RECORD_ERASED).into();
        return Ok(Judgement::Quarantine(Failed {
            record: Some(record),
            ..failed
        }));
    }
    let records: Vec<_> = bodies.iter().map(|section| section.record).collect();
    shelf::fetch_changes(tx, &records.iter().copied().collect()).await?;
    let mut accepted = Vec::with_capacity(bodies.len());
    for section in bodies {
        let record = section.record;
        match court.section(tx, &section).await? {
            Ok(admitted) => accepted.push(Accepted {
                section,
                admitted,
                doc: None,
            }),
            Err(stop) => {
                return Ok(Judgement::Quarantine(Failed {
                    stop,
                    record: Some(record),
                    records,
                }));
            }
        }
    }
    Ok(Judgement::Records(accepted))
}

/// Whether everything held is in the bundle's past, and so whatever its writer's documents have.
/// It is, unless there was more news than one header can name.
pub(crate) fn follows_all(state: &State, case: &Case) -> bool {
    let mut tips = state.tips.iter();
    tips.all(|(journal, tip)| tip.head.seq <= case.past.seq(*journal))
}

/// Judges our own new bundle before it is signed for good: the same rules, on the documents that
/// our writer holds already.
pub(crate) fn judge_own(tx: &Tx<'_>, case: &Case, made: Vec<Made>) -> Judgement {
    if let Err(stop) = standing(&tx.state, case) {
        return Judgement::Quarantine(stop.into());
    }
    let signer = case.header.journal();
    let rules = tx.state.rules_after(case.past.seq(JournalId::INSTITUTION));
    let mut accepted = Vec::with_capacity(made.len());
    let mut work = 0;
    for Made {
        steps,
        doc,
        section,
    } in made
    {
        match judge_made(&steps, &doc, &section, signer, rules) {
            Verdict::Accepted(admitted) => {
                work += admitted.work;
                if work > MAX_WORK {
                    return Judgement::Quarantine(Stop::Refused(Refusal::Work.code()).into());
                }
                accepted.push(Accepted {
                    section,
                    admitted: *admitted,
                    doc: Some(doc),
                });
            }
            Verdict::Refused(refusal) => {
                return Judgement::Quarantine(Stop::Refused(refusal.code()).into());
            }
            Verdict::Held(hold) => return Judgement::Quarantine(Stop::Held(hold.code()).into()),
        }
    }
    Judgement::Records(accepted)
}

/// What stands against the bundle as a whole.
fn standing(state: &State, case: &Case) -> Result<(), Stop> {
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
        Standing::BeyondCut if header.seq <= vouched(state, journal) => Ok(()),
        Standing::BeyondCut => Err(Stop::Held("beyond_cut")),
        Standing::Unknown => Err(Stop::Refused("unknown_signer")),
    }
}

/// How far unrevoked journals have a revoked one in their past.
pub(crate) fn vouched(state: &State, revoked: JournalId) -> u64 {
    let tips = state.tips.iter();
    let unrevoked = tips.filter(|(journal, _)| state.trust.cut(**journal).is_none());
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

struct Court<'a> {
    case: &'a Case,
    rules: Rules,
    bases: Bases,
    /// Changes of this bundle's earlier sections.
    fresh: Vec<Hash>,
    /// What the sections so far have cost the gate.
    work: u64,
}

impl Court<'_> {
    async fn section(
        &mut self,
        tx: &mut Tx<'_>,
        section: &RecordChanges,
    ) -> Result<Result<Admitted, Stop>, StoreError> {
        let record = section.record;
        let (past, all_known) = self.deps(tx, section);
        if !all_known && self.follows_held(tx, record).await? {
            return Ok(Err(Stop::Held("after_held")));
        }
        let base = match self.bases.get(&record) {
            Some(bytes) => Some(bytes.as_slice()),
            None => shelf::kept(tx, record)
                .await?
                .map(|kept| kept.bytes.as_slice()),
        };
        let signer = self.case.header.journal();
        let verdict = judge_in_past(base, section, signer, self.rules, &|dep| past.contains(dep));
        match verdict {
            Verdict::Accepted(admitted) => {
                self.work += admitted.work;
                if self.work > MAX_WORK {
                    return Ok(Err(match self.rules.are_known() {
                        true => Stop::Refused(Refusal::Work.code()),
                        false => Stop::Held(Hold::Rules.code()),
                    }));
                }
                let changes = admitted.changes.iter().map(|change| Hash(change.hash));
                self.fresh.extend(changes);
                self.bases.insert(record, admitted.snapshot.clone());
                Ok(Ok(*admitted))
            }
            Verdict::Refused(refusal) => Ok(Err(Stop::Refused(refusal.code()))),
            // Our own cache is at fault, not the bundle.
            Verdict::Held(Hold::Snapshot) => Err(StoreError::Damaged(SNAPSHOT)),
            Verdict::Held(hold) => Ok(Err(Stop::Held(hold.code()))),
        }
    }

    /// The section's outside dependencies that are in the bundle's causal past, and whether
    /// every one has passed the gate here.
    fn deps(&self, tx: &Tx<'_>, section: &RecordChanges) -> (Vec<Hash>, bool) {
        let scans = section.changes.iter().map(|change| prescan(change));
        // What does not scan is for the gate to refuse.
        let scans: Vec<_> = scans.filter_map(Result::ok).collect();
        let kept = tx.shelf.get(&section.record).and_then(Option::as_ref);
        let known = kept.and_then(|kept| kept.changes.as_ref());
        let mut past = self.fresh.clone();
        let mut all_known = true;
        for dep in scans.iter().flat_map(|scan| &scan.deps) {
            if past.contains(dep) || scans.iter().any(|scan| scan.hash == *dep) {
                continue;
            }
            match known.and_then(|known| known.get(dep)) {
                Some((journal, seq)) if *seq <= self.case.past.seq(*journal) => past.push(*dep),
                Some(_) => {}
                None => all_known = false,
            }
        }
        (past, all_known)
    }

    /// Whether a held bundle in the causal past would have changed this record.
    async fn follows_held(&self, tx: &mut Tx<'_>, record: RecordId) -> Result<bool, StoreError> {
        let rows = sqlx::query("select site, incarnation, seq from held_record where record = $1")
            .bind(record.0.to_vec())
            .fetch_all(tx.raw())
            .await?;
        for row in rows {
            if uint(row.try_get("seq")?)? <= self.case.past.seq(journal_of(&row)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
