//! The QUIC driver: one endpoint, who may connect, dialling, and what the rest of a site sees.
//!
//! Each link is a sync connection ([`crate::session`] decides, `link` carries) and, beside it, a
//! media connection of bytes. A peer must show a certificate of the institution's authority for a
//! site that is enrolled and not revoked; it counts as up only after its Hello was answered,
//! since in TLS 1.3 a client's handshake succeeds before the server has judged its certificate.

mod admission;
mod blobs;
mod board;
mod carry;
mod counters;
mod link;
mod media;
pub(crate) mod request;
mod scrub;

use crate::enrol::{Throttle, serve_join};
use crate::identity::{Identity, LINK_NAME, site_of_certificate};
use crate::session::Now;
use crate::status::{
    BlobProgress, Counts, LinkFault, MediaPipe, PeerStatus, ScrubStatus, StreamBytes,
};
use crate::tls::{self, ALPN_JOIN, ALPN_MEDIA, ALPN_SYNC};
use crate::wire::Reached;
use board::{Board, Place, Up};
use counters::{Counters, add};
use link::{End, Guard};
use rand::{Rng as _, RngCore};
use records::id::{Hash, SiteId};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{BlobError, Store, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;

const CLOSE_STOPPING: u32 = 0;
const CLOSE_REFUSED: u32 = 1;
const CLOSE_GARBAGE: u32 = 2;
const CLOSE_DUPLICATE: u32 = 3;
const CLOSE_STORE: u32 = 4;
const CLOSE_REVOKED: u32 = 5;

/// Handshakes under way at once; more are refused unseen.
const MAX_HANDSHAKES: usize = 64;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A new attempt is quicker than the ever rarer repeats of an old one.
const CONNECT: Duration = Duration::from_secs(4);
const JOIN: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(2);
const MAX_LOGGED: usize = 1024;
const MEDIA_PIPES: usize = 16;
const BACKOFF_FIRST_MS: u64 = 200;
const BACKOFF_LAST_MS: u64 = 5_000;

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
}

