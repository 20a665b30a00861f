//! Trying bundles on the records they change, many at a time.
//!
//! Pure: what a verdict needs of the database is in the seats. Bundles that have a record in
//! common are tried one after the other, each on what the one before left; others on other cores.

use crate::cores::{MIN_SPREAD, spread};
use crate::doc::SNAPSHOT;
use crate::error::StoreError;
use crate::judge::{Accepted, Brief, Case, Failed, Judgement, Stop};
use automerge::Automerge;
use records::gate::{Admitted, Hold, MAX_WORK, Refusal, Rules, Verdict, judge_next};
use records::id::{Hash, JournalId, RecordId, SiteId};
use records::kinds;
use records::number::Series;
use records::payload::RecordChanges;
use records::prescan::prescan;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A record as a trial finds and leaves it.
#[derive(Default)]
pub(crate) struct Seat {
    /// Its snapshot; `None` for a record that is not here.
    pub(crate) bytes: Option<Arc<Vec<u8>>>,
    /// Its changes and the bundle each came in.
    pub(crate) changes: BTreeMap<Hash, (JournalId, u64)>,
    /// Held bundles that would have changed it.
    pub(crate) held: Vec<(JournalId, u64)>,
    /// The document of `bytes`, where one was left.
    copy: Option<Automerge>,
}

pub(crate) type Seats = HashMap<RecordId, Seat>;

/// A case and what is asked of the gate, or what it has come to without.
pub(crate) type Charge = (Case, Result<Brief, Judgement>);

/// A tried case.
pub(crate) type Tried = (Case, Result<Judgement, StoreError>);

/// Tries every case, each after those before it that change one of its records.
pub(crate) fn all(charges: Vec<Charge>, mut seats: Seats) -> Vec<Tried> {
    let groups = groups(&charges);
    let mut parts: BTreeMap<usize, (Vec<(usize, Charge)>, Seats)> = BTreeMap::new();
    for (index, charge) in charges.into_iter().enumerate() {
        let (cases, own) = parts.entry(groups[index]).or_default();
        for record in named(&charge.1) {
            if let Some(seat) = seats.remove(record) {
                own.insert(*record, seat);
            }
        }
        cases.push((index, charge));
    }
    let several = groups.len() >= MIN_SPREAD;
    let parts = parts.into_values().collect();
    let tried: Vec<_> = match several {
        true => spread(parts, part),
        false => parts.into_iter().map(part).collect(),
    };
    let mut tried: Vec<(usize, Tried)> = tried.into_iter().flatten().collect();
    tried.sort_by_key(|(index, _)| *index);
    tried.into_iter().map(|(_, tried)| tried).collect()
}

fn part((cases, mut seats): (Vec<(usize, Charge)>, Seats)) -> Vec<(usize, Tried)> {
    let cases = cases.into_iter();
    let tried = cases.map(|(index, (case, brief))| {
        let judgement = one(&case, brief, &mut seats);
        (index, (case, judgement))
    });
    tried.collect()
}

/// The records a case may change or hold.
fn named(brief: &Result<Brief, Judgement>) -> Vec<&RecordId> {
    match brief {
        Ok(brief) => brief.bodies.iter().map(|body| &body.record).collect(),
        Err(Judgement::Quarantine(failed)) => failed.records.iter().collect(),
        Err(_) => Vec::new(),
    }
}

/// For each case the first one that it hangs together with.
fn groups(charges: &[Charge]) -> Vec<usize> {
    fn root(of: &[usize], mut at: usize) -> usize {
        while of[at] != at {
            at = of[at];
        }
        at
    }
    let mut of: Vec<usize> = (0..charges.len()).collect();
    let mut first: HashMap<RecordId, usize> = HashMap::new();
    for (index, (_, brief)) in charges.iter().enumerate() {
        for record in named(brief) {
            let other = *first.entry(*record).or_insert(index);
            let (a, b) = (root(&of, index), root(&of, other));
            of[a.max(b)] = a.min(b);
        }
    }
    (0..charges.len()).map(|at| root(&of, at)).collect()
}

fn one(
    case: &Case,
    brief: Result<Brief, Judgement>,
    seats: &mut Seats,
) -> Result<Judgement, StoreError> {
    let judgement = match brief {
        Ok(brief) => try_sections(case, brief, seats)?,
        Err(judgement) => judgement,
    };
    if let Judgement::Quarantine(failed) = &judgement
        && matches!(failed.stop, Stop::Held(_))
        && case.journal.site != SiteId::INSTITUTION
    {
        for record in &failed.records {
            let seat = seats.entry(*record).or_default();
            seat.held.push((case.journal, case.header.seq));
        }
    }
    Ok(judgement)
}

fn try_sections(case: &Case, brief: Brief, seats: &mut Seats) -> Result<Judgement, StoreError> {
    let records: Vec<RecordId> = brief.bodies.iter().map(|body| body.record).collect();
    let mut trial = Trial {
        case,
        seats,
        left: BTreeMap::new(),
        fresh: Vec::new(),
        work: 0,
    };
    let mut accepted = Vec::with_capacity(brief.bodies.len());
    for section in brief.bodies {
        match trial.section(&section, brief.rules, &brief.code)? {
            Ok(admitted) => accepted.push(Accepted {
                section,
                admitted,
                doc: None,
            }),
            Err(stop) => {
                return Ok(Judgement::Quarantine(Failed {
                    stop,
                    record: Some(section.record),
                    records,
                }));
            }
        }
    }
    trial.keep(&accepted);
    Ok(Judgement::Records(accepted))
}

