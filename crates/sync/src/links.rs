//! The QUIC driver: one endpoint, who may connect, dialling, and what the rest of a site sees.
//!
//! Each link is a sync connection ([`crate::session`] decides, `link` carries) and, beside it, a
//! media connection of bytes. A peer must show a certificate of the institution's authority for a
//! site that is enrolled and not revoked; it counts as up only after its Hello was answered,
//! since in TLS 1.3 a client's handshake succeeds before the server has judged its certificate.

mod accept;
mod admission;
pub(crate) mod blobs;
mod board;
mod campuses;
mod carry;
mod chores;
mod congestion;
mod copies;
mod counters;
mod dial;
mod direct;
mod guests;
mod link;
mod media;
pub(crate) mod request;
mod rows;
mod scrub;
mod shared;

pub use crate::tls::{IDLE_BOUNDS, KEEP_ALIVE_BOUNDS, Transport};
pub use congestion::{Congestion, paced};

use crate::identity::Identity;
use crate::status::{
    BlobProgress, CopiedSite, Counts, LinkFault, MediaPipe, PeerStatus, ScrubStatus, StreamBytes,
};
use crate::tls::{self, ALPN_MEDIA, ALPN_SYNC};
use board::Board;
use copies::Copies;
use dial::{Backoff, dial};
use link::Guard;
use records::id::{Hash, SiteId};
use shared::{Shared, replace};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{BlobError, Store, StoreError};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

const CLOSE_STOPPING: u32 = 0;
const CLOSE_REFUSED: u32 = 1;
const CLOSE_GARBAGE: u32 = 2;
const CLOSE_DUPLICATE: u32 = 3;
const CLOSE_STORE: u32 = 4;
const CLOSE_REVOKED: u32 = 5;
const CLOSE_NOT_NEEDED: u32 = 6;

const HANDSHAKE: Duration = Duration::from_secs(10);
const STOP: Duration = Duration::from_secs(2);
const MAX_LOGGED: usize = 1024;
const MEDIA_PIPES: usize = 16;

/// The wall clock, ms since the epoch.
pub type Wall = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What [`Links::start`] is told.
#[derive(Clone)]
pub struct LinkConfig {
    /// Who we are.
    pub identity: Arc<Identity>,
    /// UDP address for links in both directions.
    pub listen: SocketAddr,
    /// `host:port` of the sites to dial.
    pub dial: Vec<String>,
    /// `host:port` at which other campuses may dial this one while the hub is gone.
    pub advertise: Option<String>,
    /// `host:port` of campuses to dial while the hub is gone, besides those that advertise.
    pub direct: Vec<String>,
    /// How connections behave.
    pub transport: Transport,
    /// The wall clock.
    pub wall: Wall,
}

