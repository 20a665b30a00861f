//! What every endpoint works with.

use crate::api::shapes::SiteRole;
use crate::auth::origin::Addresses;
use crate::auth::password::{Checker, PasswordError};
use crate::auth::throttle::Throttle;
use crate::blobs::unfinished::Files;
use crate::clock::Clock;
use crate::consult::presence::Presence;
use crate::consult::sessions::MediaSessions;
use crate::error::{ApiError, Code};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::random::Random;
use media::Engine;
use records::id::{InstitutionId, SiteId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Store;
use sync::identity::Identity;
use sync::links::Links;
use tokio::sync::{Semaphore, SemaphorePermit, broadcast, watch};

/// One site's parts, shared by everything that serves it. Cloning is cheap.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What the binary hands over to make an [`App`].
pub struct Parts {
    /// The site's journal, caches and accounts.
    pub store: Store,
    /// The media engine.
    pub engine: Engine,
    /// Links to other sites; `None` for a site that neither listens nor dials.
    pub links: Option<Links>,
    /// Who this site is.
    pub identity: Arc<Identity>,
    /// The clock.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// Values from the configuration.
    pub settings: Settings,
}

/// Values from the configuration that endpoints need.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How browsers reach this site.
    pub addresses: Addresses,
    /// The cameras of this site.
    pub cameras: Vec<CameraSettings>,
    /// Longest file that is taken as an attachment, bytes.
    pub max_upload: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            addresses: Addresses::default(),
            cameras: Vec::new(),
            max_upload: 200_000_000,
        }
    }
}

/// A camera as configured; its addresses and credentials are the media engine's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraSettings {
    /// The id of its record: a [`RecordId`](records::id::RecordId) of this site, with the first
    /// 8 bytes of the BLAKE3 hash of site id and key.
    pub id: [u8; 16],
    /// Its name.
    pub name: String,
    /// Where it looks.
    pub place: String,
}

/// Who this site is, as sessions and lists tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteSummary {
    /// The institution.
    pub institution: InstitutionId,
    /// The site.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// Letters used in record numbers.
    pub code: String,
    /// Hub or campus.
    pub role: SiteRole,
}

/// Files uploaded at the same time; each takes a chunk of memory.
const MAX_UPLOADS: usize = 8;

struct Inner {
    store: Store,
    engine: Engine,
    links: Option<Links>,
    identity: Arc<Identity>,
    site: SiteSummary,
    clock: Clock,
    random: Random,
    settings: Settings,
    passwords: Checker,
    throttle: Mutex<Throttle>,
    live: Live,
    presence: Presence,
    sessions: MediaSessions,
    metrics: Metrics,
    uploads: Semaphore,
    unfinished: Files,
    boot: u32,
    stopping: watch::Sender<bool>,
    ended: broadcast::Sender<[u8; 32]>,
}

impl App {
    /// Puts the parts together.
    ///
    /// # Errors
    /// [`PasswordError`] when Argon2 does not work on this machine.
    pub fn new(parts: Parts) -> Result<Self, PasswordError> {
        let identity = &parts.identity;
        let site = SiteSummary {
            institution: identity.institution,
            id: identity.journal.site,
            name: identity.name.clone(),
            code: identity.code.clone(),
            role: identity.role.into(),
        };
        Ok(Self(Arc::new(Inner {
            passwords: Checker::new(&parts.random)?,
            throttle: Mutex::default(),
            live: Live::default(),
            presence: Presence::default(),
            sessions: MediaSessions::default(),
            metrics: Metrics::default(),
            uploads: Semaphore::new(MAX_UPLOADS),
            unfinished: Files::default(),
            boot: u32::from_be_bytes(parts.random.bytes()),
            stopping: watch::channel(false).0,
            ended: broadcast::channel(64).0,
            store: parts.store,
            engine: parts.engine,
            links: parts.links,
            identity: parts.identity,
            site,
            clock: parts.clock,
            random: parts.random,
            settings: parts.settings,
        })))
    }

    /// The journal, caches and accounts.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The media engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Links to other sites, if this site has any.
    #[must_use]
    pub fn links(&self) -> Option<&Links> {
        self.0.links.as_ref()
    }

    /// The hub's clock minus ours in ms, once a link has measured it.
    #[must_use]
    pub fn hub_offset_ms(&self) -> Option<i64> {
        self.links().and_then(Links::hub_offset_ms)
    }

    /// Keys and certificates of this site.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Who this site is.
    #[must_use]
    pub fn site(&self) -> &SiteSummary {
        &self.0.site
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Randomness.
    #[must_use]
    pub fn random(&self) -> &Random {
        &self.0.random
    }

    /// Values from the configuration.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// States of links and cameras, which the feed reports.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.0.live
    }

    /// Who has a page open here.
    #[must_use]
    pub fn presence(&self) -> &Presence {
        &self.0.presence
    }

    /// Whose media session is whose.
    #[must_use]
    pub fn sessions(&self) -> &MediaSessions {
        &self.0.sessions
    }

    /// Counters.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// A turn to take a file, or a piece of one.
    pub(crate) fn upload_turn(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        let turn = self.0.uploads.try_acquire();
        turn.map_err(|_| {
            ApiError::new(Code::UploadsBusy, "too many files are being uploaded").retry_after(5)
        })
    }

    /// Files of which only a part is here.
    #[must_use]
    pub fn unfinished(&self) -> &Files {
        &self.0.unfinished
    }

    /// A random number of this run; part of feed cursors, so that a restart is noticed.
    #[must_use]
    pub fn boot(&self) -> u32 {
        self.0.boot
    }

    /// Tells everything long-lived to end.
    pub fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Returns once [`App::stop`] was called.
    pub async fn stopped(&self) {
        let mut stopping = self.0.stopping.subscribe();
        stopping
            .wait_for(|stopping| *stopping)
            .await
            .expect("the sender lives as long as this app");
    }

    /// Resolves once [`App::stop`] was called, without keeping the site open.
    pub(crate) fn stop_signal(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopping = self.0.stopping.subscribe();
        // A sender that is gone has stopped, too.
        async move { drop(stopping.wait_for(|stopping| *stopping).await) }
    }

    /// Ends the media engine and the links. Links tell their peers, which needs the last clone;
    /// with other clones about, links end when those are dropped.
    pub(crate) async fn close(self) {
        self.stop();
        self.engine().shutdown().await;
        if let Some(links) = Arc::into_inner(self.0).and_then(|inner| inner.links) {
            links.shutdown().await;
        }
    }

    /// Tells open sockets that a session was ended by its person.
    pub(crate) fn session_ended(&self, token_hash: [u8; 32]) {
        // Nobody listening is fine: no socket is open.
        let _listeners = self.0.ended.send(token_hash);
    }

    /// Hashes of sessions as they are ended.
    pub(crate) fn ended_sessions(&self) -> broadcast::Receiver<[u8; 32]> {
        self.0.ended.subscribe()
    }

    pub(crate) fn passwords(&self) -> &Checker {
        &self.0.passwords
    }

    pub(crate) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.0
            .throttle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
