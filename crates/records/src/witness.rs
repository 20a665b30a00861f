//! When a site that has nothing to say itself signs that it has seen what others wrote.
//!
//! A *witness* is an ordinary bundle with dependencies and an empty payload: who rewrites a past
//! that it names contradicts a signature. Every bundle with content names what its site has seen,
//! so witnesses are for idle hours only. One that would cover nothing but witnesses proves
//! nothing new and is not written; otherwise idle sites would answer each other for ever.

use crate::payload::Section;

/// A site stays silent so long before it writes a witness, ms.
pub const QUIET_MS: u64 = 3_600_000;

/// Whether a bundle with these sections is worth a witness: witnesses themselves are not.
#[must_use]
pub fn is_worth_it(sections: &[Section]) -> bool {
    !sections.is_empty()
}

/// What the site's store shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Sequence number of the site's own newest bundle; 0 before the first.
    pub own_seq: u64,
    /// Whether a bundle [worth it](is_worth_it) came from another journal since that one.
    pub unwitnessed: bool,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Write a witness now, and look again.
    Write,
    /// Look again then, or when the store has changed.
    At(u64),
    /// Look again when the store has changed.
    Rest,
}

/// Watches one site for silence. Times are ms of any clock that never goes back.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    own_seq: u64,
    since_ms: u64,
}

impl Watch {
    /// Begins when the site starts; what it was silent before does not count.
    #[must_use]
    pub fn new(own_seq: u64, now_ms: u64) -> Self {
        Self {
            own_seq,
            since_ms: now_ms,
        }
    }

    /// Decides what to do now.
    pub fn next(&mut self, seen: Seen, now_ms: u64) -> Next {
        if seen.own_seq != self.own_seq {
            *self = Self::new(seen.own_seq, now_ms);
        }
        let due_ms = self.since_ms.saturating_add(QUIET_MS);
        match seen.unwitnessed {
            false => Next::Rest,
            true if now_ms < due_ms => Next::At(due_ms),
            true => Next::Write,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(own_seq: u64, unwitnessed: bool) -> Seen {
        Seen {
            own_seq,
            unwitnessed,
        }
    }

    #[test]
    fn an_hour_after_its_last_bundle_a_site_witnesses_what_came_since() {
        let mut watch = Watch::new(4, 1_000);
        assert_eq!(watch.next(seen(4, false), 2_000), Next::Rest);
        assert_eq!(watch.next(seen(4, true), 3_000), Next::At(1_000 + QUIET_MS));
        assert_eq!(watch.next(seen(4, true), 1_000 + QUIET_MS), Next::Write);
    }

    #[test]
    fn its_own_bundles_say_what_it_saw_so_each_begins_the_hour_anew() {
        let mut watch = Watch::new(4, 0);
        assert_eq!(watch.next(seen(5, true), 50), Next::At(50 + QUIET_MS));
        assert_eq!(watch.next(seen(6, true), QUIET_MS), Next::At(2 * QUIET_MS));
    }

    #[test]
    fn a_site_silent_for_long_witnesses_at_once() {
        let mut watch = Watch::new(4, 0);
        assert_eq!(watch.next(seen(4, false), 9 * QUIET_MS), Next::Rest);
        assert_eq!(watch.next(seen(4, true), 9 * QUIET_MS + 5), Next::Write);
        assert_eq!(watch.next(seen(5, false), 9 * QUIET_MS + 6), Next::Rest);
    }
}
