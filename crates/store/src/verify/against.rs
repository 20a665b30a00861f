//! What two sites hold, compared: equal hashes mean equal bytes and equal pasts.

use super::VerifyError;
use super::index::Index;
use super::report::{BadBundle, BadReason, Compared, Name};
use records::id::JournalId;
use records::trust::Trust;
use std::collections::BTreeMap;

/// Compares two verified sources. Each chain names its whole past, so the first bundle that
/// differs is found by halving.
pub(super) fn compare(
    here: &mut Index,
    there: &mut Index,
    trust: Option<&Trust>,
) -> Result<Compared, VerifyError> {
    let ours: BTreeMap<JournalId, u64> = here.lengths().collect();
    let theirs: BTreeMap<JournalId, u64> = there.lengths().collect();
    let (mut common, mut only_here) = (0, 0);
    for (journal, len) in &ours {
        let both = theirs.get(journal).copied().unwrap_or(0).min(*len);
        common += both;
        only_here += len - both;
        let (mut equal, mut differs) = (0, both + 1);
        if both > 0 && here.hash(*journal, both)? == there.hash(*journal, both)? {
            continue;
        }
        while differs - equal > 1 {
            let middle = equal + (differs - equal) / 2;
            match here.hash(*journal, middle)? == there.hash(*journal, middle)? {
                true => equal = middle,
                false => differs = middle,
            }
        }
        let held = here.hash(*journal, differs)?;
        let other = there.hash(*journal, differs)?;
        if let (Some(held), Some(there)) = (held, other) {
            return Ok(Compared::Differs(Box::new(BadBundle {
                name: Name::of(trust, *journal, differs),
                reason: BadReason::Differs { held, there },
            })));
        }
    }
    let all: u64 = theirs.values().sum();
    Ok(Compared::Agrees {
        common,
        only_here,
        only_there: all - common,
    })
}