/// What a section depends on.
struct Deps {
    /// Outside dependencies that are in the bundle's causal past.
    past: Vec<Hash>,
    /// Every one has passed the gate here.
    all_known: bool,
    /// It creates the record.
    creates: bool,
}

/// One bundle's trial; what it leaves counts only once all its sections have passed.
struct Trial<'a> {
    case: &'a Case,
    seats: &'a mut Seats,
    /// Records as earlier sections of the bundle left them.
    left: BTreeMap<RecordId, (Arc<Vec<u8>>, Option<Automerge>)>,
    /// Changes of earlier sections.
    fresh: Vec<Hash>,
    /// What the sections so far have cost the gate.
    work: u64,
}

impl Trial<'_> {
    fn section(
        &mut self,
        section: &RecordChanges,
        rules: Rules,
        code: &str,
    ) -> Result<Result<Admitted, Stop>, StoreError> {
        let record = section.record;
        let Deps {
            mut past,
            all_known,
            creates,
        } = self.deps(section);
        let seat = self.seats.entry(record).or_default();
        let itself = (self.case.journal, self.case.header.seq);
        let held = |at: &(JournalId, u64)| *at != itself && at.1 <= self.case.past.seq(at.0);
        if (creates || !all_known) && seat.held.iter().any(held) {
            return Ok(Err(Stop::Held("after_held")));
        }
        if creates {
            let seen = seat.changes.iter();
            let seen = seen.filter(|(_, (journal, seq))| *seq <= self.case.past.seq(*journal));
            past.extend(seen.map(|(change, _)| *change));
        }
        let (base, mut copy) = match self.left.remove(&record) {
            Some((bytes, copy)) => (Some(bytes), copy),
            None => (seat.bytes.clone(), seat.copy.take()),
        };
        let base = base.as_deref().map(Vec::as_slice);
        let signer = self.case.header.journal();
        let in_past = |dep: &Hash| past.contains(dep);
        let verdict = judge_next(base, &mut copy, section, signer, rules, &in_past);
        match verdict {
            Verdict::Accepted(admitted) => {
                self.work += admitted.work;
                if self.work > MAX_WORK {
                    return Ok(Err(refused(rules, &Refusal::Work)));
                }
                if !may_number(code, signer, &section.kind, admitted.given.as_deref()) {
                    return Ok(Err(refused(rules, &Refusal::ForeignNumber)));
                }
                let changes = admitted.changes.iter().map(|change| Hash(change.hash));
                self.fresh.extend(changes);
                let bytes = Arc::new(admitted.snapshot.clone());
                self.left.insert(record, (bytes, copy));
                Ok(Ok(*admitted))
            }
            Verdict::Refused(refusal) => Ok(Err(Stop::Refused(refusal.code()))),
            // Our own cache is at fault, not the bundle.
            Verdict::Held(Hold::Snapshot) => Err(StoreError::Damaged(SNAPSHOT)),
            Verdict::Held(hold) => Ok(Err(Stop::Held(hold.code()))),
        }
    }

    fn deps(&self, section: &RecordChanges) -> Deps {
        let scans = section.changes.iter().map(|change| prescan(change));
        // What does not scan is for the gate to refuse.
        let scans: Vec<_> = scans.filter_map(Result::ok).collect();
        let known = self.seats.get(&section.record).map(|seat| &seat.changes);
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
        Deps {
            past,
            all_known,
            creates: scans.iter().any(|scan| scan.deps.is_empty()),
        }
    }

    /// The next bundle finds the records as this one left them.
    fn keep(self, accepted: &[Accepted]) {
        let place = (self.case.journal, self.case.header.seq);
        for Accepted {
            section, admitted, ..
        } in accepted
        {
            let seat = self.seats.entry(section.record).or_default();
            for change in &admitted.changes {
                seat.changes.entry(Hash(change.hash)).or_insert(place);
            }
        }
        for (record, (bytes, copy)) in self.left {
            let seat = self.seats.entry(record).or_default();
            (seat.bytes, seat.copy) = (Some(bytes), copy);
        }
    }
}

/// Unknown rules might allow it.
fn refused(rules: Rules, refusal: &Refusal) -> Stop {
    match rules.are_known() {
        true => Stop::Refused(refusal.code()),
        false => Stop::Held(Hold::Rules.code()),
    }
}

/// Whether the number given to a record of `kind` is one of the signer's own series. `code` is
/// that of the enrolment which covers the signer's journal, so a site that is later enrolled under
/// another code keeps its old numbers, and every site says the same.
fn may_number(code: &str, signer: JournalId, kind: &str, given: Option<&str>) -> bool {
    given.is_none_or(|number| {
        let prefix = kinds::table(kind).and_then(|table| table.number_prefix);
        let series = Series {
            code,
            prefix: prefix.unwrap_or_default(),
            incarnation: signer.incarnation,
        };
        series.has(number)
    })
}
