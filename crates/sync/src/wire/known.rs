//! What both sides of a batch know from its bundles so far, and from the stream before it.

use super::WireError;
use super::columns::{Column, Pass};
use super::stream::Carried;
use records::bundle::Head;
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

    /// Whether the value came before; it passes by its place then, counted from 1.
    fn pass(
        &self,
        p: &mut impl Pass,
        column: Column,
        value: &mut [u8; N],
    ) -> Result<bool, WireError> {
        let mut place = self.places.get(value).map_or(0, |place| *place as u64);
        p.uint(column, &mut place)?;
        let Some(at) = place.checked_sub(1) else {
            return Ok(false);
        };
        let at = usize::try_from(at).map_err(|_| WireError::Malformed)?;
        *value = *self.values.get(at).ok_or(WireError::Malformed)?;
        p.spend(N)?;
        Ok(true)
    }

    /// A value that came before, or a new one.
    fn pass_any(
        &mut self,
        p: &mut impl Pass,
        column: Column,
        value: &mut [u8; N],
    ) -> Result<(), WireError> {
        if !self.pass(p, column, value)? {
            p.noise(value)?;
            p.spend(VALUE_COST)?;
            self.learn(*value);
        }
        Ok(())
    }
}

/// What may be referred to. Bounded by what the batch may be rebuilt to.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    stream: Option<&'a Carried>,
    ids: [Seen<ID_LEN>; Column::COUNT],
    sites: Seen<{ SiteId::LEN }>,
    changes: Seen<{ Hash::LEN }>,
    last_change: HashMap<RecordId, Hash>,
    actor_seqs: HashMap<[u8; ID_LEN], u64>,
    bundles: HashMap<(JournalId, u64), Hash>,
    journal_seqs: HashMap<JournalId, u64>,
}

impl<'a> Known<'a> {
    /// What the stream has made known, if the batch builds on it.
    pub(super) fn new(stream: Option<&'a Carried>) -> Self {
        let mut known = Self {
            stream,
            ..Self::default()
        };
        for site in stream.into_iter().flat_map(Carried::sites) {
            known.sites.learn(site.0);
        }
        known
    }

    /// An id of 16 bytes, one of those in its column. Most begin with their home site's.
    pub(super) fn id(
        &mut self,
        p: &mut impl Pass,
        column: Column,
        id: &mut [u8; ID_LEN],
    ) -> Result<(), WireError> {
        let seen = &mut self.ids[column as usize];
        if seen.pass(p, column, id)? {
            return Ok(());
        }
        let (home, rest) = id
            .split_first_chunk_mut()
            .expect("an id is longer than a site's");
        if matches!(column, Column::Item) {
            p.noise(home)?;
        } else {
            self.sites.pass_any(p, column, home)?;
        }
        p.noise(rest)?;
        seen.learn(*id);
        p.spend(VALUE_COST)
    }

    /// A site's id.
    pub(super) fn site(&mut self, p: &mut impl Pass, site: &mut SiteId) -> Result<(), WireError> {
        self.sites.pass_any(p, Column::Place, &mut site.0)
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
        if !self.changes.pass(p, Column::Dep, &mut dep.0)? {
            p.noise(&mut dep.0)?;
        }
        Ok(())
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

    /// The last sequence number of a journal that was carried or named.
    pub(super) fn seq_of(&self, journal: JournalId) -> u64 {
        let here = self.journal_seqs.get(&journal).copied();
        let before = || Some(self.stream?.last_of(journal)?.seq);
        here.or_else(before).unwrap_or_default()
    }

    /// The hash of a bundle that was carried or named; all zero for others.
    pub(super) fn hash_of(&self, journal: JournalId, seq: u64) -> Hash {
        let here = self.bundles.get(&(journal, seq)).copied();
        let before = || self.stream?.hash_of(journal, seq);
        here.or_else(before).unwrap_or_default()
    }

    /// A bundle has passed, or its name.
    pub(super) fn learn_bundle(&mut self, p: &mut impl Pass, head: Head) -> Result<(), WireError> {
        self.bundles.insert((head.journal, head.seq), head.hash);
        self.journal_seqs.insert(head.journal, head.seq);
        p.spend(VALUE_COST)
    }
}
