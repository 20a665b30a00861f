//! Sources of other sites that are wanted here, each with a hub and a task that keeps its
//! subscription on whichever link leads to the owner.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::wire::Key;
use crate::api::{
    AdmissionFn, LinkStats, MediaEvent, PeerSite, Reason, RemoteStatus, Routes, SourceState,
};
use crate::frame::Codec;
use crate::hub::{Hub, Tracks, ViewerGuard};
use crate::session::Sessions;

/// A refused source is asked for again this often while somebody waits for it.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// An owner that does not answer within this counts as unreachable.
const ANSWER: Duration = Duration::from_secs(5);

/// What a link's task is told.
#[derive(Debug)]
pub(crate) enum LinkCommand {
    Want {
        key: Key,
        viewers: Vec<String>,
    },
    Release(Key),
    NeedKey(Key),
    /// An answer for the other site: serve this hub, or refuse.
    Answer {
        request: u32,
        outcome: Result<Served, Reason>,
    },
}

/// A hub to serve, counted as watched by the other site's viewers.
pub(crate) struct Served {
    pub(crate) hub: Arc<Hub>,
    pub(crate) counted: ViewerGuard,
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Served")
            .field("hub", &self.hub.id)
            .finish_non_exhaustive()
    }
}

/// The way to a link's task.
#[derive(Clone)]
pub(crate) struct LinkHandle {
    pub(crate) id: u64,
    pub(crate) commands: mpsc::Sender<LinkCommand>,
}

/// How far a remote source has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Asking,
    Open(SourceState, Option<Reason>),
    Refused(Reason),
    Down,
}

/// One source of another site.
pub(crate) struct Remote {
    pub(crate) key: Key,
    pub(crate) hub: Arc<Hub>,
    phase: watch::Sender<Phase>,
}

/// Links, routes and remote sources of an engine.
pub(crate) struct Relay {
    links: Mutex<HashMap<PeerSite, LinkHandle>>,
    routes: Mutex<Routes>,
    admission: Mutex<Option<AdmissionFn>>,
    remotes: Mutex<HashMap<Key, Arc<Remote>>>,
    pub(crate) stats: Mutex<HashMap<(PeerSite, Key), LinkStats>>,
    topology: watch::Sender<u64>,
    sessions: Arc<Sessions>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Relay {
    pub(crate) fn new(sessions: Arc<Sessions>) -> Arc<Self> {
        Arc::new(Self {
            links: Mutex::default(),
            routes: Mutex::default(),
            admission: Mutex::default(),
            remotes: Mutex::default(),
            stats: Mutex::default(),
            topology: watch::Sender::new(0),
            sessions,
        })
    }

    pub(crate) fn attach(&self, peer: PeerSite, link: LinkHandle) {
        lock(&self.links).insert(peer, link);
        self.topology.send_modify(|revision| *revision += 1);
    }

    /// Forgets a link, unless another one to the same site took its place.
    pub(crate) fn detach(&self, peer: PeerSite, id: u64) {
        let mut links = lock(&self.links);
        if links.get(&peer).is_some_and(|link| link.id == id) {
            links.remove(&peer);
        }
        drop(links);
        self.topology.send_modify(|revision| *revision += 1);
    }

    pub(crate) fn detach_all(&self) {
        lock(&self.links).clear();
        self.topology.send_modify(|revision| *revision += 1);
    }

    pub(crate) fn set_routes(&self, routes: Routes) {
        *lock(&self.routes) = routes;
        self.topology.send_modify(|revision| *revision += 1);
    }

    pub(crate) fn set_admission(&self, admission: AdmissionFn) {
        *lock(&self.admission) = Some(admission);
    }

    pub(crate) fn admission(&self) -> Option<AdmissionFn> {
        lock(&self.admission).clone()
    }

    /// The neighbour to ask for what this site owns: itself when linked, else along the route.
    pub(crate) fn next_hop(&self, owner: &PeerSite) -> Option<(PeerSite, LinkHandle)> {
        let links = lock(&self.links);
        let direct = links.get(owner).map(|link| (*owner, link.clone()));
        direct.or_else(|| {
            let hop = *lock(&self.routes).get(owner)?;
            links.get(&hop).map(|link| (hop, link.clone()))
        })
    }

    pub(crate) fn remote(&self, key: &Key) -> Option<Arc<Remote>> {
        lock(&self.remotes).get(key).cloned()
    }

    pub(crate) fn remotes(&self) -> Vec<Arc<Remote>> {
        lock(&self.remotes).values().cloned().collect()
    }

    /// Wants a source of another site on behalf of these people, for as long as the guard lives.
    pub(crate) fn want(
        self: &Arc<Self>,
        key: Key,
        viewers: Vec<String>,
    ) -> (Arc<Remote>, ViewerGuard) {
        let mut remotes = lock(&self.remotes);
        let remote = remotes.entry(key).or_insert_with(|| {
            let hub = Hub::new(key.source, key.layer, Tracks::default());
            let phase = watch::Sender::new(Phase::Asking);
            let remote = Arc::new(Remote { key, hub, phase });
            tokio::spawn(keep(Arc::clone(self), Arc::clone(&remote)));
            remote
        });
        // Under the lock, so that the task does not end between the two.
        let counted = remote.hub.viewer(viewers);
        (Arc::clone(remote), counted)
    }

    /// Removes a remote source that nobody wants; false when somebody came back.
    fn forget(&self, remote: &Remote) -> bool {
        let mut remotes = lock(&self.remotes);
        let unwanted = !remote.hub.is_wanted();
        if unwanted {
            remotes.remove(&remote.key);
        }
        unwanted
    }

    pub(crate) fn count(&self, peer: PeerSite, key: Key, change: impl FnOnce(&mut LinkStats)) {
        change(lock(&self.stats).entry((peer, key)).or_default());
    }
}

impl Remote {
    pub(crate) fn status(&self) -> RemoteStatus {
        let (state, reason) = match *self.phase.borrow() {
            Phase::Asking => (SourceState::Connecting, None),
            Phase::Open(state, reason) => (state, reason),
            Phase::Refused(reason) => (SourceState::Refused, Some(reason)),
            Phase::Down => (SourceState::Unreachable, Some(Reason::SiteUnreachable)),
        };
        RemoteStatus {
            site: self.key.owner,
            source: self.key.source,
            layer: self.key.layer,
            state,
            reason,
            viewers: self.hub.viewer_count(),
        }
    }

