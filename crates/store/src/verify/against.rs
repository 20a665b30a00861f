//! What two sites hold, compared: equal hashes mean equal bytes and equal pasts.

use super::VerifyError;
use super::index::Index;
use super::report::{BadBundle, BadReason, Compared, Name};
use records::id::{Hash, JournalId};
use records::trust::Trust;
use std::collections::BTreeSet;

/// What is held at one side.
pub(super) struct Side<'a> {
    pub(super) index: &'a mut Index,
    /// The other sides of forked journals, kept as proof.
    pub(super) branches: &'a BTreeSet<Hash>,
}

/// Compares two verified sources. Each chain names its whole past, so the first bundle that
/// differs is found by halving. A fork that either side knows of is no difference.
pub(super) fn compare(
    mut here: Side<'_>,
    mut there: Side<'_>,
    trust: Option<&Trust>,
) -> Result<Compared, VerifyError> {
    let (ours, theirs) = (here.index.spans(), there.index.spans());
    let len = |(first, last): &(u64, u64)| last - first + 1;
    let (mut common, mut only_here) = (0, 0);
    for (journal, span) in &ours {
        let Some(other) = theirs.get(journal) else {
            only_here += len(span);
            continue;
        };
        let (first, last) = (span.0.max(other.0), span.1.min(other.1));
        let differs = first_difference(&mut here, &mut there, *journal, first, last)?;
        if let Some((seq, held, other)) = differs
            && !there.branches.contains(&held)
            && !here.branches.contains(&other)
        {
            return Ok(Compared::Differs(Box::new(BadBundle {
                name: Name::of(trust, *journal, seq),
                reason: BadReason::Differs { held, there: other },
            })));
        }
        let equal = differs
            .map_or(last + 1, |(seq, ..)| seq)
            .saturating_sub(first);
        common += equal;
        only_here += len(span) - equal;
    }
    let all: u64 = theirs.values().map(len).sum();
    Ok(Compared::Agrees {
        common,
        only_here,
        only_there: all - common,
    })
}

/// The first place from `first` to `last` where the two differ, and what stands there.
fn first_difference(
    here: &mut Side<'_>,
    there: &mut Side<'_>,
    journal: JournalId,
    first: u64,
    last: u64,
) -> Result<Option<(u64, Hash, Hash)>, VerifyError> {
    let mut at = |seq| -> Result<_, VerifyError> {
        let here = here.index.hash(journal, seq)?;
        let there = there.index.hash(journal, seq)?;
        Ok(here.zip(there).filter(|(here, there)| here != there))
    };
    if first > last || at(last)?.is_none() {
        return Ok(None);
    }
    let (mut equal, mut differs) = (first - 1, last);
    while differs - equal > 1 {
        let middle = equal + (differs - equal) / 2;
        match at(middle)? {
            None => equal = middle,
            Some(_) => differs = middle,
        }
    }
    Ok(at(differs)?.map(|(here, there)| (differs, here, there)))
}
