//! The worker thread's loop.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use super::member::Member;
use super::socket::Socket;
use super::wake::Waker;
use super::{Command, Deliver, Delivery};
use crate::api::SessionId;
use crate::frame::Frame;
use crate::hub::Hub;
use crate::stun;

/// Longest sleep, so that a lost wake-up would cost little.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// Frames handled before the socket is looked at again.
const FRAMES_A_TURN: usize = 128;
/// Reads before the frames are looked at again.
const READS_A_TURN: usize = 8;

/// Viewers of one hub on this worker.
struct Watched {
    hub: Arc<Hub>,
    sink: u64,
    viewers: Vec<SessionId>,
}

pub(super) struct Run {
    socket: Socket,
    candidates: Vec<SocketAddr>,
    deliver: Deliver,
    members: HashMap<SessionId, Member>,
    by_ufrag: HashMap<String, SessionId>,
    by_address: HashMap<SocketAddr, SessionId>,
    watched: HashMap<u64, Watched>,
    timers: BinaryHeap<Reverse<(Instant, SessionId)>>,
    stopped: bool,
}

impl Run {
    pub(super) fn new(socket: Socket, candidates: Vec<SocketAddr>, deliver: Deliver) -> Self {
        Self {
            socket,
            candidates,
            deliver,
            members: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_address: HashMap::new(),
            watched: HashMap::new(),
            timers: BinaryHeap::new(),
            stopped: false,
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the driver of the pure parts reads the clock"
    )]
    pub(super) fn run(
        mut self,
        commands: &Receiver<Command>,
        frames: &Receiver<Delivery>,
        waker: &Waker,
    ) {
        while !self.stopped {
            let now = Instant::now();
            while let Ok(command) = commands.try_recv() {
                self.command(command, now);
            }
            let busy = self.frames(frames, now) | self.datagrams(now);
            self.timers(Instant::now());
            self.socket.flush();
            if !busy && !self.stopped {
                waker.wait(&self.socket, self.next_wait(Instant::now()));
            }
        }
        for (_, mut member) in self.members.drain() {
            contained(&mut member, |member| member.close(&mut self.socket));
        }
        for watched in self.watched.into_values() {
            watched.hub.detach(watched.sink);
        }
        self.socket.flush();
    }

