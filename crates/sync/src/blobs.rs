//! Which blob is asked of which site next: a pure state machine.
//!
//! [`Plan`] is told what is wanted (in order), which sites are reached, and how each request went;
//! it answers with requests. A site has one request at a time; different sites are asked for
//! different chunks of one blob. A site that lies about a blob is not asked for it again for a
//! while; one that has not got it is asked ever more rarely.

use records::id::{Hash, SiteId};
use std::collections::{BTreeMap, BTreeSet};

#[cfg(test)]
mod tests;

/// Chunks asked for in one request: 1 MiB.
pub const RUN: u32 = 4;
/// A site that lied about a blob is not asked for it for so long, ms.
const LIED_MS: u64 = 600_000;
/// A blob for which there is no room is looked at again after so long, ms.
const NO_ROOM_MS: u64 = 60_000;
/// A site that is fetching the blob itself is asked again soon, ms.
const COMING_MS: u64 = 300;
const RETRY_FIRST_MS: u64 = 1_000;
const RETRY_LAST_MS: u64 = 60_000;
/// A blob that every site reached has failed to give so often gives way to others.
const MISSES: u32 = 3;

/// One request to one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    /// The blob.
    pub hash: Hash,
    /// The site asked.
    pub peer: SiteId,
    /// What it is asked for.
    pub ask: Ask,
}

/// What a site is asked for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, minicbor::Encode, minicbor::Decode,
)]
pub enum Ask {
    /// The size and the hashes of all chunks.
    #[n(0)]
    Manifest,
    /// Chunks that follow one another; what the site lacks of them it leaves out.
    #[n(1)]
    Chunks {
        /// The first one's index.
        #[n(0)]
        first: u32,
        /// How many, at most [`RUN`].
        #[n(1)]
        count: u32,
    },
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With everything asked for.
    Answered,
    /// The site has not got all of it, but is fetching it.
    Coming,
    /// The site has not got it.
    NotHere,
    /// The link or the site failed.
    Failed,
    /// What it gave is not what it said.
    Lied,
}

/// A wanted blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// Its name.
    pub hash: Hash,
    /// Sites likely to have it.
    pub sites: Vec<SiteId>,
}

