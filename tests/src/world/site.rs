//! One simulated site: a real store in a directory of its own, which may lose its process or its
//! power at any write point and is opened again from what its disk kept.

mod fuse;
mod work;

pub use work::{Answer, Done};

use super::actions::Deed;
use super::disk::{Image, empty_log};
use super::faults::Fault;
use super::founding::{FIRST_RULES, FOUNDED_MS, Founding};
use anyhow::{Context as _, Result};
use fuse::Fuse;
use rand::rngs::StdRng;
use records::bundle::Head;
use records::gate::RULES;
use records::id::{JournalId, SiteId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{Moment, OpenError, Options, Store, StoreError, Writer};
use sync::identity::Identity;
use sync::session::Now;
use sync::wire::{Hello, PROTOCOL};

/// More pages than any world fills.
const ROOMY: u64 = 1 << 30;
const PAGE_LEN: u64 = 4096;

/// A site of the world.
pub struct Site {
    identity: Identity,
    /// Signs what it likes.
    hostile: bool,
    /// Every life of the site has a folder in here.
    folder: PathBuf,
    life: u32,
    store: Option<Store>,
    fuse: Arc<Fuse>,
    power: bool,
    clock_offset_ms: i64,
    room: Arc<AtomicU64>,
    /// The newest rule set its program knows.
    knows: u32,
    /// A copy of its disk, and how far it held each journal then.
    copy: Option<(Image, BTreeMap<JournalId, u64>)>,
    /// The disk was replaced by its copy since the last start.
    put_back: bool,
    /// Actions that nobody was answered; their people ask again.
    unanswered: Vec<Deed>,
}

impl Site {
    /// Opens a fresh copy of the founded directory in `world`.
    ///
    /// # Errors
    /// When the directory cannot be made or opened.
    pub async fn open(
        founding: &Founding,
        world: &Path,
        index: usize,
        (hostile, old): (bool, bool),
    ) -> Result<Self> {
        let mut site = Self {
            identity: founding.identities[index].clone(),
            hostile,
            folder: world.join(index.to_string()),
            life: 0,
            store: None,
            fuse: Arc::new(Fuse::default()),
            power: false,
            clock_offset_ms: 0,
            room: Arc::new(AtomicU64::new(ROOMY)),
            knows: if old { FIRST_RULES } else { RULES },
            copy: None,
            put_back: false,
            unanswered: Vec::new(),
        };
        founding.image.write(&site.folder())?;
        site.start([0; 4], 1).await?;
        Ok(site)
    }

    /// Its data directory as it lies, on a second machine that has not been started yet.
    ///
    /// # Errors
    /// When the directory cannot be copied.
    pub fn twin(&self, folder: PathBuf) -> Result<Self> {
        let twin = Self {
            identity: self.identity.clone(),
            hostile: false,
            folder,
            life: 0,
            store: None,
            fuse: Arc::new(Fuse::default()),
            power: false,
            clock_offset_ms: self.clock_offset_ms,
            room: Arc::new(AtomicU64::new(ROOMY)),
            knows: self.knows,
            copy: None,
            put_back: false,
            unanswered: Vec::new(),
        };
        Image::of(&self.folder())?.write(&twin.folder())?;
        Ok(twin)
    }

    /// Starts a site that is down; `slot` is what a real one draws at every start. It stays down
    /// while its disk has no room.
    ///
    /// # Errors
    /// When its directory does not open: nothing a crash leaves behind may do that.
    pub async fn start(&mut self, slot: [u8; 4], world_ms: u64) -> Result<()> {
        self.fuse.set(-1);
        let (fuse, dir) = (self.fuse.clone(), self.folder());
        let options = Options {
            crash_at: Some(Arc::new(move |point| fuse.burn(point, &dir))),
            max_pages: Some(self.room.clone()),
            knows_rules: Some(self.knows),
            ..Options::default()
        };
        let store = match Store::open_with(&self.folder(), options).await {
            Ok(store) => store,
            Err(OpenError::Full) if self.is_filled() => return Ok(()),
            Err(error) => return Err(error).context("a directory that does not open"),
        };
        if self.hostile {
            self.store = Some(store);
            return Ok(());
        }
        let writer = Writer {
            institution: self.identity.institution,
            journal: self.identity.journal,
            code: self.identity.code.clone(),
            key: self.identity.sign.clone(),
            slot,
        };
        let own = writer.journal;
        let mut started = store.start_writer(writer).await;
        if self.put_back && started.is_ok() {
            // As `restore` has it: never again in a journal that may go on elsewhere.
            let journal = store.own_journal().unwrap_or(own);
            let left = store.leave_journal(journal, self.moment(world_ms)).await;
            started = left.map(drop);
        }
        match started {
            Ok(()) => {
                self.put_back = false;
                self.store = Some(store);
            }
            Err(StoreError::Full) if self.is_filled() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn moment(&self, world_ms: u64) -> Moment {
        let now = self.now(world_ms);
        Moment {
            wall_ms: now.wall_ms,
            uptime_ms: now.mono_ms,
        }
    }

    /// Keeps a copy of its disk as it is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn copy_disk(&mut self, held: &BTreeMap<JournalId, u64>) -> Result<()> {
        self.copy = Some((Image::of(&self.folder())?, held.clone()));
        Ok(())
    }

    /// Puts that copy in place of the disk of a site that is down; how far it held each journal.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put_back(&mut self, told: bool) -> Result<Option<BTreeMap<JournalId, u64>>> {
        let Some((image, held)) = self.copy.clone() else {
            return Ok(None);
        };
        std::fs::remove_dir_all(self.folder())?;
        self.life += 1;
        image.write(&self.folder())?;
        self.put_back = told;
        Ok(Some(held))
    }

    /// The site stops, and its disk is as every site's was in the beginning.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn lose_disk(&mut self, founded: &Image) -> Result<()> {
        self.store = None;
        self.life += 1;
        founded.write(&self.folder())
    }

    /// Whether there is a copy of its disk.
    #[must_use]
    pub fn has_copy(&self) -> bool {
        self.copy.is_some()
    }

    /// Its store, while it is up.
    #[must_use]
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Whether it is up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.store.is_some()
    }

    /// Its data directory.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.join(self.life.to_string())
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> SiteId {
        self.identity.site()
    }

    /// Its store's heads; none while it is down.
    #[must_use]
    pub fn frontier(&self) -> Vec<Head> {
        self.store.as_ref().map(Store::frontier).unwrap_or_default()
    }

    /// What it says of itself on a link.
    #[must_use]
    pub fn hello(&self) -> Hello {
        Hello {
            versions: vec![PROTOCOL],
            institution: self.identity.institution,
            site: self.id(),
            incarnation: self.incarnation(),
            rules: self.knows,
            boot_number: 1,
            boot: [1; 4],
        }
    }

    fn incarnation(&self) -> u32 {
        let own = self.store.as_ref().and_then(Store::own_journal);
        own.map_or(1, |journal| journal.incarnation)
    }

    /// Its time when the world's is `world_ms`.
    #[must_use]
    pub fn now(&self, world_ms: u64) -> Now {
        let world = i64::try_from(world_ms).expect("worlds last years");
        Now {
            mono_ms: world_ms,
            wall_ms: FOUNDED_MS + world + self.clock_offset_ms,
        }
    }

    /// Its next start is with the newest program. Whether it had an older one.
    pub fn upgrade(&mut self) -> bool {
        std::mem::replace(&mut self.knows, RULES) < RULES
    }

    /// Whether a newer rule set is in force than its program knows.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        let active = self
            .store
            .as_ref()
            .map(|store| store.trust().rules_at(u64::MAX));
        active.is_some_and(|active| active > self.knows)
    }

    /// Sets its wall clock this far from the world's time.
    pub fn set_clock(&mut self, off_ms: i64) {
        self.clock_offset_ms = off_ms;
    }

    /// The site goes down when it has passed so many more write points.
    pub fn arm(&mut self, points: i64, power: bool) {
        self.power = power;
        self.fuse.set(points);
    }

    /// Leaves room for `pages` more.
    ///
    /// # Errors
    /// When the store cannot tell its size.
    pub async fn fill_disk(&self, pages: u64) -> Result<()> {
        if let Some(store) = &self.store {
            let taken = store.counts().await?.bytes / PAGE_LEN;
            self.room.store(taken + pages, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Gives the disk room again.
    pub fn free_disk(&self) {
        self.room.store(ROOMY, Ordering::SeqCst);
    }

    pub(super) fn is_filled(&self) -> bool {
        self.room.load(Ordering::SeqCst) < ROOMY
    }

    /// Ends the process in good order.
    pub fn stop(&mut self) {
        self.store = None;
    }

    /// The process is gone: by itself at a write point, or killed now. With `power` what its
    /// disk had not synced is gone as well.
    ///
    /// # Errors
    /// When its directory cannot be copied.
    pub fn crash(&mut self, rng: &mut StdRng, power: Option<bool>) -> Result<Vec<Fault>> {
        let (synced, mut image) = match self.fuse.take() {
            Some((synced, image)) => (Some(synced), image),
            None => (None, Image::of(&self.folder())?),
        };
        self.store = None;
        let old = self.folder();
        self.life += 1;
        let mut faults = match synced {
            Some(_) => vec![Fault::KillAtWritePoint],
            None => Vec::new(),
        };
        if power.unwrap_or(self.power) {
            faults.extend(image.lose_power(rng, synced));
        } else if synced.is_none() {
            faults.push(Fault::Kill);
        }
        image.write(&self.folder())?;
        std::fs::remove_dir_all(old)?;
        Ok(faults)
    }

    /// The site stops, and one bit of its disk flips in every copy of `bytes`. How many copies
    /// there were.
    ///
    /// # Errors
    /// When its directory cannot be read or written.
    pub async fn rot(&mut self, bytes: &[u8], bit: usize) -> Result<usize> {
        // Taken before: the last connections close in their own time.
        let image = Image::of(&self.folder())?;
        self.store = None;
        self.life += 1;
        image.write(&self.folder())?;
        // What rots in the log ends it there, as a power failure does.
        empty_log(&self.folder()).await?;
        let mut image = Image::of(&self.folder())?;
        let copies = image.rot(bytes, bit);
        image.write(&self.folder())?;
        Ok(copies)
    }
}
