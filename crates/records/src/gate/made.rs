//! Judging what our own writer has just made.
//!
//! Every rule is the gate's own: form, writer, place, each operation, and the record before and
//! after. Left out is only what proves Automerge against foreign bytes: the writer's document
//! stands for a second copy on which the change is applied, saved, loaded and edited again. In
//! debug builds the whole gate judges as well and must say the same.

use super::refusal::{Hold, Stop};
use super::survey::Survey;
use super::{Admitted, Court, Rules, Verdict, compare, library::saved, meta};
use crate::id::JournalId;
use crate::payload::RecordChanges;
use automerge::Automerge;

/// Judges a section that our writer made: `steps` are the document before each of its changes,
/// `after` is what came out. Everything in the document is in the bundle's causal past.
#[must_use]
pub fn judge_made(
    steps: &[Automerge],
    after: &Automerge,
    section: &RecordChanges,
    signer: JournalId,
    rules: impl Into<Rules>,
) -> Verdict {
    let rules = rules.into();
    let verdict = rules.verdict(judge(steps, after, section, signer, rules));
    if cfg!(debug_assertions)
        && let Verdict::Accepted(made) = &verdict
    {
        assert_same(made, steps, section, signer, rules);
    }
    verdict
}

fn judge(
    steps: &[Automerge],
    after: &Automerge,
    section: &RecordChanges,
    signer: JournalId,
    rules: Rules,
) -> Result<Admitted, Stop> {
    let first = || steps.first().cloned().ok_or(Hold::Library("steps").into());
    let mut court = Court::on(section, signer, rules, &|_| true, first)?;
    let mut metas = Vec::with_capacity(section.changes.len());
    for (index, bytes) in section.changes.iter().enumerate() {
        let (scan, past, change) = court.look(bytes)?;
        let Some(doc) = steps.get(index).filter(|_| past.whole) else {
            return Err(Hold::Library("steps").into());
        };
        let survey = Survey::of(doc, court.now.take(), court.view, signer, &change)?;
        let made = survey.compare(steps.get(index + 1).unwrap_or(after))?;
        court.note(&scan, &made);
        court.now = Some(made);
        metas.push(meta(&scan));
    }
    let snapshot = saved(after)?;
    let record = court.now.ok_or(Hold::Library("steps"))?;
    Ok(Admitted {
        snapshot,
        excess: compare::excess(&record),
        record,
        before: court.before,
        given: court.given,
        changes: metas,
        work: court.work,
    })
}

/// The promise that makes the short way safe: every other site accepts it too.
fn assert_same(
    made: &Admitted,
    steps: &[Automerge],
    section: &RecordChanges,
    signer: JournalId,
    rules: Rules,
) {
    let base = steps.first().filter(|doc| !doc.get_heads().is_empty());
    let base = base.map(Automerge::save);
    match super::judge(base.as_deref(), section, signer, rules) {
        Verdict::Accepted(whole) => {
            assert_eq!(
                (&made.record, &made.before, &made.given),
                (&whole.record, &whole.before, &whole.given),
                "the gate reads what our writer made otherwise"
            );
            assert_eq!(
                (&made.changes, made.work),
                (&whole.changes, whole.work),
                "the gate reads what our writer made otherwise"
            );
        }
        other => panic!("the gate does not accept what our writer made: {other:?}"),
    }
}
