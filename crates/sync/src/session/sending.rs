//! What is sent next, and from where in the journals.

use super::receiving::weight;
use super::{Effect, Now, RETRY_MS, Reading, Session, WINDOW_BATCHES, WINDOW_LEN};
use crate::wire::{BATCH_LEN, Frame};
use records::bundle::{Bundle, Head};
use records::id::JournalId;
use std::ops::Bound;

impl Session {
    /// Asks for the next batch to send, if there is one and the window allows it.
    pub(super) fn pump(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.reading.is_some() {
            return;
        }
        if let Some((journal, seq)) = self.evidence.pop_front() {
            self.read_from(journal, seq.saturating_sub(1), true, effects);
            return;
        }
        let open = self.in_flight_len < WINDOW_LEN && self.in_flight.len() < WINDOW_BATCHES;
        if !open {
            return;
        }
        if let Some(journal) = self.next_journal(now) {
            let after = self.tracks.get(&journal).map_or(0, |track| track.sent);
            self.last_served = Some(journal);
            self.read_from(journal, after, false, effects);
        }
    }

    fn read_from(
        &mut self,
        journal: JournalId,
        after: u64,
        evidence: bool,
        effects: &mut Vec<Effect>,
    ) {
        self.reading = Some(Reading {
            journal,
            after,
            evidence,
        });
        effects.push(Effect::Read {
            journal,
            after,
            max_bytes: if evidence { 1 } else { BATCH_LEN },
        });
    }

    /// The institution journal as long as it has anything, then the others by turns.
    fn next_journal(&self, now: Now) -> Option<JournalId> {
        let wanting = |head: &&Head| self.lacks(head, now);
        let institution = self.local.get(&JournalId::INSTITUTION);
        if let Some(head) = institution.filter(wanting) {
            return Some(head.journal);
        }
        let from = self.last_served.map_or(Bound::Unbounded, Bound::Excluded);
        let later = self.local.range((from, Bound::Unbounded));
        later
            .chain(self.local.iter())
            .map(|(_, head)| head)
            .find(wanting)
            .map(|head| head.journal)
    }

    fn lacks(&self, head: &Head, now: Now) -> bool {
        self.tracks.get(&head.journal).is_none_or(|track| {
            head.seq > track.sent && !track.frozen && now.mono_ms >= track.retry_at
        })
    }

    /// Sends what was read.
    pub(super) fn read(&mut self, mut bundles: Vec<Bundle>, now: Now, effects: &mut Vec<Effect>) {
        let Some(reading) = self.reading.take() else {
            return;
        };
        let journal = reading.journal;
        if reading.evidence {
            bundles.truncate(1);
        } else if self.contradicts(&reading, &bundles) {
            self.fork(journal, reading.after, effects);
            return;
        }
        let verified = self.settle_claim(&reading);
        self.report_acked(verified, effects);
        let track = self.tracks.entry(journal).or_default();
        if bundles.is_empty() {
            track.retry_at = now.mono_ms + RETRY_MS;
            return;
        }
        // Meanwhile the peer may have got some of these from elsewhere.
        let surplus = track.sent.saturating_sub(reading.after);
        if !reading.evidence && surplus > 0 {
            let surplus = usize::try_from(surplus).unwrap_or(usize::MAX);
            bundles.drain(..surplus.min(bundles.len()));
            if bundles.is_empty() {
                return;
            }
        }
        let after = if reading.evidence {
            reading.after
        } else {
            reading.after.max(track.sent)
        };
        let last = after + bundles.len() as u64;
        track.sent = track.sent.max(last);
        track.told = track.told.max(last);
        let len = weight(&bundles);
        self.in_flight.push_back(len);
        self.in_flight_len += len;
        self.batches_out += 1;
        effects.push(Effect::Send(Frame::Bundles {
            journal,
            after,
            bundles,
        }));
    }

    /// Whether our chain after the peer's head does not name that head as its predecessor.
    fn contradicts(&self, reading: &Reading, bundles: &[Bundle]) -> bool {
        let Some(claimed) = self.claim(reading) else {
            return false;
        };
        let first = bundles.first().and_then(|b| b.decode_header().ok());
        first.is_some_and(|header| header.prev != claimed.hash)
    }

    fn settle_claim(&mut self, reading: &Reading) -> Vec<Head> {
        let Some(claimed) = self.claim(reading) else {
            return Vec::new();
        };
        if let Some(track) = self.tracks.get_mut(&reading.journal) {
            track.claimed = None;
        }
        vec![claimed]
    }

    fn claim(&self, reading: &Reading) -> Option<Head> {
        let claimed = self.tracks.get(&reading.journal)?.claimed?;
        (claimed.seq == reading.after && !reading.evidence).then_some(claimed)
    }
}
