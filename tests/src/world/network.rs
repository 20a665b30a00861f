//! Links between simulated sites: ordered and reliable while they stand, like a QUIC stream;
//! everything on the way is lost when one is cut.

use super::HUB;
use super::faults::{Fault, Faults};
use super::founding::site_id;
use ed25519_dalek::SigningKey;
use rand::Rng as _;
use rand::rngs::StdRng;
use records::bundle::{Bundle, Head};
use records::id::{ActionId, Hash, SiteId};
use records::payload::InstitutionOp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use sync::scrub;
use sync::session::{Effect, Event, Now, Position, Session, fork};
use sync::wire::{Ack, Frame, Hello, Lane, Streams, WireError};

/// A frame is on its way for less than this.
pub(super) const LONGEST_DELAY_MS: u64 = 400;

/// Something a site is to do for one of its sessions.
pub enum Work {
    /// Take what has arrived, and the frame that it is.
    Take(Vec<u8>, Result<Frame, WireError>),
    /// Read bundles from the store.
    Read {
        /// From where.
        from: Vec<Position>,
        /// Of each journal until their bytes pass this.
        max_bytes: usize,
    },
    /// Offer bundles to the store.
    Admit(Lane, Vec<Bundle>),
    /// Something about forked journals.
    Branch(fork::Work),
    /// Something a scrub asks for.
    Scrub(scrub::Work),
    /// Read everything on the disk.
    Check,
    /// Sign what was seen of others.
    Witness(ActionId),
    /// Decide in the institution's name.
    Decide(Box<InstitutionOp>, Box<SigningKey>),
    /// Note what the peer acknowledged.
    Acked(SiteId, Vec<Head>),
    /// Note all that the peer holds.
    Holds(SiteId, Vec<Head>),
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
    streams: Streams,
    peer: SiteId,
    /// Whom the peer reaches, as it said last.
    reach: BTreeSet<SiteId>,
    /// Whether the session was told to yield.
    yields: bool,
    live: Stream,
    bulk: Stream,
    store: VecDeque<Work>,
}

/// Frames on their way in order; the two streams of a link overtake each other.
#[derive(Default)]
struct Stream {
    inbound: VecDeque<(u64, Vec<u8>)>,
    last_arrival_ms: u64,
}

impl Stream {
    fn is_due(&self, now_ms: u64) -> bool {
        self.inbound.front().is_some_and(|(at, _)| *at <= now_ms)
    }
}

impl End {
    fn of(&mut self, lane: Lane) -> &mut Stream {
        match lane {
            Lane::Live => &mut self.live,
            Lane::Bulk => &mut self.bulk,
        }
    }

    /// Streams from which a frame has arrived; the driver stops reading one while the store is
    /// behind.
    fn arrived(&self, now_ms: u64) -> Vec<Lane> {
        let both = [(Lane::Live, &self.live), (Lane::Bulk, &self.bulk)];
        let due = both
            .into_iter()
            .filter(|(lane, stream)| stream.is_due(now_ms) && self.session.wants_input(*lane));
        due.map(|(lane, _)| lane).collect()
    }

    fn is_due(&self, now_ms: u64) -> bool {
        !self.store.is_empty() || !self.arrived(now_ms).is_empty()
    }

    fn on_way(&self) -> usize {
        self.live.inbound.len() + self.bulk.inbound.len()
    }
}

fn begin(own: &Opening, peer: SiteId) -> (End, Vec<Effect>) {
    let (mut session, effects) = Session::new(own.hello.clone(), peer, &own.heads, own.now);
    let hub = site_id(HUB);
    if peer == hub && own.hello.site != hub {
        session = session.with_hub();
    }
    let end = End {
        session,
        streams: Streams::default(),
        peer,
        reach: BTreeSet::new(),
        yields: false,
        live: Stream::default(),
        bulk: Stream::default(),
        store: VecDeque::new(),
    };
    (end, effects)
}

/// What a hostile site sends instead of a frame of its session.
fn deceive(rng: &mut StdRng, peer: usize, frame: &Frame, tricks: &mut Faults) -> Vec<Frame> {
    let mut frame = frame.clone();
    if let Frame::Frontier(heads) | Frame::Ack(Ack { heads, .. }) = &mut frame
        && rng.random_range(0..2) == 0
        && !heads.is_empty()
    {
        // Rather about the peer's own journal than about others.
        let own = heads
            .iter()
            .position(|head| head.journal.site == site_id(peer));
        let any = rng.random_range(0..heads.len());
        let index = own.filter(|_| rng.random()).unwrap_or(any);
        match rng.random_range(0..3) {
            0 => heads[index].seq += rng.random_range(1..1_000),
            1 => heads[index].hash = Hash(rng.random()),
            _ => heads[index].journal.incarnation = rng.random(),
        }
        tricks.note(Fault::Lie);
    }
    match rng.random_range(0..16) {
        0 => {
            tricks.note(Fault::Withheld);
            Vec::new()
        }
        1 => {
            tricks.note(Fault::Replay);
            vec![frame.clone(), frame]
        }
        _ => vec![frame],
    }
}

