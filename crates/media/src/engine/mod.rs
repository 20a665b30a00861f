//! The engine: sources, sessions and workers put together.

mod cameras;
mod random;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{broadcast, mpsc};

use self::cameras::Cameras;
use crate::api::*;
use crate::hub::{Hub, Tracks, ViewerGuard};
use crate::peer::{Cipher, Identity, Recipe};
use crate::relay::driver::{self, COMMANDS, LocalHub, Start};
use crate::relay::remote::{LinkHandle, Relay};
use crate::relay::wire::Key;
use crate::session::Sessions;
use crate::worker::{Command, Member, Role, Worker};

/// Most worker threads.
const MAX_WORKERS: usize = 8;

/// One site's media engine; clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    config: EngineConfig,
    workers: Vec<Worker>,
    sessions: Arc<Sessions>,
    cameras: Cameras,
    publishers: Mutex<HashMap<SourceId, Publisher>>,
    relay: Arc<Relay>,
    identity: Identity,
}

static NEXT_LINK: AtomicU64 = AtomicU64::new(1);

/// A participation that is, or was, published here.
struct Publisher {
    hub: Arc<Hub>,
    session: SessionId,
}

impl Engine {
    /// Binds the sockets and starts the workers. Must be called inside a tokio runtime.
    pub fn start(config: EngineConfig) -> Result<Self, StartError> {
        let count = config.workers.clamp(1, MAX_WORKERS);
        let mut workers = Vec::with_capacity(count);
        for number in 0..count {
            let listen = nth_listen(config.listen, number);
            let worker = Worker::start(number, listen, &config.advertise)
                .map_err(|source| StartError::Socket { listen, source })?;
            workers.push(worker);
        }
        let sessions = Sessions::new();
        let cameras = Cameras::new(&config.camera_networks, &sessions);
        let relay = Relay::new(Arc::clone(&sessions));
        let identity = Identity::new().ok_or(StartError::Identity)?;
        let publishers = Mutex::default();
        let inner = Inner {
            config,
            workers,
            sessions,
            cameras,
            publishers,
            relay,
            identity,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Replaces the list of local cameras. Unchanged ones go on undisturbed; viewers of a removed
    /// or changed one are closed.
    pub fn set_cameras(&self, cameras: Vec<CameraConfig>) {
        for hub in self.inner.cameras.replace(cameras) {
            self.inner.close_hub(hub);
        }
    }

    /// The local cameras.
    pub fn cameras(&self) -> Vec<CameraStatus> {
        self.inner.cameras.board.list()
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<MediaEvent> {
        self.inner.sessions.events.subscribe()
    }

    /// The addresses written into answers.
    pub fn candidates(&self) -> Vec<SocketAddr> {
        self.inner
            .workers
            .iter()
            .flat_map(|worker| worker.candidates.clone())
            .collect()
    }

    /// Answers a viewer's offer.
    pub async fn watch(&self, request: WatchRequest) -> Result<Answer, MediaError> {
        if request.offer.len() > MAX_OFFER {
            return Err(MediaError::BadOffer);
        }
        let inner = &self.inner;
        let (session, worker) = (random::session(), inner.least_loaded());
        let source = match request.source {
            SourceRef::Local(source) | SourceRef::Remote { source, .. } => source,
        };
        let down = MediaEvent::ViewerDown {
            session,
            source,
            viewer: request.viewer.clone(),
        };
        let guard = inner
            .sessions
            .open_viewer(session, worker, inner.config.max_viewers, down)
            .ok_or(MediaError::ViewerLimit)?;
        // Counted before the answer is made: a cold camera connects meanwhile.
        let names = vec![request.viewer.clone()];
        let (hub, counted) = match request.source {
            SourceRef::Remote { site, source } if site != inner.config.site => {
                inner
                    .remote_hub(
                        Key {
                            owner: site,
                            source,
                            layer: request.layer,
                        },
                        names,
                    )
                    .await?
            }
            SourceRef::Local(_) | SourceRef::Remote { .. } => {
                let hub = inner.local_hub(source, request.layer)?;
                let counted = hub.viewer(names);
                (hub, counted)
            }
        };
        let now = clock();
        let candidates = &inner.workers[worker].candidates;
        let seed = random::seed(worker);
        let identity = &inner.identity;
        let recipe = Recipe::view(request.offer, hub.tracks(), candidates, seed, identity)?;
        let answered = recipe.answer(Cipher::Gcm, now)?;
        let sdp = answered.sdp.clone();
        let role = Role::Viewer {
            hub,
            tracks: Vec::new(),
            _counted: counted,
            name: request.viewer,
            burst_at: None,
        };
        inner.add(worker, Member::new(answered, recipe, role, guard, now))?;
        Ok(Answer { session, sdp })
    }

    /// Answers a publisher's offer. A publisher of the same source that is still here is closed;
    /// its viewers go on with the new one.
    pub async fn publish(&self, request: PublishRequest) -> Result<Answer, MediaError> {
        if request.offer.len() > MAX_OFFER {
            return Err(MediaError::BadOffer);
        }
        let inner = &self.inner;
        let (session, worker) = (random::session(), inner.least_loaded());
        let (source, now) = (request.source, clock());
        let candidates = &inner.workers[worker].candidates;
        let seed = random::seed(worker);
        let identity = &inner.identity;
        let (recipe, tracks) = Recipe::publish(request.offer, candidates, seed, identity)?;
        let answered = recipe.answer(Cipher::Gcm, now)?;
        let sdp = answered.sdp.clone();
        let down = MediaEvent::PublisherDown { source, session };
        let guard = inner.sessions.open_publisher(session, worker, down);
        let hub = inner.publisher_hub(source, session, tracks);
        hub.set_key_ask(Some(Box::new(inner.workers[worker].key_ask(session))));
        let role = Role::Publisher {
            hub,
            tracks: Vec::new(),
        };
        inner.add(worker, Member::new(answered, recipe, role, guard, now))?;
        Ok(Answer { session, sdp })
    }

    /// Ends a session; false when there is none of that id.
    pub fn close(&self, session: SessionId) -> bool {
        let Some(worker) = self.inner.sessions.worker_of(&session) else {
            return false;
        };
        self.inner.workers[worker].tell(Command::Close(session))
    }

    /// Uses a link. A second one to the same site takes the place of the first. Must be called
    /// inside a tokio runtime.
    pub fn attach_link(&self, peer: PeerSite, pair: PacketPair) {
        let id = NEXT_LINK.fetch_add(1, Ordering::Relaxed);
        let (answers, commands) = mpsc::channel(COMMANDS);
        let inner = &self.inner;
        // Weak, or the links of an engine would keep it alive for ever.
        let engine = Arc::downgrade(inner);
        let local: LocalHub = Arc::new(move |key| {
            let engine = engine.upgrade().ok_or(MediaError::Unavailable)?;
            engine.local_hub(key.source, key.layer)
        });
        let handle = LinkHandle {
            id,
            commands: answers.clone(),
        };
        let start = Start {
            id,
            site: inner.config.site,
            peer,
            pair,
            commands,
            answers: answers.downgrade(),
            relay: Arc::clone(&inner.relay),
            local,
            events: inner.sessions.events.subscribe(),
        };
        drop(answers);
        tokio::spawn(driver::run(start));
        inner.relay.attach(peer, handle);
    }

    /// Owner site → neighbour to ask, where there is no direct link.
    pub fn set_routes(&self, routes: Routes) {
        self.inner.relay.set_routes(routes);
    }

    /// Decides what other sites may pull from here, what they pull through us included.
    pub fn set_admission(&self, admission: AdmissionFn) {
        self.inner.relay.set_admission(admission);
    }

    /// Sources of other sites that are watched here or passed on.
    pub fn remotes(&self) -> Vec<RemoteStatus> {
        self.inner
            .relay
            .remotes()
            .iter()
            .map(|remote| remote.status())
            .collect()
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        for hub in self.inner.hubs() {
            stats.frames_dropped += hub.dropped.load(Ordering::Relaxed);
            stats.sources.insert((hub.source, hub.layer), hub.stats());
        }
        let links = self
            .inner
            .relay
            .stats
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for ((peer, key), counted) in links.iter() {
            stats.links.insert((*peer, key.source, key.layer), *counted);
        }
        stats
    }

    /// Ends every session and stops the workers.
    pub async fn shutdown(&self) {
        self.inner.relay.detach_all();
        self.inner.cameras.stop();
        let inner = Arc::clone(&self.inner);
        let stopped = tokio::task::spawn_blocking(move || {
            inner.workers.iter().for_each(Worker::stop);
        });
        if stopped.await.is_err() {
            tracing::error!("stopping the media workers failed");
        }
    }
}

impl Inner {
    fn publishers(&self) -> MutexGuard<'_, HashMap<SourceId, Publisher>> {
        self.publishers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn least_loaded(&self) -> usize {
        let load = self.sessions.load(self.workers.len());
        let least = load
            .iter()
            .enumerate()
            .min_by_key(|(_, sessions)| **sessions);
        least.map_or(0, |(worker, _)| worker)
    }

    fn add(&self, worker: usize, member: Member) -> Result<(), MediaError> {
        if self.workers[worker].tell(Command::Add(Box::new(member))) {
            return Ok(());
        }
        Err(MediaError::Unavailable)
    }

    fn close_hub(&self, hub: u64) {
        for worker in &self.workers {
            worker.tell(Command::CloseHub(hub));
        }
    }

    /// The hub of a source of this site.
    fn local_hub(&self, source: SourceId, layer: Layer) -> Result<Arc<Hub>, MediaError> {
        if let Some(hub) = self.cameras.hub(&source, layer) {
            let status = self.cameras.board.get(&source);
            return match status.and_then(|status| status.reason) {
                Some(Reason::CodecUnsupported) => Err(MediaError::CodecUnsupported),
                Some(reason @ Reason::NotAllowedNetwork) => {
                    Err(MediaError::SourceUnavailable(reason))
                }
                _ => Ok(hub),
            };
        }
        let publishers = self.publishers();
        let hub = publishers
            .get(&source)
            .map(|publisher| Arc::clone(&publisher.hub));
        hub.ok_or(MediaError::UnknownSource)
    }

    /// The hub of another site's source, once its owner has agreed.
    async fn remote_hub(
        &self,
        key: Key,
        viewers: Vec<String>,
    ) -> Result<(Arc<Hub>, ViewerGuard), MediaError> {
        let (remote, counted) = self.relay.want(key, viewers);
        match remote.answered().await {
            Ok(()) => Ok((Arc::clone(&remote.hub), counted)),
            Err(Reason::SiteUnreachable) => Err(MediaError::SiteUnreachable),
            Err(Reason::NotAdmitted) => Err(MediaError::NotAdmitted),
            Err(Reason::CodecUnsupported) => Err(MediaError::CodecUnsupported),
            Err(reason) => Err(MediaError::SourceUnavailable(reason)),
        }
    }

    /// The hub of a participation for its new publisher.
    fn publisher_hub(&self, source: SourceId, session: SessionId, tracks: Tracks) -> Arc<Hub> {
        let mut publishers = self.publishers();
        // Those that left and that nobody waits for are forgotten here.
        publishers.retain(|other, publisher| {
            *other == source
                || publisher.hub.is_wanted()
                || self.sessions.worker_of(&publisher.session).is_some()
        });
        let hub = match publishers.get(&source) {
            Some(before) => {
                if let Some(worker) = self.sessions.worker_of(&before.session) {
                    self.workers[worker].tell(Command::Close(before.session));
                }
                before.hub.set_tracks(tracks);
                Arc::clone(&before.hub)
            }
            None => Hub::new(source, Layer::Main, tracks),
        };
        hub.restart();
        publishers.insert(
            source,
            Publisher {
                hub: Arc::clone(&hub),
                session,
            },
        );
        hub
    }

    fn hubs(&self) -> Vec<Arc<Hub>> {
        let mut hubs = self.cameras.hubs();
        let remotes = self.relay.remotes();
        hubs.extend(remotes.iter().map(|remote| Arc::clone(&remote.hub)));
        hubs.extend(
            self.publishers()
                .values()
                .map(|publisher| Arc::clone(&publisher.hub)),
        );
        hubs
    }
}

fn nth_listen(listen: SocketAddr, number: usize) -> SocketAddr {
    let offset = u16::try_from(number).unwrap_or(0);
    let port = if listen.port() == 0 {
        0
    } else {
        listen.port().saturating_add(offset)
    };
    SocketAddr::new(listen.ip(), port)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the engine is the driver of the pure parts"
)]
fn clock() -> Instant {
    Instant::now()
}
