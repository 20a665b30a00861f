//! What is sent next, and from where in the journals.

use super::{
    Effect, LEFT_MS, LIVE_LAG, Now, RETRY_MS, Reading, Session, Track, WINDOW_BATCHES, WINDOW_LEN,
};
use crate::wire::{BATCH_LEN, Frame, LIVE_BATCH_LEN, Lane, weight};
use records::bundle::{Bundle, Head};
use records::id::JournalId;
use std::ops::Bound;

impl Session {
    /// Asks for the next batch to send, if there is one and the window allows it.
    pub(super) fn pump(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.reading.is_some() {
            return;
        }
        if self.yields {
            return;
        }
        self.leave_to_home(now);
        for lane in [Lane::Live, Lane::Bulk] {
            let on_way = self.in_flight.of(lane);
            if on_way.len() >= WINDOW_LEN || on_way.batches() >= WINDOW_BATCHES {
                continue;
            }
            if let Some(journal) = self.next_journal(lane, now) {
                let after = self.tracks.get(&journal).map_or(0, |track| track.sent);
                self.read_from(journal, after, lane, effects);
                return;
            }
        }
    }

    fn read_from(&mut self, journal: JournalId, after: u64, lane: Lane, effects: &mut Vec<Effect>) {
        self.reading = Some(Reading {
            journal,
            after,
            lane,
        });
        let max_bytes = match lane {
            Lane::Live => LIVE_BATCH_LEN,
            Lane::Bulk => BATCH_LEN,
        };
        effects.push(Effect::Read {
            journal,
            after,
            max_bytes,
        });
    }

    /// Live: the institution journal as long as it has anything, then the others by turns. Bulk:
    /// the journal that is furthest back in time.
    fn next_journal(&mut self, lane: Lane, now: Now) -> Option<JournalId> {
        let wanting = |head: &&Head| self.lane_of(head, now) == Some(lane);
        if lane == Lane::Bulk {
            let at = |head: &&Head| self.tracks.get(&head.journal).map_or(0, |t| t.sent_hlc);
            let next = self.local.values().filter(wanting).min_by_key(at);
            return next.map(|head| head.journal);
        }
        let institution = self.local.get(&JournalId::INSTITUTION);
        if let Some(head) = institution.filter(wanting) {
            return Some(head.journal);
        }
        let from = self.last_served.map_or(Bound::Unbounded, Bound::Excluded);
        let later = self.local.range((from, Bound::Unbounded));
        let next = later
            .chain(self.local.iter())
            .map(|(_, head)| head)
            .find(wanting)
            .map(|head| head.journal);
        self.last_served = next.or(self.last_served);
        next
    }

    /// Notes since when the journals the peer lacks could be brought by their own sites.
    fn leave_to_home(&mut self, now: Now) {
        if !self.home.applies {
            return;
        }
        // The others find the hub again at about the same time as we do.
        let just_opened = now.mono_ms.saturating_sub(self.opened_ms) < LEFT_MS;
        for (id, head) in &self.local {
            let track = self.tracks.entry(*id).or_default();
            let lacking = head.seq > track.sent;
            let third = id.site != self.own.site && *id != JournalId::INSTITUTION;
            let near = just_opened || self.home.reached.contains(&id.site);
            if !(lacking && third && near) {
                track.left_since = None;
            } else if track.left_since.is_none() {
                track.left_since = Some(now.mono_ms);
            }
        }
    }

    /// The lane that may carry the next batch of a journal; `None` if nothing is to be sent, or
    /// not before what is on the way in the other lane has arrived.
    fn lane_of(&self, head: &Head, now: Now) -> Option<Lane> {
        let unknown = Track::default();
        let track = self.tracks.get(&head.journal).unwrap_or(&unknown);
        let left = track.left_since;
        let left = left.is_some_and(|since| now.mono_ms.saturating_sub(since) < LEFT_MS);
        if head.seq <= track.sent || track.frozen || left || now.mono_ms < track.retry_at {
            return None;
        }
        let is_short = head.seq - track.sent <= LIVE_LAG;
        // What everything else is judged by is never bulk.
        let wanted = if is_short || head.journal == JournalId::INSTITUTION {
            Lane::Live
        } else {
            Lane::Bulk
        };
        match track.lane {
            lane if track.in_flight == 0 || lane == wanted => Some(wanted),
            Lane::Bulk => Some(Lane::Bulk),
            Lane::Live => None,
        }
    }

    /// Sends what was read.
    pub(super) fn read(&mut self, mut bundles: Vec<Bundle>, now: Now, effects: &mut Vec<Effect>) {
        let Some(reading) = self.reading.take() else {
            return;
        };
        let journal = reading.journal;
        if self.contradicts(&reading, &bundles) {
            self.fork(journal, reading.after, effects);
            return;
        }
        let verified = self.settle_claim(&reading);
        self.report_acked(verified, effects);
        let sent_hlc = bundles.last().and_then(|b| b.decode_header().ok());
        let track = self.tracks.entry(journal).or_default();
        if bundles.is_empty() {
            track.retry_at = now.mono_ms + RETRY_MS;
            return;
        }
        if track.sent < reading.after {
            // A closure has put another chain in the journal's place meanwhile.
            return;
        }
        // Meanwhile the peer may have got some of these from elsewhere.
        let surplus = track.sent.saturating_sub(reading.after);
        if surplus > 0 {
            let surplus = usize::try_from(surplus).unwrap_or(usize::MAX);
            bundles.drain(..surplus.min(bundles.len()));
            if bundles.is_empty() {
                return;
            }
        }
        let after = reading.after.max(track.sent);
        let last = after + bundles.len() as u64;
        track.sent = track.sent.max(last);
        track.told = track.told.max(last);
        track.lane = reading.lane;
        track.in_flight += 1;
        track.sent_hlc = sent_hlc.map_or(track.sent_hlc, |header| header.hlc);
        let len = weight(&bundles);
        self.in_flight.of_mut(reading.lane).push(journal, len);
        effects.push(Effect::Send(Frame::Bundles {
            journal,
            after,
            bundles,
            lane: reading.lane,
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
        (claimed.seq == reading.after).then_some(claimed)
    }
}
