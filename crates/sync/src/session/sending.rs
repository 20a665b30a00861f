//! What is sent next, and from where in the journals.

use super::{
    Effect, LEFT_MS, LIVE_LAG, Now, Position, RETRY_MS, Reading, Session, Track, WINDOW_BATCHES,
    WINDOW_LEN,
};
use crate::wire::{BATCH_LEN, Frame, LIVE_BATCH_LEN, Lane, MAX_RUNS, Run, weight};
use records::bundle::{Bundle, Head};
use records::id::JournalId;

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
            let journals = self.next_journals(lane, now);
            if !journals.is_empty() {
                self.read_from(&journals, lane, effects);
                return;
            }
        }
    }

    fn read_from(&mut self, journals: &[JournalId], lane: Lane, effects: &mut Vec<Effect>) {
        let position = |journal: &JournalId| Position {
            journal: *journal,
            after: self.tracks.get(journal).map_or(0, |track| track.sent),
        };
        let from: Vec<Position> = journals.iter().map(position).collect();
        let batch = match lane {
            Lane::Live => LIVE_BATCH_LEN,
            Lane::Bulk => BATCH_LEN,
        };
        let max_bytes = batch / from.len();
        self.reading = Some(Reading {
            from: from.clone(),
            lane,
        });
        effects.push(Effect::Read { from, max_bytes });
    }

    /// What travels together, so that bundles come behind those they name. Live: the institution
    /// journal alone as long as it has anything, then the others by turns. Bulk: the journals that
    /// are furthest back in time.
    fn next_journals(&mut self, lane: Lane, now: Now) -> Vec<JournalId> {
        let heads = self.local.values();
        let wanting = heads.filter(|head| self.lane_of(head, now) == Some(lane));
        let mut next: Vec<JournalId> = wanting.map(|head| head.journal).collect();
        if lane == Lane::Bulk {
            next.sort_by_key(|journal| self.tracks.get(journal).map_or(0, |t| t.sent_hlc));
            next.truncate(MAX_RUNS);
            return next;
        }
        if next.contains(&JournalId::INSTITUTION) {
            return vec![JournalId::INSTITUTION];
        }
        let last = self.last_served;
        let served = next.partition_point(|journal| last.is_some_and(|last| *journal <= last));
        next.rotate_left(served);
        next.truncate(MAX_RUNS);
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
    pub(super) fn read(&mut self, read: Vec<Vec<Bundle>>, now: Now, effects: &mut Vec<Effect>) {
        let Some(Reading { from, lane }) = self.reading.take() else {
            return;
        };
        let horizon = match lane {
            Lane::Live => None,
            Lane::Bulk => self.horizon(&from, &read),
        };
        let (mut runs, mut len) = (Vec::new(), 0);
        for (position, mut bundles) in from.into_iter().zip(read) {
            if let Some((journal, hlc)) = horizon
                && journal != position.journal
                && !bundles.is_empty()
            {
                bundles.truncate(bundles.partition_point(|bundle| hlc_of(bundle) <= hlc));
                if bundles.is_empty() {
                    continue;
                }
            }
            // After large bundles the rest is read again: a batch and one bundle fit a frame.
            if len > BATCH_LEN {
                break;
            }
            if lane == Lane::Live {
                self.last_served = Some(position.journal);
            }
            if let Some(run) = self.run(position, lane, bundles, now, effects) {
                len += weight(&run.bundles);
                runs.push(run);
            }
        }
        if !runs.is_empty() {
            effects.push(Effect::Send(Frame::Bundles { runs, lane }));
        }
    }

    /// Up to where all journals read are read, and which of them reaches the least far: what the
    /// others have beyond it would wait at the peer for what is not read yet.
    fn horizon(&self, from: &[Position], read: &[Vec<Bundle>]) -> Option<(JournalId, u64)> {
        let read = from.iter().zip(read).filter(|(position, bundles)| {
            let last = position.after + bundles.len() as u64;
            let local = self.local.get(&position.journal);
            local.is_some_and(|head| head.seq > last)
        });
        let reach = read.filter_map(|(position, bundles)| {
            let last = bundles.last()?;
            Some((position.journal, hlc_of(last)))
        });
        reach.min_by_key(|(_, hlc)| *hlc)
    }

    /// What of the bundles that were read is to be sent.
    fn run(
        &mut self,
        position: Position,
        lane: Lane,
        mut bundles: Vec<Bundle>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Option<Run> {
        let journal = position.journal;
        let Some(sent_hlc) = bundles.last().map(hlc_of) else {
            let track = self.tracks.entry(journal).or_default();
            track.retry_at = now.mono_ms + RETRY_MS;
            return None;
        };
        if self.contradicts(position, &bundles) {
            self.fork(journal, position.after, effects);
            return None;
        }
        let verified = self.settle_claim(position);
        self.report_acked(verified, effects);
        let track = self.tracks.entry(journal).or_default();
        // A closure may have put another chain in the journal's place meanwhile; or the peer may
        // have got some of these from elsewhere.
        let surplus = usize::try_from(track.sent.checked_sub(position.after)?).ok()?;
        bundles.drain(..surplus.min(bundles.len()));
        // What the peer has named meanwhile is compared with what is read after it.
        if bundles.is_empty() || surplus > 0 && track.claimed.is_some() {
            return None;
        }
        let after = track.sent;
        let last = after + bundles.len() as u64;
        track.sent = last;
        track.told = track.told.max(last);
        track.lane = lane;
        track.in_flight += 1;
        track.sent_hlc = sent_hlc.max(track.sent_hlc);
        self.in_flight.of_mut(lane).push(journal, weight(&bundles));
        Some(Run {
            journal,
            after,
            bundles,
        })
    }

    /// Whether our chain after the peer's head does not name that head as its predecessor.
    fn contradicts(&self, position: Position, bundles: &[Bundle]) -> bool {
        let Some(claimed) = self.claim(position) else {
            return false;
        };
        let first = bundles.first().and_then(|b| b.decode_header().ok());
        first.is_some_and(|header| header.prev != claimed.hash)
    }

    fn settle_claim(&mut self, position: Position) -> Vec<Head> {
        let Some(claimed) = self.claim(position) else {
            return Vec::new();
        };
        if let Some(track) = self.tracks.get_mut(&position.journal) {
            track.claimed = None;
        }
        vec![claimed]
    }

    fn claim(&self, position: Position) -> Option<Head> {
        let claimed = self.tracks.get(&position.journal)?.claimed?;
        (claimed.seq == position.after).then_some(claimed)
    }
}

/// The clock of a bundle of ours; 0 for one that is damaged.
fn hlc_of(bundle: &Bundle) -> u64 {
    bundle.decode_header().map_or(0, |header| header.hlc)
}
