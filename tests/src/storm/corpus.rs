//! Honest sections of a realistic history, each with the record it was written on.

use crate::history::{History, Plan};
use anyhow::{Context as _, Result, bail};
use records::gate::{RULES, Verdict, judge};
use records::id::{JournalId, RecordId};
use records::payload::{self, Body, RecordChanges, Section};
use std::collections::BTreeMap;

/// A section that passes, and what it passes on.
#[derive(Debug, Clone)]
pub struct Case {
    /// The record's snapshot before it; `None` if the section creates it.
    pub base: Option<Vec<u8>>,
    /// The section.
    pub section: RecordChanges,
    /// Who signed it.
    pub signer: JournalId,
}

/// Every section of a history of so many records of all kinds.
///
/// # Errors
/// When an honest section does not pass.
pub fn corpus(seed: u64, records: usize) -> Result<Vec<Case>> {
    let plan = Plan {
        seed,
        ..Plan::year().with_records(records)
    };
    let mut snapshots: BTreeMap<RecordId, Vec<u8>> = BTreeMap::new();
    let mut cases = Vec::new();
    for bundle in History::new(plan) {
        let signer = bundle.decode_header()?.journal();
        for section in payload::decode(&bundle.payload).context("a payload")? {
            let Section::Present { body, .. } = section else {
                bail!("an honest history erases nothing");
            };
            let Ok(Body::Record(section)) = Body::decode(&body) else {
                continue;
            };
            let base = snapshots.get(&section.record).cloned();
            let verdict = judge(base.as_deref(), &section, signer, RULES);
            let Verdict::Accepted(admitted) = verdict else {
                bail!("an honest section does not pass: {verdict:?}");
            };
            snapshots.insert(section.record, admitted.snapshot);
            cases.push(Case {
                base,
                section,
                signer,
            });
        }
    }
    Ok(cases)
}
