//! `gate`: what judging one bundle's section costs per record, beside applying the same changes
//! with Automerge and nothing else.
//!
//! Records of a realistic history, in the order their changes were made; each section is judged
//! on the record's snapshot as the store would hand it over (load, judge, save, load again, try an
//! edit). Anchor: the same change applied to a document that stays in memory, without any check.

use crate::figure::{Figure, Goal, Size, now, quantile_ms};
use anyhow::{Context as _, Result, bail};
use automerge::{Automerge, Change};
use records::gate::{self, Verdict, judge};
use records::id::{JournalId, RecordId};
use records::payload::{self, Body, RecordChanges, Section};
use std::collections::HashMap;
use std::time::Duration;
use tests::history::{History, Plan};

pub(crate) fn run(size: Size) -> Result<Vec<Figure>> {
    let records = size.pick(100, 2_500);
    let sections = History::new(Plan::year().with_records(records))
        .map(|bundle| {
            let journal = bundle.decode_header()?.journal();
            Ok((journal, section(&bundle.payload)?))
        })
        .collect::<Result<Vec<_>>>()?;
    let judged = judged(&sections)?;
    let applied = applied(&sections)?;
    let line = |name: &str, share: f64| {
        Figure::new(
            format!("gate per record, {name}"),
            quantile_ms(&judged, share),
            "ms",
        )
        .anchor("Automerge apply alone", quantile_ms(&applied, share))
    };
    Ok(vec![
        line("p50", 0.5).goal(Goal::AtMost(0.5)),
        line("p99", 0.99),
    ])
}

fn section(bytes: &[u8]) -> Result<RecordChanges> {
    let sections = payload::decode(bytes).context("a payload")?;
    let Some(Section::Present { body, .. }) = sections.first() else {
        bail!("a bundle of the history has a section");
    };
    match Body::decode(body).context("a section")? {
        Body::Record(section) => Ok(section),
        _ => bail!("a bundle of the history changes a record"),
    }
}

fn judged(sections: &[(JournalId, RecordChanges)]) -> Result<Vec<Duration>> {
    let mut snapshots: HashMap<RecordId, Vec<u8>> = HashMap::new();
    let mut times = Vec::new();
    for (journal, section) in sections {
        let base = snapshots.get(&section.record).map(Vec::as_slice);
        let begun = now();
        let verdict = judge(base, section, *journal, gate::RULES);
        times.push(begun.elapsed());
        let Verdict::Accepted(admitted) = verdict else {
            bail!("a change of the history was not accepted: {verdict:?}");
        };
        snapshots.insert(section.record, admitted.snapshot);
    }
    times.sort();
    Ok(times)
}

fn applied(sections: &[(JournalId, RecordChanges)]) -> Result<Vec<Duration>> {
    let mut docs: HashMap<RecordId, Automerge> = HashMap::new();
    let mut times = Vec::new();
    for (_, section) in sections {
        let doc = docs.entry(section.record).or_default();
        let begun = now();
        for change in &section.changes {
            let change = Change::try_from(change.as_slice())?;
            doc.apply_changes([change])?;
        }
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times)
}
