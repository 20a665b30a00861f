//! Links between simulated sites: ordered and reliable while they stand, like a QUIC stream;
//! everything on the way is lost when one is cut.

use rand::Rng as _;
use rand::rngs::StdRng;
use records::bundle::{Bundle, Head};
use records::id::{JournalId, SiteId};
use std::collections::{BTreeMap, VecDeque};
use sync::session::{Effect, Event, Now, Session};
use sync::wire::{self, Frame, Hello, Lane};

const LONGEST_DELAY_MS: u64 = 400;

/// Something a site is to do for one of its sessions.
pub enum Work {
    /// Take a frame that has arrived.
    Take(Frame),
    /// Read bundles from the store.
    Read {
        /// Which journal.
        journal: JournalId,
        /// After which sequence number.
        after: u64,
        /// Until their bytes pass this.
        max_bytes: usize,
    },
    /// Offer bundles to the store.
    Admit(Lane, Vec<Bundle>),
    /// Note what the peer acknowledged.
    Acked(SiteId, Vec<Head>),
}

/// Work that is due at a site for its session with a peer.
pub struct Job {
    /// Which site.
    pub site: usize,
    /// Its session with whom.
    pub peer: usize,
    /// What.
    pub work: Work,
}

/// What a site brings to a new connection.
pub struct Opening {
    /// Which site.
    pub site: usize,
    /// What it says of itself.
    pub hello: Hello,
    /// Its store's heads.
    pub heads: Vec<Head>,
    /// Its time.
    pub now: Now,
}

/// One site's session on a connection, and what waits for it.
struct End {
    session: Session,
    peer: SiteId,
    inbound: VecDeque<(u64, Frame)>,
    store: VecDeque<Work>,
    last_arrival_ms: u64,
}

impl End {
    /// The driver stops reading while the store is behind.
    fn has_arrival(&self, now_ms: u64) -> bool {
        let arrived = self.inbound.front().is_some_and(|(at, _)| *at <= now_ms);
        arrived && self.session.wants_input(Lane::Live) && self.session.wants_input(Lane::Bulk)
    }

    fn is_due(&self, now_ms: u64) -> bool {
        !self.store.is_empty() || self.has_arrival(now_ms)
    }
}

fn begin(own: &Opening, peer: SiteId) -> (End, Vec<Effect>) {
    let (session, effects) = Session::new(own.hello.clone(), peer, &own.heads, own.now);
    let end = End {
        session,
        peer,
        inbound: VecDeque::new(),
        store: VecDeque::new(),
        last_arrival_ms: 0,
    };
    (end, effects)
}

/// The frame as its receiver decodes it.
fn recode(frame: &Frame) -> Frame {
    let bytes = wire::encode(frame).expect("sessions send frames within the limit");
    wire::decode_frame(&bytes[4..]).expect("a frame that was encoded decodes")
}

/// All links.
#[derive(Default)]
pub struct Network {
    ends: BTreeMap<(usize, usize), End>,
}

impl Network {
    /// Whether the two sites have a connection.
    #[must_use]
    pub fn is_connected(&self, a: usize, b: usize) -> bool {
        self.ends.contains_key(&(a, b)) || self.ends.contains_key(&(b, a))
    }

    /// Whether every session has told all it has, and nothing is on the way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.ends
            .values()
            .all(|end| end.session.is_quiet() && end.inbound.is_empty() && end.store.is_empty())
    }

    /// Opens a connection between two sites that have none.
    pub fn open(&mut self, rng: &mut StdRng, a: &Opening, b: &Opening) {
        let pair = [(a.site, b.site), (b.site, a.site)];
        let begun = [begin(a, b.hello.site), begin(b, a.hello.site)];
        let mut first = Vec::new();
        for (key, (end, effects)) in pair.into_iter().zip(begun) {
            self.ends.insert(key, end);
            first.push((key, effects));
        }
        for (((site, peer), effects), now) in first.into_iter().zip([a.now, b.now]) {
            self.apply(rng, site, peer, effects, now);
        }
    }

    /// Cuts a connection: both sessions end, what was on the way is lost. How many frames were,
    /// if there was a connection.
    pub fn cut(&mut self, a: usize, b: usize) -> Option<u64> {
        let ends = [self.ends.remove(&(a, b)), self.ends.remove(&(b, a))];
        let lost = ends.iter().flatten().map(|end| end.inbound.len() as u64);
        ends.iter().any(Option::is_some).then(|| lost.sum())
    }

    /// Gives a session an event, if that connection stands.
    pub fn handle(&mut self, rng: &mut StdRng, site: usize, peer: usize, event: Event, now: Now) {
        let Some(end) = self.ends.get_mut(&(site, peer)) else {
            return;
        };
        let effects = end.session.handle(event, now);
        self.apply(rng, site, peer, effects, now);
    }

    fn apply(
        &mut self,
        rng: &mut StdRng,
        site: usize,
        peer: usize,
        effects: Vec<Effect>,
        now: Now,
    ) {
        for effect in effects {
            match effect {
                Effect::Send(frame) => self.send(rng, site, peer, &frame, now),
                Effect::Read {
                    journal,
                    after,
                    max_bytes,
                } => self.queue(site, peer, |_| Work::Read {
                    journal,
                    after,
                    max_bytes,
                }),
                Effect::Admit { lane, bundles, .. } => {
                    self.queue(site, peer, |_| Work::Admit(lane, bundles));
                }
                Effect::Acked(heads) => {
                    self.queue(site, peer, |end| Work::Acked(end.peer, heads));
                }
                Effect::Close(_) => {
                    self.cut(site, peer);
                    return;
                }
                Effect::Up
                | Effect::Reach(_)
                | Effect::Clock { .. }
                | Effect::Scrub(_)
                | Effect::Scrubbed(_)
                | Effect::Fault { .. } => {}
            }
        }
    }

    fn queue(&mut self, site: usize, peer: usize, work: impl FnOnce(&End) -> Work) {
        if let Some(end) = self.ends.get_mut(&(site, peer)) {
            let work = work(end);
            end.store.push_back(work);
        }
    }

    /// The frame crosses as bytes, as on a real link, and arrives after those before it.
    fn send(&mut self, rng: &mut StdRng, site: usize, peer: usize, frame: &Frame, now: Now) {
        let delay = rng.random_range(1..LONGEST_DELAY_MS);
        let frame = recode(frame);
        if let Some(end) = self.ends.get_mut(&(peer, site)) {
            let arrival = (now.mono_ms + delay).max(end.last_arrival_ms);
            end.last_arrival_ms = arrival;
            end.inbound.push_back((arrival, frame));
        }
    }

    /// One piece of work that is due, drawn among all sessions.
    pub fn draw(&mut self, rng: &mut StdRng, now_ms: u64) -> Option<Job> {
        let due: Vec<_> = self
            .ends
            .iter()
            .filter(|(_, end)| end.is_due(now_ms))
            .map(|(key, _)| *key)
            .collect();
        if due.is_empty() {
            return None;
        }
        let (site, peer) = due[rng.random_range(0..due.len())];
        let end = self.ends.get_mut(&(site, peer))?;
        let from_store =
            !end.store.is_empty() && (!end.has_arrival(now_ms) || rng.random_range(0..2) == 0);
        let work = if from_store {
            end.store.pop_front()?
        } else {
            Work::Take(end.inbound.pop_front()?.1)
        };
        Some(Job { site, peer, work })
    }
}
