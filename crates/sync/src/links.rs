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

pub use crate::tls::{IDLE_BOUNDS, KEEP_ALIVE_BOUNDS, Transport};
pub use congestion::{Congestion, paced};

use crate::enrol::Throttle;
use crate::identity::{Identity, site_of_certificate};
use crate::session::{Now, Progress};
use crate::status::{
    BlobProgress, CopiedSite, Counts, LinkFault, MediaPipe, PeerStatus, ScrubStatus, StreamBytes,
};
use crate::tls::{self, ALPN_MEDIA, ALPN_SYNC};
use crate::wire::{self, Reached};
use board::{Board, Place, Up};
use copies::Copies;
use counters::{Counters, add};
use dial::{Backoff, dial};
use link::Guard;
use rand::RngCore;
use records::id::{Hash, SiteId};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{BlobError, Program, Store, StoreError};
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

struct Shared {
    identity: Arc<Identity>,
    store: Store,
    wall: Wall,
    started: Instant,
    endpoint: quinn::Endpoint,
    sync_client: quinn::ClientConfig,
    media_client: quinn::ClientConfig,
    board: Mutex<Board>,
    peers: watch::Sender<Vec<PeerStatus>>,
    reach: watch::Sender<Vec<Reached>>,
    faults: watch::Sender<Vec<LinkFault>>,
    clock: watch::Sender<Option<i64>>,
    stopping: watch::Sender<bool>,
    media_pipes: mpsc::Sender<MediaPipe>,
    counters: Arc<Counters>,
    fetching: blobs::Fetching,
    throttle: Mutex<Throttle>,
    logged: Mutex<HashSet<(IpAddr, String)>>,
    next_link: AtomicU64,
    scrubs: scrub::Scrubs,
    copies: Mutex<Copies>,
    copies_changed: watch::Sender<()>,
    advertise: Option<String>,
    /// Where other sites may be dialled, and how often that changed.
    addresses: Mutex<BTreeMap<SiteId, String>>,
    addresses_changed: watch::Sender<u64>,
    /// Who answered at an address that was dialled.
    answered: Mutex<BTreeMap<String, SiteId>>,
    through_hub: watch::Sender<BTreeSet<SiteId>>,
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
            Guard(tokio::spawn(follow_enrolments(shared.clone()))),
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

impl Shared {
    fn now(&self) -> Now {
        let mono = self.started.elapsed().as_millis();
        Now {
            mono_ms: u64::try_from(mono).unwrap_or(u64::MAX),
            wall_ms: (self.wall)(),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the driver of links draws site ids and jitter"
    )]
    fn rng(&self) -> impl RngCore + Send + use<> {
        use rand::SeedableRng as _;
        rand::rngs::StdRng::from_rng(&mut rand::rng())
    }

    fn next_link(&self) -> u64 {
        self.next_link.fetch_add(1, Ordering::Relaxed)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        lock(&self.board)
    }

    /// Whether a site is enrolled and its newest key not revoked.
    fn may_link(&self, site: SiteId) -> bool {
        let trust = self.store.trust();
        trust.enrolment(site).is_some() && !trust.is_revoked(site)
    }

    /// The site behind a connection, if it may link.
    fn peer_of(&self, connection: &quinn::Connection) -> Option<SiteId> {
        let certificate = tls::peer_certificate(connection)?;
        let site = site_of_certificate(&certificate)?;
        (site != self.identity.site() && self.may_link(site)).then_some(site)
    }

    fn add(&self, site: SiteId, up: Up) -> Place {
        let place = self.board().add(site, up);
        self.publish();
        place
    }

    fn remove(&self, site: SiteId, link: u64) -> bool {
        let removed = self.board().remove(site, link, (self.wall)());
        self.publish();
        removed
    }

    fn set_reach(&self, site: SiteId, reach: Vec<Reached>) {
        self.board().set_reach(site, reach, (self.wall)());
        self.publish();
    }

    fn set_progress(&self, site: SiteId, link: u64, progress: Progress) {
        self.board().set_progress(site, link, progress);
        self.publish();
    }

