//! Forked journals between two sites: either side names the ends of all chains it holds of them,
//! and whoever lacks one fetches that chain whole. Pure.
//!
//! A journal that went on at two places is no line of numbers any more, so heads do not tell what
//! is missing, and nothing more of it is pushed to a peer that has another bundle at a place.
//! Instead the ends are told whenever they change, also when the other side of a fork came from a
//! third site, a scrub or a carried file; so the hub passes branches on like everything else.
//! Chains are asked for one at a time and a batch at a time. What the store holds after each batch
//! is looked at anew, so a link may break anywhere, and a batch that changed nothing (the store
//! keeps only so much of a fork) ends the attempt for a while.

use super::{CloseReason, Effect, Now, Outcome, RETRY_MS, Session, Track};
use crate::wire::{Branch, Frame, Lacking, MAX_HAVE, MAX_HEADS};
use records::bundle::{Bundle, Head};
use records::id::JournalId;
use std::collections::{BTreeMap, BTreeSet};

/// So many ends are as much work as another small frame.
const ENDS_AT_ONCE: usize = 64;
/// A chain that could not be had is not asked for again sooner than this, at last, ms.
const PATIENCE_MS: u64 = 600_000;

/// What happens about forked journals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The ends of everything the store holds of forked journals now.
    Ends(Vec<Head>),
    /// The answer to [`Work::Compare`]: those that are not held whole.
    Missing(Vec<Lacking>),
    /// The answer to [`Work::Read`].
    Chain(Vec<Bundle>),
    /// The answer to [`Work::Take`].
    Taken(Outcome),
}

/// What the driver asks the store for; answered in order, with the [`Event`] named there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Which of these ends are not held whole.
    Compare {
        /// The ends.
        ends: Vec<Head>,
        /// The last bundle that the peer gave of the chain asked for last.
        met: Option<Head>,
    },
    /// Read the next batch of a chain.
    Read(Lacking),
    /// Offer a batch of a chain to the store.
    Take(Vec<Bundle>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Idle,
    /// The store is asked what is missing.
    Comparing,
    /// The peer is asked for a batch.
    Wanting,
    /// The store is offered it.
    Taking,
}

/// Something that could not be had.
#[derive(Debug, Clone, Copy)]
struct Failed {
    times: u32,
    again_ms: u64,
}

/// What is known of forked journals on both sides.
#[derive(Debug, Default)]
pub(super) struct Forks {
    ours: Vec<Head>,
    /// Heads and ends as the peer was told last.
    told: (Vec<Head>, Vec<Head>),
    theirs: Vec<Head>,
    /// Something changed since the last comparison.
    due: bool,
    stage: Stage,
    /// What was asked for last.
    asked: Option<Lacking>,
    /// The last bundle given of that chain: where the chains part may be far from every place
    /// that was named, and what the peer then gives first is held already.
    met: Option<Head>,
    failed: BTreeMap<Head, Failed>,
    /// A question of the peer is being answered.
    serving: bool,
    /// How far the institution's decisions are held: a closure makes room.
    decided: u64,
}

impl Forks {
    /// Nothing is under way or due.
    pub(super) fn is_quiet(&self) -> bool {
        self.stage == Stage::Idle && !self.due && !self.serving
    }

    fn fail(&mut self, tip: Head, now: Now) {
        let failed = self.failed.entry(tip).or_insert(Failed {
            times: 0,
            again_ms: 0,
        });
        let wait = (RETRY_MS << failed.times.min(16)).min(PATIENCE_MS);
        failed.times += 1;
        failed.again_ms = now.mono_ms + wait;
    }

    /// Only ever further along one chain, so that a peer cannot lead us round in circles.
    fn note_met(&mut self, bundles: &[Bundle]) {
        let last = bundles.last().and_then(|bundle| {
            let header = bundle.decode_header().ok()?;
            Some(Head {
                journal: header.journal(),
                seq: header.seq,
                hash: bundle.hash(),
            })
        });
        let further = |last: &Head| self.met.is_none_or(|met| met.seq < last.seq);
        self.met = last.filter(further).or(self.met);
    }

    /// The first of what is missing that may be asked for now.
    fn choose(&mut self, missing: Vec<Lacking>, now: Now) -> Option<Lacking> {
        let tips: BTreeSet<Head> = missing.iter().map(|lacking| lacking.tip).collect();
        self.failed.retain(|tip, _| tips.contains(tip));
        let asked = self.asked.take();
        if let Some(stuck) = asked.as_ref().filter(|asked| missing.contains(asked)) {
            self.met = None;
            self.fail(stuck.tip, now);
        }
        let may = |lacking: &Lacking| {
            let failed = self.failed.get(&lacking.tip);
            failed.is_none_or(|failed| failed.again_ms <= now.mono_ms)
        };
        let chosen = missing.into_iter().find(may);
        let tip = |lacking: &Lacking| lacking.tip;
        if chosen.as_ref().map(tip) != asked.as_ref().map(tip) {
            self.met = None;
        }
        chosen
    }
}

