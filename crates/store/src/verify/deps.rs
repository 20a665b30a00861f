//! Whether what bundles signed of other journals is what is held of these.

use super::VerifyError;
use super::index::{Index, Witnessed};
use super::report::{BadBundle, BadReason, Disputed, Name};
use records::id::{Hash, JournalId};
use records::trust::Trust;
use std::collections::{BTreeMap, BTreeSet};

/// Words against a journal that are listed.
const MAX_DISPUTED: usize = 100;

/// The first that one journal says against what is held of another, and what stands there.
type Words = BTreeMap<(JournalId, JournalId), (Witnessed, Option<Hash>)>;

/// What came of it.
#[derive(Default)]
pub(super) struct Dependencies {
    /// Words against what is held.
    pub(super) disputed: Vec<Disputed>,
    /// The first bundle that depends on one that is not here.
    pub(super) missing: Option<BadBundle>,
}

/// A branch that is kept as proof of a fork is known and contradicts nothing. What a site signed
/// of itself, or of a place before the first, is no dependency for the judge either. Of a forked
/// journal an end may have gone for good with the disk that alone had it: a dependency on that
/// is no sign that something was taken away here.
pub(super) fn check(
    index: &mut Index,
    branches: &BTreeSet<Hash>,
    forked: &BTreeSet<JournalId>,
    trust: Option<&Trust>,
) -> Result<Dependencies, VerifyError> {
    let (mut words, mut missing) = (Words::new(), None);
    index.for_each(|witnessed, held| {
        let (by, dep) = (witnessed.by, witnessed.dep);
        let odd = dep.seq == 0 || dep.journal == by.journal;
        if !odd && (held == Some(dep.hash) || branches.contains(&dep.hash)) {
            return;
        }
        if !odd && held.is_none() && !forked.contains(&dep.journal) {
            if witnessed.kept {
                missing.get_or_insert(witnessed);
            }
            return;
        }
        let pair = (dep.journal, by.journal);
        if words.len() < MAX_DISPUTED || words.contains_key(&pair) {
            let first = words.entry(pair).or_insert((witnessed, held));
            if dep.seq < first.0.dep.seq {
                *first = (witnessed, held);
            }
        }
    })?;
    let agreed = agreed(index, &words)?;
    let disputed = words.into_iter().map(|(pair, (witnessed, held))| {
        let (by, dep) = (witnessed.by, witnessed.dep);
        Disputed {
            witness: Name::of(trust, by.journal, by.seq),
            place: Name::of(trust, dep.journal, dep.seq),
            saw: dep.hash,
            held,
            agreed: agreed.get(&pair).copied().unwrap_or_default(),
        }
    });
    Ok(Dependencies {
        disputed: disputed.collect(),
        missing: missing.map(|witnessed| BadBundle {
            name: Name::of(trust, witnessed.by.journal, witnessed.by.seq),
            reason: BadReason::Dependency(Box::new(Name::of(
                trust,
                witnessed.dep.journal,
                witnessed.dep.seq,
            ))),
        }),
    })
}

/// How far before each disputed place something that was seen still holds.
fn agreed(
    index: &mut Index,
    words: &Words,
) -> Result<BTreeMap<(JournalId, JournalId), u64>, VerifyError> {
    let mut agreed = BTreeMap::new();
    if words.is_empty() {
        return Ok(agreed);
    }
    index.for_each(|witnessed, held| {
        let dep = witnessed.dep;
        let about = (dep.journal, JournalId::INSTITUTION)..;
        let about = words.range(about);
        for (pair, (first, _)) in about.take_while(|(pair, _)| pair.0 == dep.journal) {
            if held == Some(dep.hash) && dep.seq < first.dep.seq {
                let last = agreed.entry(*pair).or_default();
                *last = dep.seq.max(*last);
            }
        }
    })?;
    Ok(agreed)
}
