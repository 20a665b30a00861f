//! What both sides of a run know from its bundles so far.

use super::WireError;
use super::columns::{Column, Pass};
use records::id::{Hash, JournalId, RecordId, SiteId};
use std::collections::HashMap;

const ID_LEN: usize = 16;
/// What it costs to know an id.
const VALUE_COST: usize = 64;

/// Values in the order they appeared, and where each is.
#[derive(Debug)]
struct Seen<const N: usize> {
    values: Vec<[u8; N]>,
    places: HashMap<[u8; N], usize>,
}

impl<const N: usize> Default for Seen<N> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<const N: usize> Seen<N> {
    fn learn(&mut self, value: [u8; N]) {
        self.values.push(value);
        self.places.insert(value, self.values.len());
    }

    /// A value that came before by its place, counted from 1; another after a 0.
    fn pass(
        &mut self,
        p: &mut impl Pass,
        column: Column,
        value: &mut [u8; N],
    ) -> Result<bool, WireError> {
        let mut place = self.places.get(value).map_or(0, |place| *place as u64);
        p.uint(column, &mut place)?;
        let Some(at) = place.checked_sub(1) else {
            p.noise(value)?;
            return Ok(false);
        };
        let at = usize::try_from(at).map_err(|_| WireError::Malformed)?;
        *value = *self.values.get(at).ok_or(WireError::Malformed)?;
        p.spend(N)?;
        Ok(true)
    }
}

/// What may be referred to. Bounded by what the run may be rebuilt to.
#[derive(Debug, Default)]
pub(super) struct Known {
    ids: [Seen<ID_LEN>; Column::COUNT],
    changes: Seen<{ Hash::LEN }>,
    last_change: HashMap<RecordId, Hash>,
    actor_seqs: HashMap<[u8; ID_LEN], u64>,
    journal_seqs: HashMap<JournalId, u64>,
}

impl Known {
    /// An id of 16 bytes, one of those in its column.
    pub(super) fn id(
        &mut self,
        p: &mut impl Pass,
        column: Column,
        id: &mut [u8; ID_LEN],
    ) -> Result<(), WireError> {
        let seen = &mut self.ids[column as usize];
        if !seen.pass(p, column, id)? {
            seen.learn(*id);
            p.spend(VALUE_COST)?;
        }
        Ok(())
    }

    /// A site's id.
    pub(super) fn site(&mut self, p: &mut impl Pass, site: &mut SiteId) -> Result<(), WireError> {
        let mut id = [0; ID_LEN];
        id[..SiteId::LEN].copy_from_slice(&site.0);
        self.id(p, Column::Place, &mut id)?;
        site.0.copy_from_slice(&id[..SiteId::LEN]);
        Ok(())
    }

    /// A change that a change of `record` depends on: mostly the record's last one.
    pub(super) fn dep(
        &mut self,
        p: &mut impl Pass,
        record: RecordId,
        dep: &mut Hash,
    ) -> Result<(), WireError> {
        let last = self.last_change.get(&record).copied();
        if p.flag(last == Some(*dep))? {
            *dep = last.ok_or(WireError::Malformed)?;
            return p.spend(Hash::LEN);
        }
        self.changes.pass(p, Column::Dep, &mut dep.0).map(drop)
    }

    /// The sequence number an actor's next change will have.
    pub(super) fn next_of(&self, actor: &[u8; ID_LEN]) -> u64 {
        let last = self.actor_seqs.get(actor);
        last.map_or(0, |last| last.wrapping_add(1))
    }

    /// A change has passed.
    pub(super) fn learn_change(
        &mut self,
        record: RecordId,
        hash: Hash,
        actor: [u8; ID_LEN],
        seq: u64,
    ) {
        self.changes.learn(hash.0);
        self.last_change.insert(record, hash);
        self.actor_seqs.insert(actor, seq);
    }

    /// The last sequence number that was named of another journal.
    pub(super) fn seq_of(&self, journal: JournalId) -> u64 {
        self.journal_seqs.get(&journal).copied().unwrap_or_default()
    }

    /// See [`Known::seq_of`].
    pub(super) fn learn_seq(&mut self, journal: JournalId, seq: u64) {
        self.journal_seqs.insert(journal, seq);
    }
}