#[derive(Debug, Default)]
struct Blob {
    sites: Vec<SiteId>,
    /// `None` until the manifest is known.
    missing: Option<BTreeSet<u32>>,
    /// Which site was asked for what.
    asked: BTreeMap<SiteId, Ask>,
    shunned: BTreeMap<SiteId, Shunned>,
    not_before_ms: u64,
    /// It was said to be missing since a site was last linked anew.
    missed: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Shunned {
    until_ms: u64,
    tries: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Plan {
    /// Most urgent first.
    order: Vec<Hash>,
    blobs: BTreeMap<Hash, Blob>,
    peers: BTreeSet<SiteId>,
    busy: BTreeMap<SiteId, Hash>,
}

impl Plan {
    /// What is wanted now, most urgent first. Says which blobs are no longer wanted.
    pub fn want(&mut self, wants: Vec<Want>) -> Vec<Hash> {
        self.order = wants.iter().map(|want| want.hash).collect();
        let kept: BTreeSet<_> = self.order.iter().copied().collect();
        let gone = self.blobs.keys().filter(|hash| !kept.contains(hash));
        let gone: Vec<_> = gone.copied().collect();
        for hash in &gone {
            self.blobs.remove(hash);
        }
        for want in wants {
            self.blobs.entry(want.hash).or_default().sites = want.sites;
        }
        gone
    }

    /// The sites that are linked now. A link that comes back forgives what failed on the last
    /// one, except lies.
    pub fn reach(&mut self, peers: BTreeSet<SiteId>, now_ms: u64) {
        let new: Vec<_> = peers.difference(&self.peers).copied().collect();
        for blob in self.blobs.values_mut() {
            for peer in &new {
                let shunned = blob.shunned.get(peer);
                if shunned.is_none_or(|shunned| shunned.until_ms < now_ms + RETRY_LAST_MS + 1) {
                    blob.shunned.remove(peer);
                }
                blob.missed = false;
            }
        }
        self.peers = peers;
    }

    /// The blob's manifest is known and these chunks are missing.
    pub fn begin(&mut self, hash: Hash, missing: impl IntoIterator<Item = u32>) {
        if let Some(blob) = self.blobs.get_mut(&hash) {
            blob.missing = Some(missing.into_iter().collect());
        }
    }

    /// Whether the blob's manifest is known.
    #[must_use]
    pub fn has_begun(&self, hash: Hash) -> bool {
        self.blobs
            .get(&hash)
            .is_some_and(|blob| blob.missing.is_some())
    }

    /// A chunk is here.
    pub fn got(&mut self, hash: Hash, index: u32) {
        if let Some(missing) = self
            .blobs
            .get_mut(&hash)
            .and_then(|blob| blob.missing.as_mut())
        {
            missing.remove(&index);
        }
    }

    /// The blob is whole, or is not wanted any more.
    pub fn forget(&mut self, hash: Hash) {
        self.blobs.remove(&hash);
        self.order.retain(|wanted| *wanted != hash);
    }

    /// There is no room for the blob at present. It begins anew with its manifest: what was
    /// fetched into is closed.
    pub fn no_room(&mut self, hash: Hash, now_ms: u64) {
        if let Some(blob) = self.blobs.get_mut(&hash) {
            blob.missing = None;
            blob.not_before_ms = now_ms + NO_ROOM_MS;
        }
    }

    /// Somebody has made room, or asked again: everything is worth a try at once.
    pub fn try_again(&mut self, hash: Hash) {
        if let Some(blob) = self.blobs.get_mut(&hash) {
            blob.not_before_ms = 0;
        }
    }

    /// A site gave something else than it said: it is not asked for this blob for a while.
    pub fn lied(&mut self, hash: Hash, peer: SiteId, now_ms: u64) {
        if let Some(blob) = self.blobs.get_mut(&hash) {
            let shunned = blob.shunned.entry(peer).or_default();
            shunned.until_ms = now_ms + LIED_MS;
            shunned.tries = shunned.tries.max(MISSES);
        }
    }

    /// The blobs that no site reached gives, each once: others are to have their turn.
    pub fn missed(&mut self) -> Vec<Hash> {
        let mut missed = Vec::new();
        for (hash, blob) in self.blobs.iter_mut().filter(|(_, blob)| !blob.missed) {
            let tries = |peer| blob.shunned.get(peer).map_or(0, |shunned| shunned.tries);
            let given_up = self.peers.iter().all(|peer| tries(peer) >= MISSES);
            if given_up && !self.peers.is_empty() {
                blob.missed = true;
                missed.push(*hash);
            }
        }
        missed
    }

    /// A request is over.
    pub fn done(&mut self, job: Job, outcome: Outcome, now_ms: u64) {
        self.busy.remove(&job.peer);
        let Some(blob) = self.blobs.get_mut(&job.hash) else {
            return;
        };
        blob.asked.remove(&job.peer);
        let shunned = blob.shunned.entry(job.peer).or_default();
        let wait_ms = match outcome {
            Outcome::Answered => {
                shunned.tries = 0;
                return;
            }
            Outcome::Coming => {
                shunned.tries = 0;
                COMING_MS
            }
            Outcome::Lied => {
                shunned.tries = shunned.tries.max(MISSES);
                LIED_MS
            }
            Outcome::NotHere | Outcome::Failed => {
                let wait = (RETRY_FIRST_MS << shunned.tries.min(10)).min(RETRY_LAST_MS);
                shunned.tries += 1;
                wait
            }
        };
        shunned.until_ms = shunned.until_ms.max(now_ms + wait_ms);
    }

    /// The next request to make, if there is one; to be asked until there is none.
    pub fn next(&mut self, now_ms: u64) -> Option<Job> {
        for hash in &self.order {
            let blob = self.blobs.get_mut(hash)?;
            if blob.not_before_ms > now_ms {
                continue;
            }
            let idle = |peer: &&SiteId| !self.busy.contains_key(*peer);
            let may = |peer: &&SiteId| {
                let shunned = blob.shunned.get(*peer);
                shunned.is_none_or(|shunned| shunned.until_ms <= now_ms)
            };
            let mut peers: Vec<_> = self
                .peers
                .iter()
                .filter(idle)
                .filter(may)
                .copied()
                .collect();
            // Whoever added it has it; the others only may.
            peers.sort_by_key(|peer| !blob.sites.contains(peer));
            let Some(&peer) = peers.first() else {
                continue;
            };
            let Some(ask) = blob.next_ask() else {
                continue;
            };
            blob.asked.insert(peer, ask);
            self.busy.insert(peer, *hash);
            let hash = *hash;
            return Some(Job { hash, peer, ask });
        }
        None
    }

    /// When [`Plan::next`] may have something it has not now, ms; `None` if only an event helps.
    #[must_use]
    pub fn wake_at(&self, now_ms: u64) -> Option<u64> {
        let waits = self.blobs.values().flat_map(|blob| {
            let peers = self.peers.iter().filter_map(|peer| blob.shunned.get(peer));
            let until = peers.map(|shunned| shunned.until_ms);
            until.chain([blob.not_before_ms])
        });
        waits.filter(|at| *at > now_ms).min()
    }

    /// Whether some site is being asked for the blob.
    #[must_use]
    pub fn is_busy(&self, hash: Hash) -> bool {
        self.blobs
            .get(&hash)
            .is_some_and(|blob| !blob.asked.is_empty())
    }

    /// Whether the blob waits for room.
    #[must_use]
    pub fn lacks_room(&self, hash: Hash, now_ms: u64) -> bool {
        self.blobs
            .get(&hash)
            .is_some_and(|blob| blob.not_before_ms > now_ms)
    }
}

impl Blob {
    fn next_ask(&self) -> Option<Ask> {
        let Some(missing) = &self.missing else {
            return self.asked.is_empty().then_some(Ask::Manifest);
        };
        let taken = |index: &u32| {
            self.asked.values().any(|ask| match ask {
                Ask::Manifest => false,
                Ask::Chunks { first, count } => (*first..first + count).contains(index),
            })
        };
        let mut open = missing.iter().filter(|index| !taken(index)).copied();
        let first = open.next()?;
        let run = open
            .zip(first + 1..)
            .take_while(|(index, next)| index == next);
        let count = 1 + u32::try_from(run.take(RUN as usize - 1).count()).expect("at most a run");
        Some(Ask::Chunks { first, count })
    }
}