    fn command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Add(member) => {
                let session = member.session();
                self.by_ufrag.insert(member.ufrag.clone(), session);
                self.members.insert(session, *member);
                self.settle(session, now);
            }
            Command::Close(session) => self.remove(session),
            Command::CloseHub(hub) => {
                let watchers = self
                    .members
                    .iter()
                    .filter(|(_, member)| member.hub().id == hub);
                let sessions: Vec<SessionId> = watchers.map(|(session, _)| *session).collect();
                sessions
                    .into_iter()
                    .for_each(|session| self.remove(session));
            }
            Command::RequestKey(session) => {
                self.with(session, now, |member| member.request_key(now));
            }
            Command::Stop => self.stopped = true,
        }
    }

    /// Forwards waiting frames. True when there may be more.
    fn frames(&mut self, frames: &Receiver<Delivery>, now: Instant) -> bool {
        for _ in 0..FRAMES_A_TURN {
            let Ok((hub, frame)) = frames.try_recv() else {
                return false;
            };
            let viewers = self
                .watched
                .get(&hub)
                .map(|watched| watched.viewers.clone());
            for session in viewers.into_iter().flatten() {
                self.with(session, now, |member| {
                    if member.connected {
                        member.forward(&frame, now);
                    }
                });
            }
        }
        true
    }

    /// Reads waiting datagrams. True when there may be more.
    fn datagrams(&mut self, now: Instant) -> bool {
        let mut received: Vec<(SocketAddr, SocketAddr, BytesMut)> = Vec::new();
        let mut more = true;
        for _ in 0..READS_A_TURN {
            let candidates = &self.candidates;
            more = self.socket.receive(|from, to, datagram| {
                // Behind address translation the packet was sent to an address we do not see.
                let local = candidates
                    .iter()
                    .find(|candidate| Some(candidate.ip()) == to);
                if let Some(local) = local.or(candidates.first()) {
                    received.push((from, *local, BytesMut::from(datagram)));
                }
            });
            if !more {
                break;
            }
        }
        for (peer_addr, local_addr, message) in received {
            let Some(session) = self.owner(peer_addr, &message) else {
                continue;
            };
            let transport = TransportContext {
                local_addr,
                peer_addr,
                ecn: None,
                transport_protocol: TransportProtocol::UDP,
            };
            self.with(session, now, |member| {
                let packet = TaggedBytesMut {
                    now,
                    transport,
                    message,
                };
                member.datagram(packet);
            });
        }
        more
    }

    /// Whose datagram this is: a connectivity check names its peer, all else goes by address.
    fn owner(&mut self, from: SocketAddr, datagram: &[u8]) -> Option<SessionId> {
        let named = stun::ufrag(datagram).and_then(|ufrag| self.by_ufrag.get(ufrag).copied());
        let Some(session) = named else {
            return self.by_address.get(&from).copied();
        };
        if self.by_address.get(&from) != Some(&session)
            && self
                .members
                .get_mut(&session)
                .is_some_and(|member| member.learn(from))
        {
            self.by_address.insert(from, session);
        }
        Some(session)
    }

    fn timers(&mut self, now: Instant) {
        while let Some(Reverse((at, session))) = self.timers.peek().copied() {
            if at > now {
                return;
            }
            self.timers.pop();
            // An entry whose peer was rescheduled since is stale.
            if self
                .members
                .get(&session)
                .is_some_and(|member| member.wake_at == at)
            {
                self.with(session, now, |member| member.timeout(now));
            }
        }
    }

    fn next_wait(&self, now: Instant) -> Duration {
        self.timers.peek().map_or(LONGEST_WAIT, |Reverse((at, _))| {
            at.saturating_duration_since(now).min(LONGEST_WAIT)
        })
    }

    /// Lets a member do something and then moves what came of it.
    fn with(&mut self, session: SessionId, now: Instant, work: impl FnOnce(&mut Member)) {
        if let Some(member) = self.members.get_mut(&session) {
            contained(member, work);
            self.settle(session, now);
        }
    }

    fn settle(&mut self, session: SessionId, now: Instant) {
        let Some(member) = self.members.get_mut(&session) else {
            return;
        };
        let before = member.wake_at;
        let socket = &mut self.socket;
        let mut just_connected = false;
        contained(member, |member| just_connected = member.drain(socket, now));
        if member.gone {
            return self.remove(session);
        }
        if just_connected && member.is_viewer() {
            self.begin_viewing(session, now);
        }
        let Some(member) = self.members.get(&session) else {
            return;
        };
        if member.wake_at != before || !self.has_timer(before, now) {
            self.timers.push(Reverse((member.wake_at, session)));
        }
    }

    /// A deadline that lies ahead has its entry in the heap already.
    fn has_timer(&self, at: Instant, now: Instant) -> bool {
        at > now
    }

    fn begin_viewing(&mut self, session: SessionId, now: Instant) {
        let Some(member) = self.members.get_mut(&session) else {
            return;
        };
        let hub = Arc::clone(member.hub());
        let cached: Vec<Arc<Frame>> = match self.watched.get_mut(&hub.id) {
            Some(watched) => {
                watched.viewers.push(session);
                hub.cache()
            }
            None => {
                let (sink, cached) = hub.attach(self.deliver.sink(hub.id));
                let watched = Watched {
                    hub: Arc::clone(&hub),
                    sink,
                    viewers: vec![session],
                };
                self.watched.insert(hub.id, watched);
                cached
            }
        };
        let socket = &mut self.socket;
        contained(member, |member| {
            member.burst(&cached, now);
            member.drain(socket, now);
        });
        if hub.makes_keys() {
            hub.request_key(now);
        }
    }

    fn remove(&mut self, session: SessionId) {
        let Some(mut member) = self.members.remove(&session) else {
            return;
        };
        contained(&mut member, |member| member.close(&mut self.socket));
        self.by_ufrag.remove(&member.ufrag);
        for address in &member.addresses {
            if self.by_address.get(address) == Some(&session) {
                self.by_address.remove(address);
            }
        }
        let hub = member.hub().id;
        if let Some(watched) = self.watched.get_mut(&hub) {
            watched.viewers.retain(|viewer| *viewer != session);
            if watched.viewers.is_empty() {
                watched.hub.detach(watched.sink);
                self.watched.remove(&hub);
            }
        }
    }
}

/// Remote input must not end the thread: a panic of the peer library ends that peer.
fn contained(member: &mut Member, work: impl FnOnce(&mut Member)) {
    if catch_unwind(AssertUnwindSafe(|| work(member))).is_err() {
        tracing::error!("the peer library panicked; the session is closed");
        member.gone = true;
    }
}
