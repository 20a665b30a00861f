//! Honest changes on real records, damaged inside by the fuzzer: no panic escapes the gate, and
//! what it admits loads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use records::gate::{RULES, Verdict, judge};
use records::payload::RecordChanges;
use records_fuzz::{Case, cases, edited};
use std::sync::LazyLock;

static CASES: LazyLock<Vec<Case>> = LazyLock::new(cases);

// The first byte chooses the change, the rest is what is done to it.
fuzz_target!(|bytes: &[u8]| {
    let Some((which, edits)) = bytes.split_first() else {
        return;
    };
    let case = &CASES[usize::from(*which) % CASES.len()];
    let section = RecordChanges {
        changes: vec![edited(case.parts.clone(), edits)],
        ..case.section.clone()
    };
    let base = case.base.as_deref();
    if let Verdict::Accepted(admitted) = judge(base, &section, case.signer, RULES) {
        automerge::Automerge::load(&admitted.snapshot).expect("an admitted snapshot loads");
    }
});
