//! One conversation between two sites, from Hello to the last live push. Pure.
//!
//! Both sides send [`Hello`] and their frontier at once. Each then sends what the other lacks:
//! the institution journal first, then the other journals by turns and some together, oldest
//! bundle first, in batches read on demand, with a bounded number of bytes not yet acknowledged. A
//! bundle that appears later travels the same way, so catching up and live push are one thing; so
//! is the hub's relaying, since a session sends whatever its store holds and its peer does not.
//!
//! The state machine takes an [`Event`] and the time and returns [`Effect`]s. It refuses to know
//! tokio, quinn, the store and the clock. It holds no bundle: only heads and byte counts.

mod agreement;
mod event;
pub mod fork;
mod lanes;
mod receiving;
mod sending;

pub use event::{CloseReason, Effect, Event, Now, Outcome, Position};
pub use lanes::{LIVE_LAG, Lag, Progress};

use crate::scrub::{self, Scrub};
use crate::status::FaultCode;
use crate::wire::{Address, Frame, Hello, Lane, MAX_HEADS, Reached};
use fork::Forks;
use lanes::{Lanes, OnWay};
use records::bundle::Head;
use records::id::{JournalId, SiteId};
use std::collections::{BTreeMap, BTreeSet};

/// A peer that has not said Hello and sent its frontier after this long is dropped, ms.
pub const HELLO_TIMEOUT_MS: u64 = 10_000;
/// How often the clocks are compared, ms.
pub const PING_EVERY_MS: u64 = 60_000;
/// Bytes of one lane sent and not yet acknowledged, at most (and one batch more).
pub const WINDOW_LEN: usize = 1024 * 1024;
/// Bytes of one lane received and not yet admitted, at which [`Session::wants_input`] turns
/// false.
pub const RECEIVE_LEN: usize = 1024 * 1024;
/// Bytes of one lane received and not yet admitted, over which the peer has ignored its window.
pub const QUOTA_LEN: usize = 4 * 1024 * 1024;
/// Bundles not signed by any known site that one connection may bring.
pub const MAX_STRANGERS: u32 = 64;
/// Journals a session keeps account of.
pub const MAX_JOURNALS: usize = 2048;
const WINDOW_BATCHES: usize = 64;
const RETRY_MS: u64 = 2_000;
const RETRY_LAST_MS: u64 = 60_000;
/// How long a journal is left to its home site while nothing of it arrives.
const LEFT_MS: u64 = 3_000;
const SMALL_TALK: u64 = 200;
const SMALL_TALK_REFILL_MS: u64 = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Hello,
    Frontier,
    Open,
    Closed,
}

/// What is known of the peer's copy of one journal.
#[derive(Debug, Default)]
struct Track {
    /// The peer has said or shown that it holds up to here.
    known: u64,
    /// Sent up to here, or known.
    sent: u64,
    /// The peer knows that we hold up to here.
    told: u64,
    /// A head the peer named that our chain must still be compared with.
    claimed: Option<Head>,
    /// Passed on as acknowledged up to here.
    reported: u64,
    /// Forked: nothing more of it is sent to this peer.
    frozen: bool,
    /// Only a later version reads what comes next; told once.
    later: bool,
    /// The furthest head the peer has named, or sent of a journal of ours.
    furthest: Option<Head>,
    /// The head the peer named last as that of a forked journal.
    stated: Option<Head>,
    /// The peer could not keep what we sent; not before this time again.
    retry_at: u64,
    /// How often in a row it could not.
    retries: u32,
    /// Where its bundles are on the way, while any are.
    lane: Lane,
    in_flight: u32,
    /// The clock of the last bundle sent; orders bulk.
    sent_hlc: u64,
    /// Since when its home site is given the time to bring it itself.
    left_since: Option<u64>,
}

impl Track {
    fn named(&mut self, head: Head) {
        if self.furthest.is_none_or(|furthest| furthest.seq < head.seq) {
            self.furthest = Some(head);
        }
    }
}

/// The state of one conversation.
#[derive(Debug)]
pub struct Session {
    own: Hello,
    peer: SiteId,
    theirs: Option<Hello>,
    stage: Stage,
    started_ms: u64,
    opened_ms: u64,
    local: BTreeMap<JournalId, Head>,
    tracks: BTreeMap<JournalId, Track>,
    /// The unanswered read.
    reading: Option<Reading>,
    last_served: Option<JournalId>,
    in_flight: Lanes<OnWay>,
    unadmitted: Lanes<OnWay>,
    batches_told: u64,
    progress: Progress,
    lost: Vec<JournalId>,
    strangers: u32,
    reach: Option<Vec<Reached>>,
    addresses: Option<Vec<Address>>,
    yields: bool,
    home: Home,
    ping: Option<u64>,
    next_ping_ms: u64,
    small_talk: u64,
    refilled_ms: u64,
    scrub: Scrub,
    forks: Forks,
}