impl Links {
    /// Listens, and dials what the config names, until dropped.
    ///
    /// # Errors
    /// [`LinksError`].
    pub async fn start(config: LinkConfig, store: Store) -> Result<Self, LinksError> {
        let identity = config.identity;
        let server = tls::server(&identity).map_err(LinksError::Tls)?;
        let listen = config.listen;
        let endpoint =
            quinn::Endpoint::server(server, listen).map_err(|source| LinksError::Listen {
                address: listen,
                source,
            })?;
        let (media_pipes, pipes) = mpsc::channel(MEDIA_PIPES);
        let shared = Arc::new(Shared {
            sync_client: tls::client(&identity, ALPN_SYNC).map_err(LinksError::Tls)?,
            media_client: tls::client(&identity, ALPN_MEDIA).map_err(LinksError::Tls)?,
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
        });
        shared.publish();
        let mut tasks = vec![
            Guard(tokio::spawn(accept(shared.clone()))),
            Guard(tokio::spawn(follow_enrolments(shared.clone()))),
            Guard(tokio::spawn(blobs::run(shared.clone()))),
            Guard(tokio::spawn(scrub::run(shared.clone()))),
        ];
        for address in config.dial {
            tasks.push(Guard(tokio::spawn(dial(shared.clone(), address))));
        }
        Ok(Self {
            shared,
            pipes: Mutex::new(Some(pipes)),
            tasks,
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

    fn publish(&self) {
        let trust = self.store.trust();
        let sites = trust.enrolments().map(|site| site.journal.site);
        let sites: BTreeSet<_> = sites.filter(|site| self.may_link(*site)).collect();
        let board = self.board();
        let (status, reach) = (board.status(&sites), board.reach());
        self.peers.send_if_modified(|known| replace(known, status));
        self.reach.send_if_modified(|known| replace(known, reach));
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

    /// A site we dialled is not linked: a broken handshake is our refusal, most often of another
    /// institution's certificate; a close is theirs; anything else is a silence.
    fn not_connected(&self, address: SocketAddr, error: &quinn::ConnectionError) -> &'static str {
        match error {
            quinn::ConnectionError::TransportError(broken) => {
                self.refuse(address, &broken.to_string());
            }
            quinn::ConnectionError::ConnectionClosed(_)
            | quinn::ConnectionError::ApplicationClosed(_) => {
                self.log_once(address, "the site at this address refuses us");
            }
            _ => {}
        }
        "refused"
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

async fn accept(shared: Arc<Shared>) {
    let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    let mut tasks = tokio::task::JoinSet::new();
    while let Some(incoming) = shared.endpoint.accept().await {
        while tasks.try_join_next().is_some() {}
        let Ok(permit) = handshakes.clone().try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        let shared = shared.clone();
        tasks.spawn(async move {
            let address = incoming.remote_address();
            let connection = tokio::time::timeout(HANDSHAKE, incoming).await;
            match connection {
                Ok(Ok(connection)) => serve(shared, connection, permit).await,
                Ok(Err(error)) => shared.refuse(address, &error.to_string()),
                Err(_) => shared.refuse(address, "handshake timed out"),
            }
        });
    }
    // The endpoint is closed, so every connection is over and its task about to end.
    while tasks.join_next().await.is_some() {}
}

/// `permit` bounds strangers: it is given back once a peer has proved to be one of us.
async fn serve(shared: Arc<Shared>, connection: quinn::Connection, permit: OwnedSemaphorePermit) {
    let alpn = tls::alpn(&connection).unwrap_or_default();
    if alpn == ALPN_JOIN {
        let served = tokio::time::timeout(JOIN, serve_joining(&shared, &connection)).await;
        if served.is_err() {
            close(&connection, CLOSE_REFUSED);
        }
        return;
    }
    let address = connection.remote_address();
    let Some(peer) = shared.peer_of(&connection) else {
        shared.refuse(address, "no certificate of an enrolled site");
        close(&connection, CLOSE_REFUSED);
        return;
    };
    drop(permit);
    if alpn == ALPN_MEDIA {
        media::accept(shared, connection, peer).await;
        return;
    }
    let streams = tokio::time::timeout(HANDSHAKE, connection.accept_bi()).await;
    if let Ok(Ok(streams)) = streams {
        link::run(shared, connection, streams, peer, false).await;
    } else {
        close(&connection, CLOSE_REFUSED);
    }
}

async fn serve_joining(shared: &Shared, connection: &quinn::Connection) {
    let allowed = lock(&shared.throttle).allow(shared.now().mono_ms);
    let wall_ms = (shared.wall)();
    let (identity, store) = (&shared.identity, &shared.store);
    let mut rng = shared.rng();
    let served = serve_join(connection, identity, store, allowed, wall_ms, &mut rng).await;
    let address = connection.remote_address();
    match served {
        Ok(None) => tracing::info!(peer.address = %address, "a site has joined"),
        Ok(Some(refusal)) => {
            add(&shared.counters.refused_joins, 1);
            shared.log_once(address, &refusal.to_string());
        }
        Err(error) => {
            add(&shared.counters.refused_joins, 1);
            shared.log_once(address, &error.to_string());
            close(connection, CLOSE_GARBAGE);
        }
    }
}

/// Waits between attempts: 0.2 s, doubling to 5 s, each with up to a quarter of jitter.
#[derive(Debug, Default)]
struct Backoff {
    tries: u32,
}

impl Backoff {
    fn next(&mut self, rng: &mut impl RngCore) -> Duration {
        let base = (BACKOFF_FIRST_MS << self.tries.min(10)).min(BACKOFF_LAST_MS);
        self.tries = self.tries.saturating_add(1);
        Duration::from_millis(base + rng.random_range(0..=base / 4))
    }
}

async fn dial(shared: Arc<Shared>, address: String) {
    let mut backoff = Backoff::default();
    loop {
        match dial_once(&shared, &address).await {
            Ok((peer, End::Duplicate, _)) => tokio::select! {
                () = shared.link_gone(peer) => {}
                () = shared.stopped() => return,
            },
            Ok((_, _, true)) => backoff = Backoff::default(),
            Ok((_, end, false)) => tracing::debug!(peer.address = address, ?end, "not linked"),
            Err(cause) => tracing::debug!(peer.address = address, cause, "not linked"),
        }
        let wait = backoff.next(&mut shared.rng());
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.stopped() => return,
        }
    }
}

async fn dial_once(
    shared: &Arc<Shared>,
    address: &str,
) -> Result<(SiteId, End, bool), &'static str> {
    let found = tokio::select! {
        found = tokio::net::lookup_host(address) => found,
        () = shared.stopped() => return Err("stopping"),
    };
    let mut found = found.map_err(|_| "the name has no address")?;
    let local = shared.endpoint.local_addr().map_err(|_| "stopping")?;
    let address = found
        .find(|found| found.is_ipv4() == local.is_ipv4())
        .ok_or("the name has no address of our kind")?;
    let connecting = shared
        .endpoint
        .connect_with(shared.sync_client.clone(), address, LINK_NAME)
        .map_err(|_| "stopping")?;
    let connection = tokio::time::timeout(CONNECT, connecting)
        .await
        .map_err(|_| "no answer")?
        .map_err(|error| shared.not_connected(address, &error))?;
    let Some(peer) = shared.peer_of(&connection) else {
        shared.refuse(address, "no certificate of an enrolled site");
        close(&connection, CLOSE_REFUSED);
        return Err("the certificate is not of an enrolled site");
    };
    let streams = connection.open_bi().await.map_err(|_| "no stream")?;
    let (end, was_up) = link::run(shared.clone(), connection.clone(), streams, peer, true).await;
    let duplicate = quinn::VarInt::from_u32(CLOSE_DUPLICATE);
    let told = matches!(
        connection.close_reason(),
        Some(quinn::ConnectionError::ApplicationClosed(close)) if close.error_code == duplicate
    );
    Ok((peer, if told { End::Duplicate } else { end }, was_up))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn attempts_grow_apart_up_to_five_seconds() {
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..40)
            .map(|_| backoff.next(&mut rng).as_millis())
            .collect();
        assert!((200..=250).contains(&waits[0]), "{waits:?}");
        assert!((400..=500).contains(&waits[1]), "{waits:?}");
        assert!(
            waits[10..].iter().all(|ms| (5_000..=6_250).contains(ms)),
            "{waits:?}"
        );
    }
}
