//! One simulated site: a real store in a directory of its own, which may lose its process or its
//! power at any write point and is opened again from what its disk kept.

use super::actions::{Deed, Saved};
use super::chains;
use super::disk::{Image, Mark};
use super::faults::Fault;
use super::founding::{FIRST_RULES, FOUNDED_MS, Founding, code, journal, site_id};
use super::network::Work;
use anyhow::{Context as _, Result, bail};
use ed25519_dalek::SigningKey;
use rand::Rng as _;
use rand::rngs::StdRng;
use records::bundle::Head;
use records::gate::RULES;
use records::id::{ActionId, InstitutionId, JournalId, SiteId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use store::{
    Action, CommitError, Moment, OpenError, Options, Store, StoreError, WritePoint, Writer,
};
use sync::session::{Event, Now};
use sync::wire::{self, Hello, PROTOCOL};

/// More pages than any world fills.
const ROOMY: u64 = 1 << 30;
const PAGE_LEN: u64 = 4096;

/// A site of the world.
pub struct Site {
    index: usize,
    /// Every life of the site has a folder in here.
    folder: PathBuf,
    life: u32,
    institution: InstitutionId,
    /// Of an honest site; a hostile one signs what it likes.
    key: Option<SigningKey>,
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

/// Stops the store at a write point and keeps what the disk looked like then.
#[derive(Default)]
struct Fuse {
    left: AtomicI64,
    /// The log as the transaction under way found it.
    synced: Mutex<Mark>,
    burnt: Mutex<Option<(Mark, Image)>>,
}

impl Fuse {
    fn burn(&self, point: WritePoint, dir: &Path) -> bool {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left < 0 {
            return false;
        }
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if point == WritePoint::Begun {
            *synced = Mark::of(dir).expect("the directory of a running store can be read");
        }
        if left > 0 {
            return false;
        }
        let image = Image::of(dir).expect("the directory of a running store can be read");
        *self.burnt.lock().unwrap_or_else(PoisonError::into_inner) = Some((*synced, image));
        true
    }

    fn set(&self, points: i64) {
        self.left.store(points, Ordering::SeqCst);
    }

    fn take(&self) -> Option<(Mark, Image)> {
        let mut burnt = self.burnt.lock().unwrap_or_else(PoisonError::into_inner);
        burnt.take()
    }
}

/// What became of an action.
pub enum Answer {
    /// The site answered that it is saved.
    Saved(Saved),
    /// Duty rules or the field table said no.
    Refused,
    /// There is no room on the disk; nothing was saved.
    Full,
    /// The site went down before it could answer.
    Down,
}

/// What became of a session's work.
pub enum Done {
    /// It has an outcome.
    Event(Event),
    /// The peer broke the protocol, and the link ends.
    LinkEnds,
    /// There is no room on the disk, and the link ends.
    Full,
    /// The site went down in the middle of it.
    Down,
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
            index,
            folder: world.join(index.to_string()),
            life: 0,
            institution: founding.institution,
            key: (!hostile).then(|| founding.keys[index].clone()),
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
        let Some(key) = self.key.clone() else {
            self.store = Some(store);
            return Ok(());
        };
        let writer = Writer {
            institution: self.institution,
            journal: journal(self.index),
            code: code(self.index),
            key,
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
    pub fn put_back(&mut self) -> Result<Option<BTreeMap<JournalId, u64>>> {
        let Some((image, held)) = self.copy.clone() else {
            return Ok(None);
        };
        std::fs::remove_dir_all(self.folder())?;
        self.life += 1;
        image.write(&self.folder())?;
        self.put_back = true;
        Ok(Some(held))
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

    /// Its id.
    #[must_use]
    pub fn id(&self) -> SiteId {
        site_id(self.index)
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
            institution: self.institution,
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

    fn is_filled(&self) -> bool {
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

    /// An action of nobody.
    fn action(&self, action: ActionId, world_ms: u64) -> Action {
        Action {
            action,
            account: records::id::AccountId::default(),
            terminal: records::id::TerminalId::default(),
            wall_ms: self.now(world_ms).wall_ms,
            uptime_ms: world_ms,
            hub_offset_ms: None,
            reads: Vec::new(),
            seed: *blake3::hash(&action.0).as_bytes(),
        }
    }

    /// Carries out what a person does.
    ///
    /// # Errors
    /// When the store fails other than by being killed or full.
    pub async fn commit(&mut self, deed: Deed, world_ms: u64) -> Result<Answer> {
        let Some(store) = &self.store else {
            return Ok(Answer::Refused);
        };
        let action = Action {
            account: deed.account,
            reads: deed.reads.clone(),
            ..self.action(deed.action, world_ms)
        };
        let decide = deed.decide.clone();
        match store.commit(action, move |reads| decide(reads)).await {
            Ok(done) => Ok(Answer::Saved(Saved {
                action: deed.action,
                record: deed.record,
                entry: deed.entry,
                head: done.head,
            })),
            Err(CommitError::Decided(_) | CommitError::Invalid(_)) => Ok(Answer::Refused),
            Err(CommitError::Store(StoreError::Stopped)) => {
                self.unanswered.push(deed);
                Ok(Answer::Down)
            }
            Err(CommitError::Store(StoreError::Full)) if self.is_filled() => {
                self.unanswered.push(deed);
                Ok(Answer::Full)
            }
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Signs what it has seen of others.
    ///
    /// # Errors
    /// When the store fails other than by being killed or full.
    pub async fn witness(&self, rng: &mut StdRng, world_ms: u64) -> Result<Done> {
        let work = Work::Witness(ActionId(rng.random()));
        self.perform(work, world_ms).await
    }

    /// An action somebody got no answer to, to be asked again.
    pub fn ask_again(&mut self, rng: &mut StdRng) -> Option<Deed> {
        if self.unanswered.is_empty() {
            return None;
        }
        let index = rng.random_range(0..self.unanswered.len());
        Some(self.unanswered.swap_remove(index))
    }

    /// Does a session's work.
    ///
    /// # Errors
    /// When the store fails other than by being killed or full.
    pub async fn perform(&self, work: Work, world_ms: u64) -> Result<Done> {
        let Some(store) = &self.store else {
            bail!("a site that is down has no sessions");
        };
        let done = match work {
            Work::Take(body) => match wire::decode_frame(&body) {
                Ok(frame) => Ok(Event::Received(frame)),
                Err(_) => return Ok(Done::LinkEnds),
            },
            Work::Leave(journal) => {
                match store.leave_journal(journal, self.moment(world_ms)).await {
                    Ok(_) | Err(StoreError::NoWriter | StoreError::Restored) => {
                        Ok(Event::LocalHeads(store.frontier()))
                    }
                    Err(error) => Err(error),
                }
            }
            Work::Read {
                journal,
                after,
                max_bytes,
            } => store
                .bundles_after(journal, after, max_bytes)
                .await
                .map(Event::Bundles),
            Work::Branch(work) => {
                let wall_ms = self.now(world_ms).wall_ms;
                let event = chains::branch(store, work, wall_ms).await;
                event.map(Event::Fork)
            }
            Work::Admit(lane, bundles) => {
                let received_ms = self.now(world_ms).wall_ms;
                let admitted = store.admit(bundles, received_ms).await;
                admitted
                    .map(|admissions| Event::Admitted(lane, chains::outcome(store, &admissions)))
            }
            Work::Witness(action) => store
                .witness(self.action(action, world_ms))
                .await
                .map(|_| Event::LocalHeads(store.frontier())),
            Work::Decide(op, root) => {
                let wall_ms = self.now(world_ms).wall_ms;
                let decided = store.commit_institution(*op, &root, self.institution, wall_ms);
                decided.await.map(|_| Event::LocalHeads(store.frontier()))
            }
            Work::Acked(peer, heads) => store
                .record_ack(peer, &heads)
                .await
                .map(|()| Event::LocalHeads(store.frontier())),
        };
        match done {
            Ok(event) => Ok(Done::Event(event)),
            Err(StoreError::Stopped) => Ok(Done::Down),
            Err(StoreError::Full) if self.is_filled() => Ok(Done::Full),
            Err(error) => Err(error.into()),
        }
    }
}