/// All links.
#[derive(Default)]
pub struct Network {
    ends: BTreeMap<(usize, usize), End>,
    /// The site whose frames cannot be believed.
    hostile: Option<usize>,
    /// What that site did to its frames.
    pub(super) tricks: Faults,
}

impl Network {
    /// No links yet; the frames of `hostile` cannot be believed.
    #[must_use]
    pub fn new(hostile: Option<usize>) -> Self {
        Self {
            hostile,
            ..Self::default()
        }
    }

    /// Whether the two sites have a connection.
    #[must_use]
    pub fn is_connected(&self, a: usize, b: usize) -> bool {
        self.ends.contains_key(&(a, b)) || self.ends.contains_key(&(b, a))
    }

    /// Whether every session has told all it has, and nothing is on the way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.busy().is_empty()
    }

    /// The sessions that have not, or for which something is on the way.
    #[must_use]
    pub fn busy(&self) -> Vec<(usize, usize)> {
        let quiet = |end: &End| end.session.is_quiet() && end.on_way() == 0 && end.store.is_empty();
        let busy = self.ends.iter().filter(|(_, end)| !quiet(end));
        busy.map(|(key, _)| *key).collect()
    }

    /// The ends of direct links, and whether they yield to the hub, of those that are to be told.
    pub(super) fn yielding(&mut self) -> Vec<(usize, usize, bool)> {
        let through_hub = |site: usize, peer: &SiteId| {
            let hub = self.ends.get(&(site, HUB));
            hub.is_some_and(|hub| hub.reach.contains(peer))
        };
        let direct = self
            .ends
            .iter()
            .filter(|((site, peer), _)| *site != HUB && *peer != HUB);
        let now = direct.map(|((site, peer), end)| (*site, *peer, through_hub(*site, &end.peer)));
        let mut changed: Vec<_> = now.collect();
        changed.retain(|(site, peer, yields)| {
            let end = self.ends.get_mut(&(*site, *peer));
            end.is_some_and(|end| std::mem::replace(&mut end.yields, *yields) != *yields)
        });
        changed
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
        let lost = ends.iter().flatten().map(|end| end.on_way() as u64);
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
                Effect::Read { from, max_bytes } => {
                    self.queue(site, peer, |_| Work::Read { from, max_bytes });
                }
                Effect::Admit { lane, bundles, .. } => {
                    self.queue(site, peer, |_| Work::Admit(lane, bundles));
                }
                Effect::Acked(heads) => {
                    self.queue(site, peer, |end| Work::Acked(end.peer, heads));
                }
                Effect::Holds(heads) => {
                    self.queue(site, peer, |end| Work::Holds(end.peer, heads));
                }
                Effect::Close(_) => {
                    self.cut(site, peer);
                    return;
                }
                Effect::Fork(work) => self.queue(site, peer, |_| Work::Branch(work)),
                Effect::Scrub(work) => self.queue(site, peer, |_| Work::Scrub(work)),
                Effect::Reach(sites) => {
                    if let Some(end) = self.ends.get_mut(&(site, peer)) {
                        end.reach = sites.into_iter().map(|reached| reached.site).collect();
                    }
                }
                Effect::Up
                | Effect::Addresses(_)
                | Effect::Copied { .. }
                | Effect::Clock { .. }
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
        let mut frames = vec![frame.clone()];
        if self.hostile == Some(site) {
            frames = deceive(rng, peer, frame, &mut self.tricks);
        }
        for frame in &frames {
            let delay = rng.random_range(1..LONGEST_DELAY_MS);
            let Some(end) = self.ends.get_mut(&(site, peer)) else {
                return;
            };
            let bytes = end.streams.encode(frame);
            let body = bytes.expect("sessions send frames within the limit")[4..].to_vec();
            self.arrive((site, peer), frame.lane(), body, now.mono_ms + delay);
        }
    }

    fn arrive(&mut self, way: (usize, usize), lane: Lane, body: Vec<u8>, at_ms: u64) -> bool {
        let Some(end) = self.ends.get_mut(&(way.1, way.0)) else {
            return false;
        };
        let stream = end.of(lane);
        let arrival = at_ms.max(stream.last_arrival_ms);
        stream.last_arrival_ms = arrival;
        stream.inbound.push_back((arrival, body));
        true
    }

    /// Sends bytes that no session made. Whether there is a link.
    pub fn inject(&mut self, site: usize, peer: usize, body: Vec<u8>, now: Now) -> bool {
        self.arrive((site, peer), Lane::Live, body, now.mono_ms)
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
        let arrived = end.arrived(now_ms);
        let from_store =
            !end.store.is_empty() && (arrived.is_empty() || rng.random_range(0..2) == 0);
        let work = if from_store {
            end.store.pop_front()?
        } else {
            let lane = arrived[rng.random_range(0..arrived.len())];
            let body = end.of(lane).inbound.pop_front()?.1;
            let frame = end.streams.decode(lane, &body);
            Work::Take(body, frame)
        };
        Some(Job { site, peer, work })
    }
}