/// Who brings a peer the journals of third sites: they themselves, if they are linked with it.
#[derive(Debug, Default)]
struct Home {
    /// The peer is the hub and tells whom it reaches; we are not the hub.
    applies: bool,
    /// Whom the peer reaches, as it said last.
    reached: BTreeSet<SiteId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reading {
    from: Vec<Position>,
    lane: Lane,
}

impl Session {
    /// Begins a conversation with the site that the peer's certificate names. The effects send
    /// our Hello and frontier.
    #[must_use]
    pub fn new(own: Hello, peer: SiteId, heads: &[Head], now: Now) -> (Self, Vec<Effect>) {
        let local: BTreeMap<_, _> = heads.iter().map(|head| (head.journal, *head)).collect();
        let track = |head: &Head| Track {
            told: head.seq,
            ..Track::default()
        };
        // The institution's comes first; nobody takes more.
        let told = local.iter().take(MAX_HEADS);
        let tracks = told.map(|(id, head)| (*id, track(head))).collect();
        let effects = vec![
            Effect::Send(Frame::Hello(own.clone())),
            Effect::Send(Frame::Frontier(
                local.values().copied().take(MAX_HEADS).collect(),
            )),
        ];
        let session = Self {
            own,
            peer,
            theirs: None,
            stage: Stage::Hello,
            started_ms: now.mono_ms,
            opened_ms: 0,
            local,
            tracks,
            reading: None,
            last_served: None,
            in_flight: Lanes::default(),
            unadmitted: Lanes::default(),
            batches_told: 0,
            progress: Progress::default(),
            lost: Vec::new(),
            strangers: 0,
            reach: None,
            addresses: None,
            yields: false,
            home: Home::default(),
            ping: None,
            next_ping_ms: 0,
            small_talk: SMALL_TALK,
            refilled_ms: now.mono_ms,
            scrub: Scrub::new(now),
            forks: Forks::default(),
        };
        (session, effects)
    }

    /// The peer is the hub and we are a campus: journals of sites that the hub reaches are left to
    /// those sites for a while, so that nothing arrives twice after campuses were linked without
    /// the hub.
    #[must_use]
    pub fn with_hub(mut self) -> Self {
        self.home.applies = true;
        self
    }

    /// Takes one event and returns what to do. A closed session does nothing more.
    #[must_use]
    pub fn handle(&mut self, event: Event, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.stage == Stage::Closed {
            return effects;
        }
        let result = match event {
            Event::Received(frame) => self.received(frame, now, &mut effects),
            Event::LocalHeads(heads) => {
                self.set_local(&heads);
                Ok(())
            }
            Event::Bundles(read) => {
                self.read(read, now, &mut effects);
                Ok(())
            }
            Event::Admitted(lane, outcome) => self.admitted(lane, &outcome, &mut effects),
            Event::Reach(sites) => {
                self.set_reach(sites, &mut effects);
                Ok(())
            }
            Event::Scrub(event) => self.scrubbed(&mut effects, |scrub, effects| {
                scrub.handle(event, now, effects)
            }),
            Event::Fork(event) => self.forked(event, now, &mut effects),
            Event::Addresses(all) => {
                self.set_addresses(all, &mut effects);
                Ok(())
            }
            Event::Yield(yields) => {
                self.yields = yields;
                Ok(())
            }
            Event::Tick => self.tick(now, &mut effects),
        };
        if let Err(reason) = result {
            self.stage = Stage::Closed;
            effects.push(Effect::Close(reason));
            return effects;
        }
        if self.stage == Stage::Open {
            self.acknowledge(&mut effects);
            self.report_alike(&mut effects);
            self.exchange_branches(now, &mut effects);
            self.pump(now, &mut effects);
            self.update_progress();
        }
        effects
    }

    /// Whether the driver should read further frames of a lane; false while the store is behind.
    /// Everything comes on the live lane but bundles that were missed.
    #[must_use]
    pub fn wants_input(&self, lane: Lane) -> bool {
        self.unadmitted.of(lane).len() < RECEIVE_LEN
    }

