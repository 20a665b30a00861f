//! Whether what bundles signed of other journals is what is held of these.

use super::VerifyError;
use super::index::{Index, Witnessed};
use super::report::{BadBundle, BadReason, Name};
use records::id::{Hash, JournalId};
use records::trust::Trust;
use std::collections::{BTreeMap, BTreeSet};

/// What others say of one journal.
#[derive(Default)]
struct Said {
    /// The first place that somebody saw otherwise, by whom, and what stands there.
    contradicted: Option<(Witnessed, Hash)>,
    /// The last place before it that somebody saw as it is; 0 if none.
    agreed: u64,
}

impl Said {
    fn contradict(&mut self, witnessed: Witnessed, held: Hash) {
        let first = self.contradicted.as_ref().map(|(first, _)| first.dep.seq);
        if first.is_none_or(|first| witnessed.dep.seq < first) {
            self.contradicted = Some((witnessed, held));
        }
    }
}

/// The first contradiction, in the order of the journals spoken of; else the first dependency
/// that is not here. A branch that is kept as proof of a fork is known and contradicts nothing.
pub(super) fn check(
    index: &mut Index,
    branches: &BTreeSet<Hash>,
    trust: Option<&Trust>,
) -> Result<Option<BadBundle>, VerifyError> {
    let mut said: BTreeMap<JournalId, Said> = BTreeMap::new();
    let mut missing = None;
    index.for_each(|witnessed, held| {
        if held == Some(witnessed.dep.hash) || branches.contains(&witnessed.dep.hash) {
            return;
        }
        match held {
            Some(held) => {
                let said = said.entry(witnessed.dep.journal).or_default();
                said.contradict(witnessed, held);
            }
            None if witnessed.kept => {
                missing.get_or_insert(witnessed);
            }
            None => {}
        }
    })?;
    if said.is_empty() {
        return Ok(missing.map(|witnessed| BadBundle {
            name: Name::of(trust, witnessed.by.journal, witnessed.by.seq),
            reason: BadReason::Dependency(Box::new(Name::of(
                trust,
                witnessed.dep.journal,
                witnessed.dep.seq,
            ))),
        }));
    }
    // Only now that it is known where to look: how far what was seen before still holds.
    index.for_each(|witnessed, held| {
        if let Some(said) = said.get_mut(&witnessed.dep.journal)
            && held == Some(witnessed.dep.hash)
            && said
                .contradicted
                .as_ref()
                .is_some_and(|(first, _)| witnessed.dep.seq < first.dep.seq)
        {
            said.agreed = said.agreed.max(witnessed.dep.seq);
        }
    })?;
    let first = said.into_values().find_map(|said| {
        let (witnessed, held) = said.contradicted?;
        let (by, dep) = (witnessed.by, witnessed.dep);
        Some(BadBundle {
            name: Name::of(trust, dep.journal, dep.seq),
            reason: BadReason::Contradiction {
                witness: Box::new(Name::of(trust, by.journal, by.seq)),
                saw: dep.hash,
                held,
                agreed: said.agreed,
            },
        })
    });
    Ok(first)
}
