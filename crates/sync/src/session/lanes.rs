//! The two lanes of a link, and how far each side is behind.
//!
//! A journal of which the peer lacks little is *live*: its bundles go ahead of everything. One of
//! which it lacks much is *bulk*. A journal changes lanes only while none of its bundles are on
//! the way, so each journal still arrives in order and nothing has to wait for its predecessor;
//! a new bundle at the end of a long tail therefore travels behind that tail, since it could be
//! judged no earlier there.

use crate::wire::Lane;
use records::id::JournalId;
use std::collections::VecDeque;

/// A journal is live while the peer lacks at most this many bundles of it.
pub const LIVE_LAG: u64 = 64;

/// One value a lane.
#[derive(Debug, Default)]
pub(super) struct Lanes<T> {
    live: T,
    bulk: T,
}

impl<T> Lanes<T> {
    pub(super) fn of(&self, lane: Lane) -> &T {
        match lane {
            Lane::Live => &self.live,
            Lane::Bulk => &self.bulk,
        }
    }

    pub(super) fn of_mut(&mut self, lane: Lane) -> &mut T {
        match lane {
            Lane::Live => &mut self.live,
            Lane::Bulk => &mut self.bulk,
        }
    }

    pub(super) fn both(&self) -> [&T; 2] {
        [&self.live, &self.bulk]
    }
}

/// Batches on their way in one direction of one lane: sent and not acknowledged, or received and
/// not admitted.
#[derive(Debug, Default)]
pub(super) struct OnWay {
    batches: VecDeque<(JournalId, usize)>,
    len: usize,
    done: u64,
}

impl OnWay {
    pub(super) fn push(&mut self, journal: JournalId, len: usize) {
        self.batches.push_back((journal, len));
        self.len += len;
    }

    /// The oldest batch is dealt with.
    pub(super) fn pop(&mut self) -> Option<JournalId> {
        let (journal, len) = self.batches.pop_front()?;
        self.len -= len;
        self.done += 1;
        Some(journal)
    }

    /// Bytes on their way.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Batches on their way.
    pub(super) fn batches(&self) -> usize {
        self.batches.len()
    }

    /// Batches dealt with since the session began.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// Batches seen since the session began.
    pub(super) fn seen(&self) -> u64 {
        self.done + self.batches.len() as u64
    }
}

/// No site has written more; a peer may claim what it likes.
const MOST: u64 = 1_000_000_000;

/// How many bundles one side still lacks of what the other holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lag {
    /// Still lacking.
    pub missing: u64,
    /// Lacking when this catching-up began; 0 when nothing has been missing since.
    pub of: u64,
}

impl Lag {
    /// The lag now that `missing` are lacking. It begins when a link comes up or much is lacking,
    /// and is over when nothing is.
    pub(super) fn next(self, missing: u64) -> Self {
        let missing = missing.min(MOST);
        let of = match (self.of, missing) {
            (_, 0) => 0,
            (0, few) if few <= LIVE_LAG => 0,
            (of, missing) => of.max(missing),
        };
        Self { missing, of }
    }
}

/// How far both sides are behind each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What we lack.
    pub incoming: Lag,
    /// What the peer lacks.
    pub outgoing: Lag,
}
