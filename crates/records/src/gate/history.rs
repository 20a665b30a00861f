//! The changes a record has, as a graph.

use super::refusal::Refusal;
use crate::id::Hash;
use crate::prescan::Scan;
use automerge::Automerge;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
struct Known {
    deps: Vec<Hash>,
    actor: Vec<u8>,
    seq: u64,
    ops: u64,
    max_op: u64,
}

/// Every change of a record, with those of the section judged so far.
#[derive(Debug, Default)]
pub(super) struct History {
    changes: BTreeMap<Hash, Known>,
    heads: BTreeSet<Hash>,
    /// The last sequence number each actor used.
    last_seq: BTreeMap<Vec<u8>, u64>,
    ops: u64,
}

/// The causal past of one change.
#[derive(Debug)]
pub(super) struct Past {
    /// Whether it is all there is.
    pub(super) whole: bool,
    pub(super) max_op: u64,
    /// How many operations it has.
    pub(super) ops: u64,
    actors: BTreeMap<Vec<u8>, u64>,
}

impl History {
    pub(super) fn of(doc: &Automerge) -> Self {
        let mut history = Self::default();
        for meta in doc.get_changes_meta(&[]) {
            let known = Known {
                deps: meta.deps.iter().map(|dep| Hash(dep.0)).collect(),
                actor: meta.actor.to_bytes().to_vec(),
                seq: meta.seq,
                ops: (meta.max_op + 1).saturating_sub(meta.start_op),
                max_op: meta.max_op,
            };
            history.insert(Hash(meta.hash.0), known);
        }
        history
    }

    pub(super) fn add(&mut self, scan: &Scan) {
        let known = Known {
            deps: scan.deps.clone(),
            actor: scan.actor.clone(),
            seq: scan.seq,
            ops: scan.ops,
            max_op: scan.max_op(),
        };
        self.insert(scan.hash, known);
    }

    fn insert(&mut self, hash: Hash, known: Known) {
        for dep in &known.deps {
            self.heads.remove(dep);
        }
        self.heads.insert(hash);
        let last = self.last_seq.entry(known.actor.clone()).or_default();
        *last = known.seq.max(*last);
        self.ops += known.ops;
        self.changes.insert(hash, known);
    }

    /// How many operations all of it has.
    pub(super) fn ops(&self) -> u64 {
        self.ops
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(super) fn hashes(&self) -> impl Iterator<Item = &Hash> {
        self.changes.keys()
    }

    pub(super) fn has(&self, hash: &Hash) -> bool {
        self.changes.contains_key(hash)
    }

    /// The past of a change with these dependencies, all known.
    pub(super) fn past(&self, deps: &[Hash]) -> Past {
        let mut past = Past {
            whole: self.heads.iter().all(|head| deps.contains(head)),
            max_op: 0,
            ops: 0,
            actors: BTreeMap::new(),
        };
        if past.whole {
            self.changes.values().for_each(|known| past.add(known));
            return past;
        }
        let mut seen = BTreeSet::new();
        let mut queue: Vec<&Hash> = deps.iter().collect();
        while let Some(hash) = queue.pop() {
            if seen.insert(hash) {
                let known = &self.changes[hash];
                past.add(known);
                queue.extend(&known.deps);
            }
        }
        past
    }

    /// Checks that the change is the next of its actor, and has the previous one in its past.
    pub(super) fn check_seq(&self, scan: &Scan, past: &Past) -> Result<(), Refusal> {
        let last = self.last_seq.get(&scan.actor).copied().unwrap_or(0);
        if scan.seq <= last {
            return Err(Refusal::DuplicateSeq);
        }
        let own = past.actors.get(&scan.actor).copied().unwrap_or(0);
        if scan.seq - 1 != last || own != last {
            return Err(Refusal::SeqGap);
        }
        Ok(())
    }
}

impl Past {
    fn add(&mut self, known: &Known) {
        self.max_op = self.max_op.max(known.max_op);
        self.ops += known.ops;
        let last = self.actors.entry(known.actor.clone()).or_default();
        *last = known.seq.max(*last);
    }

    /// Other actors may be named only as the writers of what the change refers to.
    pub(super) fn check_actors(&self, scan: &Scan) -> Result<(), Refusal> {
        let ascending = scan.other_actors.windows(2).all(|two| two[0] < two[1]);
        let known = |actor: &Vec<u8>| *actor != scan.actor && self.actors.contains_key(actor);
        if ascending && scan.other_actors.iter().all(known) {
            Ok(())
        } else {
            Err(Refusal::UnknownActor)
        }
    }
}
