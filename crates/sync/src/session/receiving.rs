//! What a peer says, and what became of what it sent.

use super::{
    CloseReason, Effect, MAX_JOURNALS, MAX_STRANGERS, Now, Outcome, QUOTA_LEN, RETRY_LAST_MS,
    RETRY_MS, SMALL_TALK, SMALL_TALK_REFILL_MS, Session, Stage,
};
use crate::status::FaultCode;
use crate::wire::{Ack, Frame, Hello, Lane, MAX_HEADS, PROTOCOL, Run, weight};
use records::bundle::Head;
use records::id::JournalId;
use std::cmp::Ordering;
use std::collections::BTreeSet;

impl Session {
    pub(super) fn received(
        &mut self,
        frame: Frame,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), CloseReason> {
        match (self.stage, frame) {
            (Stage::Hello, Frame::Hello(hello)) => self.greeted(&hello),
            (Stage::Frontier, Frame::Frontier(heads)) => self.opened(heads, now, effects),
            (Stage::Open, Frame::Bundles { runs, lane }) if !runs.is_empty() => {
                if lane == Lane::Bulk {
                    self.scrub.heard(now);
                }
                runs.into_iter()
                    .try_for_each(|run| self.bundles(lane, run, effects))
            }
            (Stage::Open, Frame::Ack(ack)) => self.acked(ack, now, effects),
            (Stage::Open, Frame::Reach(sites)) => {
                self.spend_small_talk(now)?;
                self.home.reached = sites.iter().map(|reached| reached.site).collect();
                effects.push(Effect::Reach(sites));
                Ok(())
            }
            (Stage::Open, Frame::Addresses(all)) => {
                self.spend_small_talk(now)?;
                effects.push(Effect::Addresses(all));
                Ok(())
            }
            (Stage::Open, Frame::Copied { since_ms, starts }) => {
                self.spend_small_talk(now)?;
                effects.push(Effect::Copied { since_ms, starts });
                Ok(())
            }
            (Stage::Open, Frame::Ping { nonce }) => {
                self.spend_small_talk(now)?;
                let wall_ms = now.wall_ms;
                effects.push(Effect::Send(Frame::Pong { nonce, wall_ms }));
                Ok(())
            }
            (Stage::Open, Frame::Pong { nonce, wall_ms }) => {
                self.spend_small_talk(now)?;
                self.pong(nonce, wall_ms, now, effects);
                Ok(())
            }
            (
                Stage::Open,
                frame @ (Frame::Scrub { .. }
                | Frame::Want(_)
                | Frame::Give { .. }
                | Frame::Took { .. }),
            ) => self.scrubbed(effects, |scrub, effects| {
                scrub.received(frame, now, effects)
            }),
            (Stage::Open, Frame::Branch(branch)) => self.heard_of_branch(branch, now, effects),
            _ => Err(CloseReason::Protocol),
        }
    }

    fn greeted(&mut self, hello: &Hello) -> Result<(), CloseReason> {
        if hello.institution != self.own.institution {
            return Err(CloseReason::Institution);
        }
        if hello.site != self.peer {
            return Err(CloseReason::Site);
        }
        if !hello.versions.contains(&PROTOCOL) {
            return Err(CloseReason::Version);
        }
        self.theirs = Some(hello.clone());
        self.stage = Stage::Frontier;
        Ok(())
    }

    fn opened(
        &mut self,
        heads: Vec<Head>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), CloseReason> {
        let named: BTreeSet<_> = heads.iter().map(|head| head.journal).collect();
        if named.len() != heads.len() || heads.iter().any(|head| head.seq == 0) {
            return Err(CloseReason::Protocol);
        }
        self.stage = Stage::Open;
        effects.push(Effect::Up);
        let own = self.own.site;
        let ours = heads.iter().filter(|head| head.journal.site == own);
        effects.push(Effect::Holds(ours.copied().collect()));
        self.compare(heads, effects)?;
        if let Some(reach) = &self.reach {
            effects.push(Effect::Send(Frame::Reach(reach.clone())));
        }
        if let Some(addresses) = &self.addresses {
            effects.push(Effect::Send(Frame::Addresses(addresses.clone())));
        }
        self.opened_ms = now.mono_ms;
        self.send_ping(now, effects);
        Ok(())
    }