    /// How far the two sides are behind each other.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress
    }

    fn update_progress(&mut self) {
        let (mut incoming, mut outgoing) = (0u64, 0u64);
        for (id, track) in self.tracks.iter().filter(|(_, track)| !track.frozen) {
            let held = self.local.get(id).map_or(0, |head| head.seq);
            incoming = incoming.saturating_add(track.known.saturating_sub(held));
            outgoing = outgoing.saturating_add(held.saturating_sub(track.known));
        }
        for (id, head) in &self.local {
            if !self.tracks.contains_key(id) {
                outgoing = outgoing.saturating_add(head.seq);
            }
        }
        self.progress = Progress {
            incoming: self.progress.incoming.next(incoming),
            outgoing: self.progress.outgoing.next(outgoing),
        };
    }

    /// How the peer introduced itself.
    #[must_use]
    pub fn theirs(&self) -> Option<&Hello> {
        self.theirs.as_ref()
    }

    /// Whether the peer has introduced itself.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether both sides hold the same, as far as this side knows.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.stage == Stage::Open
            && self.reading.is_none()
            && self.forks.is_quiet()
            && self.in_flight.both().iter().all(|lane| lane.batches() == 0)
            && self
                .unadmitted
                .both()
                .iter()
                .all(|lane| lane.batches() == 0)
            && self.local.iter().all(|(id, head)| {
                let track = self.tracks.get(id);
                track.is_some_and(|track| track.known >= head.seq || track.frozen)
            })
    }

    /// What the store holds now. A closure may have put another, shorter chain in place of a
    /// journal.
    fn set_local(&mut self, heads: &[Head]) {
        for head in heads {
            if self.local.insert(head.journal, *head) != Some(*head) {
                self.thaw(head.journal);
            }
        }
    }

    fn set_reach(&mut self, sites: Vec<Reached>, effects: &mut Vec<Effect>) {
        if self.reach.as_ref() != Some(&sites) {
            if self.stage == Stage::Open {
                effects.push(Effect::Send(Frame::Reach(sites.clone())));
            }
            self.reach = Some(sites);
        }
    }

    fn set_addresses(&mut self, all: Vec<Address>, effects: &mut Vec<Effect>) {
        // An empty list is said, too: the peer may remember one of an earlier link.
        if self.addresses.as_ref() != Some(&all) {
            if self.stage == Stage::Open {
                effects.push(Effect::Send(Frame::Addresses(all.clone())));
            }
            self.addresses = Some(all);
        }
    }

    fn tick(&mut self, now: Now, effects: &mut Vec<Effect>) -> Result<(), CloseReason> {
        if self.stage != Stage::Open {
            let waited = now.mono_ms.saturating_sub(self.started_ms);
            return if waited > HELLO_TIMEOUT_MS {
                Err(CloseReason::Silent)
            } else {
                Ok(())
            };
        }
        if now.mono_ms >= self.next_ping_ms {
            self.send_ping(now, effects);
        }
        self.scrubbed(effects, |scrub, effects| {
            scrub.tick(now, effects);
            Ok(())
        })
    }

    /// Lets the scrub act and passes on what it asks for.
    fn scrubbed(
        &mut self,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Scrub, &mut Vec<scrub::Effect>) -> Result<(), CloseReason>,
    ) -> Result<(), CloseReason> {
        if self.stage != Stage::Open {
            return Ok(());
        }
        let mut asked = Vec::new();
        act(&mut self.scrub, &mut asked)?;
        effects.extend(asked.into_iter().map(|effect| match effect {
            scrub::Effect::Send(frame) => Effect::Send(frame),
            scrub::Effect::Work(work) => Effect::Scrub(work),
            scrub::Effect::Report(report) => Effect::Scrubbed(report),
        }));
        Ok(())
    }

    fn send_ping(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.ping = Some(now.mono_ms);
        self.next_ping_ms = now.mono_ms + PING_EVERY_MS;
        let nonce = now.mono_ms;
        effects.push(Effect::Send(Frame::Ping { nonce }));
    }

    /// Stops pushing a journal to this peer; its chains are exchanged by [`fork`].
    fn fork(&mut self, journal: JournalId, seq: u64, effects: &mut Vec<Effect>) {
        let track = self.tracks.entry(journal).or_default();
        if !track.frozen {
            track.frozen = true;
            effects.push(Effect::Fault {
                code: FaultCode::Fork,
                journal,
                seq,
            });
        }
    }
}

#[cfg(test)]
mod tests;
