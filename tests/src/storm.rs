//! A storm of hostile changes against the gate: how many it takes, and whether anything breaks.
//!
//! Honest changes of a realistic history are damaged byte by byte ([`mutate`]) or replaced by
//! well-formed changes that no writer of ours makes ([`forge`]). Whatever the gate accepts must
//! load, read and take another edit; the records go on with it, so that hostile history piles up.

pub mod corpus;
pub mod forge;
pub mod mutate;

use anyhow::Result;
use automerge::transaction::Transactable as _;
use automerge::{ActorId, Automerge, ROOT};
use corpus::Case;
use peak_alloc::PeakAlloc;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use records::gate::{self, Admitted, Verdict, judge};
use records::read::read;
use serde::Serialize;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many hostile changes a record takes before it begins again as it honestly was.
const PILE: u32 = 40;

/// What a storm came to.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Report {
    /// Changes tried.
    pub tried: u64,
    /// How many of them were honest changes with damaged bytes.
    pub mutated: u64,
    /// Accepted.
    pub accepted: u64,
    /// Refused, by code.
    pub refused: BTreeMap<&'static str, u64>,
    /// Held, by code.
    pub held: BTreeMap<&'static str, u64>,
    /// Panics of Automerge that the gate caught.
    pub panics_caught: u64,
    /// Panics that came out of the gate: must be 0.
    pub panics_escaped: u64,
    /// Accepted records that afterwards did not load, read or take an edit: must be 0.
    pub unusable: u64,
    /// The most heap that judging one change took, bytes. What making it took is not the gate's.
    pub judging: usize,
    /// Heap that is in use in the end beyond that of the beginning, bytes.
    pub growth: usize,
}

/// Tries `changes` hostile changes; `progress` hears of every ten thousandth. `heap` is the
/// program's allocator.
///
/// # Errors
/// When the honest corpus itself does not pass.
pub fn storm(
    seed: u64,
    changes: u64,
    heap: &PeakAlloc,
    mut progress: impl FnMut(&Report),
) -> Result<Report> {
    let mut rng = StdRng::seed_from_u64(seed);
    let honest = corpus::corpus(seed, 300)?;
    let mut cases = honest.clone();
    let mut piled = vec![0; cases.len()];
    let mut report = Report::default();
    let before = gate::caught_panics();
    let begun = heap.current_usage();
    while report.tried < changes {
        let index = rng.random_range(0..cases.len());
        let case = &cases[index];
        let section = if rng.random_range(0..10) < 5 {
            report.mutated += 1;
            mutate::section(&mut rng, case)
        } else {
            forge::section(&mut rng, case)
        };
        report.tried += 1;
        if let Some(admitted) = try_one(&mut report, case, &section, heap) {
            piled[index] += 1;
            let worn = piled[index] >= PILE;
            match worn {
                true => (cases[index], piled[index]) = (honest[index].clone(), 0),
                false if section.record == case.section.record => {
                    cases[index].base = Some(admitted.snapshot);
                }
                false => {}
            }
        }
        if report.tried % 10_000 == 0 {
            progress(&report);
        }
    }
    report.panics_caught = gate::caught_panics() - before;
    report.growth = heap.current_usage().saturating_sub(begun);
    Ok(report)
}

fn try_one(
    report: &mut Report,
    case: &Case,
    section: &records::payload::RecordChanges,
    heap: &PeakAlloc,
) -> Option<Admitted> {
    let base = case.base.as_deref();
    heap.reset_peak_usage();
    let before = heap.current_usage();
    let judged = catch_unwind(AssertUnwindSafe(|| {
        judge(base, section, case.signer, gate::RULES)
    }));
    let taken = heap.peak_usage().saturating_sub(before);
    report.judging = report.judging.max(taken);
    match judged {
        Err(_) => report.panics_escaped += 1,
        Ok(Verdict::Refused(refusal)) => *report.refused.entry(refusal.code()).or_default() += 1,
        Ok(Verdict::Held(hold)) => *report.held.entry(hold.code()).or_default() += 1,
        Ok(Verdict::Accepted(admitted)) => {
            report.accepted += 1;
            let usable = catch_unwind(AssertUnwindSafe(|| usable(&admitted)));
            if usable.ok().flatten().is_some() {
                return Some(*admitted);
            }
            report.unusable += 1;
        }
    }
    None
}

/// What is accepted must load, read as the verdict says, and take another edit.
fn usable(admitted: &Admitted) -> Option<()> {
    let mut doc = Automerge::load(&admitted.snapshot).ok()?;
    let again = read(&doc, admitted.record.table, None).ok()?;
    doc.set_actor(ActorId::from([9; 16]));
    let mut tx = doc.transaction();
    tx.put(ROOT, "x", 1).ok()?;
    tx.commit();
    Automerge::load(&doc.save()).ok()?;
    (again == admitted.record).then_some(())
}
