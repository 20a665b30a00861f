//! One change on the record that its writer saw.

use super::compare;
use super::library::library;
use super::ops::Ops;
use super::refusal::{Hold, Refusal, Stop};
use super::rules::View;
use crate::id::JournalId;
use crate::read::{Record, read};
use automerge::{Automerge, AutomergeError, Change, ReadDoc as _};

/// A document as it stands at a change's own dependencies, and what the change does to it.
pub(super) struct Survey {
    view: View,
    before: Option<Record>,
    ops: Ops,
}

impl Survey {
    /// Checks each operation; `before` is how `doc` reads, `None` if the change creates it.
    pub(super) fn of(
        doc: &Automerge,
        before: Option<Record>,
        view: View,
        signer: JournalId,
        change: &Change,
    ) -> Result<Self, Stop> {
        let home = before.as_ref().map(|record| record.home);
        let mut ops = library("map", || {
            Ok::<_, AutomergeError>(Ops::new(doc, view, signer.site, home))
        })?;
        let expanded = library("decode", || Ok::<_, AutomergeError>(change.decode()))?;
        ops.check(&expanded)?;
        Ok(Self { view, before, ops })
    }

    /// Compares the document that Automerge made of it; gives back how it reads.
    pub(super) fn compare(self, doc: &Automerge) -> Result<Record, Stop> {
        if !doc.get_missing_deps(&[]).is_empty() {
            return Err(Hold::Library("apply").into());
        }
        let after = library("read", || {
            Ok::<_, AutomergeError>(read(doc, self.view.table, None))
        })?;
        let after = after.map_err(|_| Refusal::Identity)?;
        match &self.before {
            Some(before) => compare::changed(before, &after, &self.ops)?,
            None => compare::created(&after)?,
        }
        Ok(after)
    }
}