/// Why links cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LinksError {
    /// The certificates cannot be used.
    #[error("the site's certificates cannot be used")]
    Tls(#[source] rustls::Error),
    /// The UDP address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// All links of a site. They end when it is dropped; [`Links::shutdown`] also tells the peers.
pub struct Links {
    shared: Arc<Shared>,
    pipes: Mutex<Option<mpsc::Receiver<MediaPipe>>>,
    tasks: Vec<Guard>,
    /// What the config names is dialled as long as we live.
    _always: Vec<watch::Sender<bool>>,
}

impl Links {
    /// Listens, and dials what the config names, until dropped.
    ///
    /// # Errors
    /// [`LinksError`].
    pub async fn start(config: LinkConfig, store: Store) -> Result<Self, LinksError> {
        let identity = config.identity;
        let server = tls::server(&identity, &config.transport).map_err(LinksError::Tls)?;
        let listen = config.listen;
        let endpoint =
            quinn::Endpoint::server(server, listen).map_err(|source| LinksError::Listen {
                address: listen,
                source,
            })?;
        let (media_pipes, pipes) = mpsc::channel(MEDIA_PIPES);
        let transport = config.transport;
        let client = |alpn| tls::client(&identity, alpn, &transport).map_err(LinksError::Tls);
        let addresses = store.link_addresses().await.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the other sites' addresses are not known");
            BTreeMap::new()
        });
        let programs = store.programs().await.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the other sites' starts are not known");
            BTreeMap::new()
        });
        let copies = Copies::new(&programs);
        let shared = Arc::new(Shared {
            sync_client: client(ALPN_SYNC)?,
            media_client: client(ALPN_MEDIA)?,
            board: Mutex::new(Board::new(identity.site(), identity.hub)),
            identity,
            store,
            wall: config.wall,
            started: Instant::now(),
            endpoint,
            peers: watch::Sender::default(),
            reach: watch::Sender::default(),
            faults: watch::Sender::default(),
            clock: watch::Sender::default(),
            stopping: watch::Sender::default(),
            media_pipes,
            counters: Arc::default(),
            fetching: blobs::Fetching::default(),
            throttle: Mutex::default(),
            logged: Mutex::default(),
            next_link: AtomicU64::new(0),
            scrubs: scrub::Scrubs::default(),
            copies: Mutex::new(copies),
            copies_changed: watch::Sender::default(),
            advertise: config.advertise,
            addresses: Mutex::new(addresses),
            addresses_changed: watch::Sender::default(),
            answered: Mutex::default(),
            through_hub: watch::Sender::default(),
        });
        shared.publish();
        let mut tasks = vec![
            Guard(tokio::spawn(accept::accept(shared.clone()))),
            Guard(tokio::spawn(campuses::run(shared.clone(), config.direct))),
            Guard(tokio::spawn(shared::follow_enrolments(shared.clone()))),
            Guard(tokio::spawn(blobs::run(shared.clone()))),
            Guard(tokio::spawn(scrub::run(shared.clone()))),
        ];
        let mut always = Vec::new();
        for address in config.dial {
            let (wanted, is_wanted) = watch::channel(true);
            tasks.push(Guard(tokio::spawn(dial(
                shared.clone(),
                address,
                is_wanted,
            ))));
            always.push(wanted);
        }
        Ok(Self {
            shared,
            pipes: Mutex::new(Some(pipes)),
            tasks,
            _always: always,
        })
    }

    /// Every enrolled site but our own, and whether it can be reached.
    #[must_use]
    pub fn peers(&self) -> watch::Receiver<Vec<PeerStatus>> {
        self.shared.peers.subscribe()
    }

    /// Faults found since start.
    #[must_use]
    pub fn faults(&self) -> watch::Receiver<Vec<LinkFault>> {
        self.shared.faults.subscribe()
    }

    /// The sites whose data directory was copied and runs twice, as far as links have shown; our
    /// own among them if a peer says so.
    #[must_use]
    pub fn copied(&self) -> Vec<CopiedSite> {
        lock(&self.shared.copies).found(self.shared.now().wall_ms)
    }

    /// Wakes when [`Links::copied`] names more sites.
    #[must_use]
    pub fn copies_changed(&self) -> watch::Receiver<()> {
        self.shared.copies_changed.subscribe()
    }

    /// Media connections as they come up. There is one stream of them: the first caller has it.
    #[must_use]
    pub fn media_pipes(&self) -> Option<mpsc::Receiver<MediaPipe>> {
        lock(&self.pipes).take()
    }

    /// The UDP address in use.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        let address = self.shared.endpoint.local_addr();
        address.expect("a bound socket has an address")
    }

    /// The hub's clock minus ours, in ms, as last measured.
    #[must_use]
    pub fn hub_offset_ms(&self) -> Option<i64> {
        *self.shared.clock.borrow()
    }

    /// Counters since start.
    #[must_use]
    pub fn counters(&self) -> Counts {
        self.shared.counters.counts()
    }

    /// Reads the own disk for lost and damaged bundles and then compares everything held with
    /// every linked site; the sites mend each other. Otherwise that happens once a day.
    pub fn scrub(&self) {
        self.shared.scrubs.ask();
    }

    /// How checks and scrubs went.
    #[must_use]
    pub fn scrubs(&self) -> watch::Receiver<ScrubStatus> {
        self.shared.scrubs.status()
    }

    /// Fetches a blob that a record here names, as soon as it can be and also after a restart.
    ///
    /// # Errors
    /// [`BlobError::Unnamed`], or the store failed.
    pub async fn fetch_blob(&self, hash: Hash) -> Result<(), BlobError> {
        self.shared.ask_for_blob(hash).await
    }

    /// Stops fetching a blob somebody asked for; what is here of it stays for another time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stop_fetching_blob(&self, hash: Hash) -> Result<(), StoreError> {
        self.shared.store.stop_asking_for_blob(hash).await?;
        self.shared.fetching.asked.notify_one();
        Ok(())
    }

    /// The blobs that are to come, and how far each one is.
    #[must_use]
    pub fn blob_progress(&self) -> watch::Receiver<BTreeMap<Hash, BlobProgress>> {
        self.shared.fetching.progress.subscribe()
    }

    /// Bytes on the sync stream of the present link with `peer`; `None` while it is down.
    #[must_use]
    pub fn sync_bytes_since_connect(&self, peer: SiteId) -> Option<StreamBytes> {
        let board = self.shared.board();
        board.get(peer).map(|up| up.bytes.get())
    }

    /// Cuts the present link with `peer` as if the line had failed; a dialled one comes back.
    /// For maintenance and tests.
    pub fn cut(&self, peer: SiteId) {
        let connection = self
            .shared
            .board()
            .get(peer)
            .map(|up| up.connection.clone());
        if let Some(connection) = connection {
            close(&connection, CLOSE_STOPPING);
        }
    }

    /// Tells all peers, and lets go of the store before it returns.
    pub async fn shutdown(mut self) {
        self.shared.stopping.send_replace(true);
        let endpoint = self.shared.endpoint.clone();
        endpoint.close(CLOSE_STOPPING.into(), b"stopping");
        let finished = futures::future::join_all(self.tasks.iter_mut().map(|task| &mut task.0));
        // Peers acknowledge within a round trip; one that does not is not waited for.
        if tokio::time::timeout(STOP, finished).await.is_err() {
            tracing::warn!("links are still ending");
        }
        let _ = tokio::time::timeout(STOP, endpoint.wait_idle()).await;
    }
}

fn close(connection: &quinn::Connection, code: u32) {
    connection.close(code.into(), b"");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
