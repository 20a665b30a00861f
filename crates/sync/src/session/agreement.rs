//! What both sides of a conversation are known to hold alike.

use super::Session;
use records::id::JournalId;

impl Session {
    /// Whether the peer is known to hold no more of `journal` than this side, and the same.
    #[must_use]
    pub fn agrees_on(&self, journal: JournalId) -> bool {
        let local = self.local.get(&journal).map_or(0, |head| head.seq);
        let alike = |track: &super::Track| {
            (1..=local).contains(&track.known) && !track.frozen && track.claimed.is_none()
        };
        self.is_open() && self.tracks.get(&journal).is_some_and(alike)
    }
}