impl Session {
    /// Takes an event about forked journals.
    pub(super) fn forked(
        &mut self,
        event: Event,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), CloseReason> {
        match event {
            Event::Ends(ends) => self.forks.ours = ends,
            Event::Missing(missing) => {
                self.forks.stage = Stage::Idle;
                if let Some(mut lacking) = self.forks.choose(missing, now) {
                    self.forks.asked = Some(lacking.clone());
                    self.forks.stage = Stage::Wanting;
                    lacking.have.truncate(MAX_HAVE);
                    effects.push(Effect::Send(Frame::Branch(Branch::Want(lacking))));
                }
            }
            Event::Chain(bundles) => {
                self.forks.serving = false;
                effects.push(Effect::Send(Frame::Branch(Branch::Give(bundles))));
            }
            Event::Taken(outcome) => {
                self.forks.stage = Stage::Idle;
                self.forks.due = true;
                self.learn(&outcome, effects)?;
            }
        }
        Ok(())
    }

    /// Takes what the peer says about forked journals.
    pub(super) fn heard_of_branch(
        &mut self,
        branch: Branch,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), CloseReason> {
        match branch {
            Branch::Ends { heads, ends } => {
                // Each is looked up.
                for _ in 0..=ends.len() / ENDS_AT_ONCE {
                    self.spend_small_talk(now)?;
                }
                self.forks.theirs = ends;
                self.forks.due = true;
                for head in heads {
                    self.restated(head)?;
                }
            }
            Branch::Want(lacking) => {
                self.spend_small_talk(now)?;
                if std::mem::replace(&mut self.forks.serving, true) {
                    return Err(CloseReason::Protocol);
                }
                effects.push(Effect::Fork(Work::Read(lacking)));
            }
            Branch::Give(bundles) => self.given(bundles, now, effects)?,
        }
        Ok(())
    }

    fn given(
        &mut self,
        bundles: Vec<Bundle>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), CloseReason> {
        if self.forks.stage != Stage::Wanting {
            return Err(CloseReason::Protocol);
        }
        if bundles.is_empty() {
            self.spend_small_talk(now)?;
            // The peer holds the end without what is before it, or no longer.
            self.forks.stage = Stage::Idle;
            self.forks.due = true;
            if let Some(asked) = self.forks.asked.take() {
                self.forks.fail(asked.tip, now);
            }
            return Ok(());
        }
        self.forks.note_met(&bundles);
        self.forks.stage = Stage::Taking;
        effects.push(Effect::Fork(Work::Take(bundles)));
        Ok(())
    }

    /// The peer's own word on the head of a journal that forked, which a closure may lower.
    fn restated(&mut self, head: Head) -> Result<(), CloseReason> {
        let track = self.track(head.journal)?;
        if track.stated == Some(head) {
            return Ok(());
        }
        track.stated = Some(head);
        if head.seq < track.known {
            track.known = head.seq;
            track.sent = track.sent.min(head.seq);
            track.claimed = Some(head);
        }
        self.thaw(head.journal);
        Ok(())
    }

    /// A journal that both sides hold alike again is carried on with.
    pub(super) fn thaw(&mut self, journal: JournalId) {
        let (Some(local), Some(track)) = (self.local.get(&journal), self.tracks.get_mut(&journal))
        else {
            return;
        };
        // The peer may have sent more since it said so.
        let apart = track.frozen || track.claimed == track.stated || track.known < local.seq;
        if track.stated == Some(*local) && apart {
            *track = Track {
                known: local.seq,
                sent: local.seq,
                told: local.seq,
                stated: track.stated,
                in_flight: track.in_flight,
                lane: track.lane,
                sent_hlc: track.sent_hlc,
                ..Track::default()
            };
        }
    }

    /// Tells the peer what is held of forked journals, if that changed; and begins to fetch what
    /// the peer holds of them and we do not.
    pub(super) fn exchange_branches(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let frozen = self.tracks.iter().filter(|(_, track)| track.frozen);
        let frozen = frozen.filter_map(|(journal, _)| self.local.get(journal));
        let ends: BTreeSet<Head> = self.forks.ours.iter().chain(frozen).copied().collect();
        let journals: BTreeSet<JournalId> = ends.iter().map(|head| head.journal).collect();
        let heads = journals
            .iter()
            .filter_map(|journal| self.local.get(journal));
        let holds: (Vec<Head>, Vec<Head>) = (
            heads.copied().take(MAX_HEADS).collect(),
            ends.into_iter().take(MAX_HEADS).collect(),
        );
        if holds != self.forks.told {
            let (heads, ends) = holds.clone();
            self.forks.told = holds;
            effects.push(Effect::Send(Frame::Branch(Branch::Ends { heads, ends })));
        }
        let decided = self.local.get(&JournalId::INSTITUTION).map_or(0, |h| h.seq);
        if decided > self.forks.decided {
            self.forks.decided = decided;
            self.forks.failed.clear();
            self.forks.due = true;
        }
        let mut failed = self.forks.failed.values();
        let again = failed.any(|failed| failed.again_ms <= now.mono_ms);
        self.forks.due = (self.forks.due || again) && !self.forks.theirs.is_empty();
        if self.forks.due && self.forks.stage == Stage::Idle && !self.yields {
            self.forks.due = false;
            self.forks.stage = Stage::Comparing;
            let (ends, met) = (self.forks.theirs.clone(), self.forks.met);
            effects.push(Effect::Fork(Work::Compare { ends, met }));
        }
    }
}