    /// Takes heads the peer says it durably holds.
    fn compare(&mut self, heads: Vec<Head>, effects: &mut Vec<Effect>) -> Result<(), CloseReason> {
        let mut acked = Vec::new();
        for head in heads {
            let own = JournalId {
                site: self.own.site,
                incarnation: self.own.incarnation,
            };
            let local = self.local.get(&head.journal).copied();
            let local_seq = local.map_or(0, |local| local.seq);
            let is_ours = head.journal.site == own.site && head.journal >= own;
            let track = self.track(head.journal)?;
            track.named(head);
            if head.seq > track.known {
                track.known = head.seq;
                track.retries = 0;
                if head.seq > track.sent {
                    // It came from elsewhere, so elsewhere is not idle.
                    track.left_since = None;
                }
            }
            track.sent = track.sent.max(track.known);
            match (head.seq.cmp(&local_seq), local) {
                (Ordering::Greater, _) if is_ours => effects.push(Effect::Fault {
                    code: FaultCode::OwnJournalAhead,
                    journal: head.journal,
                    seq: head.seq,
                }),
                (Ordering::Equal, Some(local)) if local.hash != head.hash => {
                    self.fork(head.journal, head.seq, effects);
                }
                (Ordering::Equal, _) => acked.push(head),
                // Compared with our chain when its continuation is read; see `read`.
                (Ordering::Less, _) if track.sent == head.seq => track.claimed = Some(head),
                (Ordering::Less, _) => acked.push(head),
                (Ordering::Greater, _) => {}
            }
        }
        self.report_acked(acked, effects);
        Ok(())
    }

    /// A peer that holds a journal of ours as we do acknowledges it, also when it was ahead of us
    /// as it said so, or a closure has since put another chain in the journal's place.
    pub(super) fn report_alike(&mut self, effects: &mut Vec<Effect>) {
        let own = self.own.site;
        let ours = self.local.values().filter(|head| head.journal.site == own);
        let alike = ours.filter(|head| {
            let track = self.tracks.get(&head.journal);
            track.is_some_and(|track| [track.stated, track.furthest].contains(&Some(**head)))
        });
        let alike = alike.copied().collect();
        self.report_acked(alike, effects);
    }

    /// Passes on what says something about our own journals.
    pub(super) fn report_acked(&mut self, mut heads: Vec<Head>, effects: &mut Vec<Effect>) {
        heads.retain(|head| {
            let Some(track) = self.tracks.get_mut(&head.journal) else {
                return false;
            };
            let is_new = head.seq > track.reported && !track.frozen;
            track.reported = track.reported.max(head.seq);
            is_new && head.journal.site == self.own.site
        });
        if !heads.is_empty() {
            effects.push(Effect::Acked(heads));
        }
    }

    fn bundles(
        &mut self,
        lane: Lane,
        run: Run,
        effects: &mut Vec<Effect>,
    ) -> Result<(), CloseReason> {
        let (journal, bundles) = (run.journal, run.bundles);
        if bundles.is_empty() {
            return Err(CloseReason::Protocol);
        }
        let last = run.after + bundles.len() as u64;
        let len = weight(&bundles);
        if self.unadmitted.of(lane).len() + len > QUOTA_LEN {
            return Err(CloseReason::Quota);
        }
        let ours = journal.site == self.own.site;
        let track = self.track(journal)?;
        // Who gives us bundles of our own back, lost with an older copy of the disk, holds them.
        if let Some(bundle) = bundles.last().filter(|_| ours) {
            track.named(Head {
                journal,
                seq: last,
                hash: bundle.hash(),
            });
        }
        track.known = track.known.max(last);
        track.sent = track.sent.max(track.known);
        self.unadmitted.of_mut(lane).push(journal, len);
        effects.push(Effect::Admit {
            lane,
            journal,
            bundles,
        });
        Ok(())
    }

    pub(super) fn admitted(
        &mut self,
        lane: Lane,
        outcome: &Outcome,
        effects: &mut Vec<Effect>,
    ) -> Result<(), CloseReason> {
        let Some(journal) = self.unadmitted.of_mut(lane).pop() else {
            return Ok(());
        };
        self.learn(outcome, effects)?;
        // What nobody signed may be damage on the peer's disk, which is mended there some day.
        let again = outcome.lost || outcome.strangers > 0;
        if again && !self.lost.contains(&journal) {
            self.lost.push(journal);
        }
        if outcome.later {
            self.stopped_at(journal, effects)?;
        }
        Ok(())
    }

    /// What bundles from the peer came to, however they came.
    pub(super) fn learn(
        &mut self,
        outcome: &Outcome,
        effects: &mut Vec<Effect>,
    ) -> Result<(), CloseReason> {
        self.set_local(&outcome.heads);
        self.strangers = self.strangers.saturating_add(outcome.strangers);
        if self.strangers > MAX_STRANGERS {
            return Err(CloseReason::Strangers);
        }
        for (journal, seq) in &outcome.forks {
            self.track(*journal)?;
            self.fork(*journal, *seq, effects);
        }
        Ok(())
    }