    fn set_clock(&self, site: SiteId, offset_ms: i64) {
        if site == self.identity.hub {
            self.clock.send_replace(Some(offset_ms));
        }
    }

    fn fault(&self, fault: LinkFault) {
        let (is_new, faults) = {
            let mut board = self.board();
            (board.add_fault(fault), board.faults())
        };
        if is_new {
            let code = fault.code.code();
            tracing::error!(peer.site = %fault.peer, journal = %fault.journal, fault.seq, code, "journal fault");
            self.faults.send_replace(faults);
        }
    }

    /// A site has introduced itself on a link.
    fn met(&self, site: SiteId, program: Program, address: IpAddr) {
        if lock(&self.copies).met(site, &program, address) {
            tracing::error!(
                peer.site = %site,
                peer.address = %address,
                "a site's data directory was copied and runs twice: stop one of the two"
            );
            self.copies_changed.send_replace(());
        }
    }

    /// What a site that has come up is to be told of its copy.
    fn news_for(&self, site: SiteId) -> Option<wire::Frame> {
        lock(&self.copies).news_for(site, self.now().wall_ms)
    }

    /// A peer says that our own directory runs twice.
    fn copied(&self, peer: SiteId, since_ms: i64, starts: &[wire::Start]) {
        let (own, now_ms) = (self.identity.site(), self.now().wall_ms);
        if lock(&self.copies).told(own, since_ms, starts, now_ms) {
            tracing::error!(
                peer.site = %peer,
                "this site's data directory was copied and runs twice: stop one of the two"
            );
        }
        self.copies_changed.send_replace(());
    }

    fn publish(&self) {
        let trust = self.store.trust();
        let sites = trust.enrolments().map(|site| site.journal.site);
        let sites: BTreeSet<_> = sites.filter(|site| self.may_link(*site)).collect();
        let board = self.board();
        let (status, reach) = (board.status(&sites), board.reach());
        let through_hub = board.through_hub();
        self.peers.send_if_modified(|known| replace(known, status));
        self.reach.send_if_modified(|known| replace(known, reach));
        let through = &self.through_hub;
        through.send_if_modified(|known| replace(known, through_hub));
    }

    /// Waits for a link with `site`; false if none comes in a while.
    async fn wait_up(&self, site: SiteId) -> bool {
        let mut reach = self.reach.subscribe();
        let up = reach.wait_for(|sites| sites.iter().any(|reached| reached.site == site));
        matches!(tokio::time::timeout(HANDSHAKE, up).await, Ok(Ok(_)))
    }

    async fn link_gone(&self, site: SiteId) {
        let mut reach = self.reach.subscribe();
        // An error means that this side is stopping, which ends the link too.
        let _ = reach
            .wait_for(|sites| sites.iter().all(|reached| reached.site != site))
            .await;
    }

    async fn stopped(&self) {
        // An error means that the sender, which is in `self`, is gone: it cannot be.
        let _ = self
            .stopping
            .subscribe()
            .wait_for(|stopping| *stopping)
            .await;
    }

    /// Warns once per address and cause.
    fn log_once(&self, address: SocketAddr, cause: &str) {
        let mut logged = lock(&self.logged);
        if logged.len() >= MAX_LOGGED {
            logged.clear();
        }
        if logged.insert((address.ip(), cause.to_owned())) {
            tracing::warn!(peer.address = %address, cause, "connection refused");
        }
    }

    fn refuse(&self, address: SocketAddr, cause: &str) {
        add(&self.counters.refused_peers, 1);
        self.log_once(address, cause);
    }
}

fn replace<T: PartialEq>(known: &mut T, new: T) -> bool {
    let differs = *known != new;
    *known = new;
    differs
}

/// Sites appear on the board as they are enrolled.
async fn follow_enrolments(shared: Arc<Shared>) {
    let mut changed = shared.store.changed();
    let mut seq = shared.store.trust().seq();
    loop {
        tokio::select! {
            changed = changed.changed() => if changed.is_err() {
                return;
            },
            () = shared.stopped() => return,
        }
        let now = shared.store.trust().seq();
        if now != seq {
            seq = now;
            shared.publish();
        }
    }
}