    pub(crate) fn set_phase(&self, relay: &Relay, phase: Phase) {
        let changed = self.phase.send_if_modified(|before| {
            let changed = *before != phase;
            *before = phase;
            changed
        });
        if changed {
            relay
                .sessions
                .announce(MediaEvent::RemoteChanged(self.status()));
        }
    }

    pub(crate) fn opened(&self, relay: &Relay, video: Option<Codec>, audio: Option<Codec>) {
        self.hub.set_tracks(Tracks { video, audio });
        self.set_phase(relay, Phase::Open(SourceState::Connecting, None));
    }

    /// Waits until the owner has answered.
    pub(crate) async fn answered(&self) -> Result<(), Reason> {
        let mut phase = self.phase.subscribe();
        let answered = phase.wait_for(|phase| *phase != Phase::Asking);
        match tokio::time::timeout(ANSWER, answered).await {
            Ok(Ok(phase)) => match *phase {
                Phase::Open(..) => Ok(()),
                Phase::Refused(reason) => Err(reason),
                Phase::Asking | Phase::Down => Err(Reason::SiteUnreachable),
            },
            Ok(Err(_)) | Err(_) => Err(Reason::SiteUnreachable),
        }
    }
}

/// Keeps one source subscribed while it is wanted. Viewers stay through a lost link; the
/// subscription is made again on the next one.
async fn keep(relay: Arc<Relay>, remote: Arc<Remote>) {
    let (mut demand, mut topology) = (remote.hub.demand(), relay.topology.subscribe());
    let mut phase = remote.phase.subscribe();
    let mut current: Option<LinkHandle> = None;
    let mut named: Vec<String> = Vec::new();
    loop {
        if !remote.hub.is_wanted() && relay.forget(&remote) {
            if let Some(link) = &current {
                tell(link, LinkCommand::Release(remote.key));
            }
            return;
        }
        // Read only now: the owner must never be asked in the name of nobody because the first
        // viewer was being counted a moment ago.
        let (next, names) = (relay.next_hop(&remote.key.owner), remote.hub.viewers());
        let refused = matches!(*remote.phase.borrow(), Phase::Refused(_));
        match next {
            None => {
                current = None;
                // It holds the way to the link's task, which ends when nobody holds that.
                remote.hub.set_key_ask(None);
                remote.set_phase(&relay, Phase::Down);
            }
            Some((_, link)) => {
                let moved = current.as_ref().is_none_or(|before| before.id != link.id);
                if moved {
                    if let Some(before) = &current {
                        tell(before, LinkCommand::Release(remote.key));
                    }
                    remote.set_phase(&relay, Phase::Asking);
                    remote.hub.set_key_ask(Some(ask_through(&link, remote.key)));
                }
                if moved || (names != named && !refused) {
                    tell(
                        &link,
                        LinkCommand::Want {
                            key: remote.key,
                            viewers: names.clone(),
                        },
                    );
                    named = names;
                    current = Some(link);
                }
            }
        }
        tokio::select! {
            changed = demand.changed() => if changed.is_err() { return },
            changed = topology.changed() => if changed.is_err() { return },
            changed = phase.changed() => if changed.is_err() { return },
            // Asked anew by forgetting that we asked; rights may have been given meanwhile.
            () = tokio::time::sleep(ASK_AGAIN), if refused => current = None,
        }
    }
}

fn tell(link: &LinkHandle, command: LinkCommand) {
    if link.commands.try_send(command).is_err() {
        // The link is gone or stuck; its end bumps the topology and we ask again.
        tracing::debug!("a link does not take commands");
    }
}

fn ask_through(link: &LinkHandle, key: Key) -> Box<dyn Fn() + Send> {
    let commands = link.commands.clone();
    Box::new(move || {
        // A full queue loses one request; viewers without a picture ask again.
        let _full = commands.try_send(LinkCommand::NeedKey(key));
    })
}