    /// The journal cannot be followed any further before this program is upgraded.
    fn stopped_at(
        &mut self,
        journal: JournalId,
        effects: &mut Vec<Effect>,
    ) -> Result<(), CloseReason> {
        let seq = self.local.get(&journal).map_or(0, |head| head.seq) + 1;
        let track = self.track(journal)?;
        if !track.later {
            track.later = true;
            let code = FaultCode::LaterVersion;
            effects.push(Effect::Fault { code, journal, seq });
        }
        Ok(())
    }

    /// Tells the peer what we durably hold of what it has, once per change.
    pub(super) fn acknowledge(&mut self, effects: &mut Vec<Effect>) {
        let mut heads = Vec::new();
        for (journal, local) in &self.local {
            let Some(track) = self.tracks.get_mut(journal) else {
                continue;
            };
            if heads.len() == MAX_HEADS {
                break;
            }
            // What the peer lacks is told by sending it.
            if local.seq <= track.known && local.seq > track.told {
                track.told = local.seq;
                heads.push(*local);
            }
        }
        let done = |lane| self.unadmitted.of(lane).done();
        let (batches, bulk_batches) = (done(Lane::Live), done(Lane::Bulk));
        if heads.is_empty() && batches + bulk_batches == self.batches_told {
            return;
        }
        self.batches_told = batches + bulk_batches;
        effects.push(Effect::Send(Frame::Ack(Ack {
            batches,
            heads,
            lost: std::mem::take(&mut self.lost),
            bulk_batches,
        })));
    }

    fn acked(&mut self, ack: Ack, now: Now, effects: &mut Vec<Effect>) -> Result<(), CloseReason> {
        let mut brings_something = false;
        for lane in [Lane::Live, Lane::Bulk] {
            let (told, on_way) = (ack.batches_of(lane), self.in_flight.of(lane));
            if told < on_way.done() || told > on_way.seen() {
                return Err(CloseReason::Protocol);
            }
            brings_something |= told > on_way.done();
        }
        let known = |head: &Head| self.tracks.get(&head.journal).map_or(0, |t| t.known);
        if !brings_something && ack.heads.iter().all(|h| h.seq <= known(h)) {
            self.spend_small_talk(now)?;
        }
        if ack.bulk_batches > self.in_flight.of(Lane::Bulk).done() {
            self.scrub.heard(now);
        }
        for lane in [Lane::Live, Lane::Bulk] {
            self.arrived(lane, ack.batches_of(lane));
        }
        self.compare(ack.heads, effects)?;
        for journal in ack.lost {
            let track = self.track(journal)?;
            track.sent = track.known;
            // What it waits for is on its way meanwhile; sending the same again and again is not
            // what brings it.
            let wait = (RETRY_MS << track.retries.min(10)).min(RETRY_LAST_MS);
            track.retries += 1;
            track.retry_at = now.mono_ms + wait;
        }
        Ok(())
    }

    /// The peer has dealt with this many batches of a lane since the session began.
    fn arrived(&mut self, lane: Lane, batches: u64) {
        while self.in_flight.of(lane).done() < batches
            && let Some(journal) = self.in_flight.of_mut(lane).pop()
        {
            if let Some(track) = self.tracks.get_mut(&journal) {
                track.in_flight = track.in_flight.saturating_sub(1);
            }
        }
    }

    fn pong(&mut self, nonce: u64, wall_ms: i64, now: Now, effects: &mut Vec<Effect>) {
        if self.ping != Some(nonce) {
            return;
        }
        self.ping = None;
        let rtt_ms = now.mono_ms.saturating_sub(nonce);
        let half = i64::try_from(rtt_ms / 2).unwrap_or(0);
        let offset_ms = wall_ms.saturating_add(half).saturating_sub(now.wall_ms);
        effects.push(Effect::Clock { offset_ms, rtt_ms });
    }

    /// Frames that cost us something and bring nothing forward come at a bounded rate.
    pub(super) fn spend_small_talk(&mut self, now: Now) -> Result<(), CloseReason> {
        let earned = now.mono_ms.saturating_sub(self.refilled_ms) / SMALL_TALK_REFILL_MS;
        self.refilled_ms += earned * SMALL_TALK_REFILL_MS;
        self.small_talk = self.small_talk.saturating_add(earned).min(SMALL_TALK);
        self.small_talk = self.small_talk.checked_sub(1).ok_or(CloseReason::Quota)?;
        Ok(())
    }

    pub(super) fn track(&mut self, journal: JournalId) -> Result<&mut super::Track, CloseReason> {
        if self.tracks.len() >= MAX_JOURNALS && !self.tracks.contains_key(&journal) {
            return Err(CloseReason::Quota);
        }
        Ok(self.tracks.entry(journal).or_default())
    }
}
