//! What all tasks of a site's links share.

use super::board::{Board, Place, Up};
use super::copies::Copies;
use super::counters::{Counters, add};
use super::{HANDSHAKE, MAX_LOGGED, Wall, blobs, lock, scrub};
use crate::enrol::Throttle;
use crate::identity::{Identity, site_of_certificate};
use crate::session::{Now, Progress};
use crate::status::{LinkFault, MediaPipe, PeerStatus};
use crate::tls;
use crate::wire::{Frame, Reached, Start};
use rand::RngCore;
use records::id::SiteId;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use store::{Program, Store};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

pub(super) struct Shared {
    pub(super) identity: Arc<Identity>,
    pub(super) store: Store,
    pub(super) wall: Wall,
    pub(super) started: Instant,
    pub(super) endpoint: quinn::Endpoint,
    pub(super) sync_client: quinn::ClientConfig,
    pub(super) media_client: quinn::ClientConfig,
    pub(super) board: Mutex<Board>,
    pub(super) peers: watch::Sender<Vec<PeerStatus>>,
    pub(super) reach: watch::Sender<Vec<Reached>>,
    pub(super) faults: watch::Sender<Vec<LinkFault>>,
    pub(super) clock: watch::Sender<Option<i64>>,
    pub(super) stopping: watch::Sender<bool>,
    pub(super) media_pipes: mpsc::Sender<MediaPipe>,
    pub(super) counters: Arc<Counters>,
    pub(super) fetching: blobs::Fetching,
    pub(super) throttle: Mutex<Throttle>,
    pub(super) logged: Mutex<HashSet<(IpAddr, String)>>,
    pub(super) next_link: AtomicU64,
    pub(super) scrubs: scrub::Scrubs,
    pub(super) copies: Mutex<Copies>,
    pub(super) copies_changed: watch::Sender<()>,
    pub(super) advertise: Option<String>,
    /// Where other sites may be dialled, and how often that changed.
    pub(super) addresses: Mutex<BTreeMap<SiteId, String>>,
    pub(super) addresses_changed: watch::Sender<u64>,
    /// Who answered at an address that was dialled.
    pub(super) answered: Mutex<BTreeMap<String, SiteId>>,
    pub(super) through_hub: watch::Sender<BTreeSet<SiteId>>,
}

impl Shared {
    pub(super) fn now(&self) -> Now {
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
    pub(super) fn rng(&self) -> impl RngCore + Send + use<> {
        use rand::SeedableRng as _;
        rand::rngs::StdRng::from_rng(&mut rand::rng())
    }

    pub(super) fn next_link(&self) -> u64 {
        self.next_link.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        lock(&self.board)
    }

    /// Whether a site is enrolled and its newest key not revoked.
    pub(super) fn may_link(&self, site: SiteId) -> bool {
        let trust = self.store.trust();
        trust.enrolment(site).is_some() && !trust.is_revoked(site)
    }

    /// The site behind a connection, if it may link.
    pub(super) fn peer_of(&self, connection: &quinn::Connection) -> Option<SiteId> {
        let certificate = tls::peer_certificate(connection)?;
        let site = site_of_certificate(&certificate)?;
        (site != self.identity.site() && self.may_link(site)).then_some(site)
    }

    pub(super) fn add(&self, site: SiteId, up: Up) -> Place {
        let place = self.board().add(site, up);
        self.publish();
        place
    }

    pub(super) fn remove(&self, site: SiteId, link: u64) -> bool {
        let removed = self.board().remove(site, link, (self.wall)());
        self.publish();
        removed
    }

    pub(super) fn set_reach(&self, site: SiteId, reach: Vec<Reached>) {
        self.board().set_reach(site, reach, (self.wall)());
        self.publish();
    }

    pub(super) fn set_progress(&self, site: SiteId, link: u64, progress: Progress) {
        self.board().set_progress(site, link, progress);
        self.publish();
    }

    pub(super) fn set_clock(&self, site: SiteId, offset_ms: i64) {
        if site == self.identity.hub {
            self.clock.send_replace(Some(offset_ms));
        }
    }

    pub(super) fn fault(&self, fault: LinkFault) {
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
    pub(super) fn met(&self, site: SiteId, program: Program, address: IpAddr) {
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
    pub(super) fn news_for(&self, site: SiteId) -> Option<Frame> {
        lock(&self.copies).news_for(site, self.now().wall_ms)
    }

    /// A peer says that our own directory runs twice.
    pub(super) fn copied(&self, peer: SiteId, since_ms: i64, starts: &[Start]) {
        let (own, now_ms) = (self.identity.site(), self.now().wall_ms);
        if lock(&self.copies).told(own, since_ms, starts, now_ms) {
            tracing::error!(
                peer.site = %peer,
                "this site's data directory was copied and runs twice: stop one of the two"
            );
        }
        self.copies_changed.send_replace(());
    }

    pub(super) fn publish(&self) {
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
    pub(super) async fn wait_up(&self, site: SiteId) -> bool {
        let mut reach = self.reach.subscribe();
        let up = reach.wait_for(|sites| sites.iter().any(|reached| reached.site == site));
        matches!(tokio::time::timeout(HANDSHAKE, up).await, Ok(Ok(_)))
    }

    pub(super) async fn link_gone(&self, site: SiteId) {
        let mut reach = self.reach.subscribe();
        // An error means that this side is stopping, which ends the link too.
        let _ = reach
            .wait_for(|sites| sites.iter().all(|reached| reached.site != site))
            .await;
    }

    pub(super) async fn stopped(&self) {
        // An error means that the sender, which is in `self`, is gone: it cannot be.
        let _ = self
            .stopping
            .subscribe()
            .wait_for(|stopping| *stopping)
            .await;
    }

    /// Warns once per address and cause.
    pub(super) fn log_once(&self, address: SocketAddr, cause: &str) {
        let mut logged = lock(&self.logged);
        if logged.len() >= MAX_LOGGED {
            logged.clear();
        }
        if logged.insert((address.ip(), cause.to_owned())) {
            tracing::warn!(peer.address = %address, cause, "connection refused");
        }
    }

    pub(super) fn refuse(&self, address: SocketAddr, cause: &str) {
        add(&self.counters.refused_peers, 1);
        self.log_once(address, cause);
    }
}

pub(super) fn replace<T: PartialEq>(known: &mut T, new: T) -> bool {
    let differs = *known != new;
    *known = new;
    differs
}

/// Sites appear on the board as they are enrolled.
pub(super) async fn follow_enrolments(shared: Arc<Shared>) {
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
