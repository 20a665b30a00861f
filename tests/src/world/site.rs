//! One simulated site: a real store in a directory of its own, which may be killed at any write
//! point and opened again.

use super::actions::{Acknowledged, Deed};
use super::founding::{FOUNDED_MS, Founding, code, journal, site_id};
use super::network::Work;
use anyhow::{Result, bail};
use ed25519_dalek::SigningKey;
use rand::Rng as _;
use rand::rngs::StdRng;
use records::bundle::Head;
use records::id::{InstitutionId, SiteId};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use store::{Action, Admission, CommitError, Options, Store, StoreError, Synchronous, Writer};
use sync::session::{Event, Now, Outcome};
use sync::wire::{Hello, PROTOCOL};

/// A site of the world.
pub struct Site {
    index: usize,
    folder: tempfile::TempDir,
    institution: InstitutionId,
    key: SigningKey,
    store: Option<Store>,
    fuse: Arc<AtomicI64>,
    clock_offset_ms: AtomicI64,
    deeds: AtomicU64,
}

/// What became of an action.
pub enum Answer {
    /// The site answered that it is saved.
    Saved(Acknowledged),
    /// Duty rules or the field table said no.
    Refused,
    /// The site was killed before it could answer.
    Killed,
}

impl Site {
    /// Opens a fresh copy of a founded site.
    ///
    /// # Errors
    /// When the directory cannot be copied or opened.
    pub async fn open(founding: &Founding, index: usize) -> Result<Self> {
        let mut site = Self {
            index,
            folder: founding.copy(index)?,
            institution: founding.institution,
            key: founding.keys[index].clone(),
            store: None,
            fuse: Arc::new(AtomicI64::new(-1)),
            clock_offset_ms: AtomicI64::new(0),
            deeds: AtomicU64::new(0),
        };
        site.start([0; 4]).await?;
        Ok(site)
    }

    /// Starts a site that is down; `slot` is what a real one draws at every start.
    ///
    /// # Errors
    /// When its directory does not open: nothing a kill leaves behind may do that.
    pub async fn start(&mut self, slot: [u8; 4]) -> Result<()> {
        self.disarm();
        let fuse = self.fuse.clone();
        let options = Options {
            crash_at: Some(Arc::new(move |_| fuse.fetch_sub(1, Ordering::SeqCst) == 0)),
            synchronous: Synchronous::Off,
            ..Options::default()
        };
        let store = Store::open_with(self.folder.path(), options).await?;
        let writer = Writer {
            institution: self.institution,
            journal: journal(self.index),
            code: code(self.index),
            key: self.key.clone(),
            slot,
        };
        store.start_writer(writer).await?;
        self.store = Some(store);
        Ok(())
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

    /// Its directory.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
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
            incarnation: 1,
            rules: records::gate::RULES,
        }
    }

    /// Its time when the world's is `world_ms`.
    #[must_use]
    pub fn now(&self, world_ms: u64) -> Now {
        let offset = self.clock_offset_ms.load(Ordering::SeqCst);
        let world = i64::try_from(world_ms).expect("worlds last weeks");
        Now {
            mono_ms: world_ms,
            wall_ms: FOUNDED_MS + world + offset,
        }
    }

    /// Steps its wall clock; at most a day off in all.
    pub fn step_clock(&self, by_ms: i64) {
        self.clock_offset_ms.store(by_ms, Ordering::SeqCst);
    }

    /// The site will be killed at one of the next write points.
    pub fn arm(&self, rng: &mut StdRng) {
        self.fuse.store(rng.random_range(0..12), Ordering::SeqCst);
    }

    /// It will not.
    pub fn disarm(&self) {
        self.fuse.store(-1, Ordering::SeqCst);
    }

    /// It is down: killed, or stopped at a write point.
    pub fn mark_down(&mut self) {
        self.store = None;
    }

    /// Carries out what a person does.
    ///
    /// # Errors
    /// When the store fails other than by being killed.
    pub async fn commit(&self, deed: Deed, world_ms: u64) -> Result<Answer> {
        let Some(store) = &self.store else {
            return Ok(Answer::Refused);
        };
        let number = self.deeds.fetch_add(1, Ordering::SeqCst);
        let action = Action {
            action: deed.action,
            account: deed.account,
            terminal: records::id::TerminalId::default(),
            wall_ms: self.now(world_ms).wall_ms,
            uptime_ms: world_ms,
            hub_offset_ms: None,
            reads: deed.reads.clone(),
            seed: *blake3_of(self.index, number).as_bytes(),
        };
        let expected = deed.expected.clone();
        match store.commit(action, deed.decide).await {
            Ok(_) => Ok(Answer::Saved(expected)),
            Err(CommitError::Decided(_) | CommitError::Invalid(_)) => Ok(Answer::Refused),
            Err(CommitError::Store(StoreError::Stopped)) => Ok(Answer::Killed),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Does a session's work; `None` when the site was killed in the middle of it.
    ///
    /// # Errors
    /// When the store fails other than by being killed.
    pub async fn perform(&self, work: Work, world_ms: u64) -> Result<Option<Event>> {
        let Some(store) = &self.store else {
            bail!("a site that is down has no sessions");
        };
        let done = match work {
            Work::Take(frame) => Ok(Event::Received(frame)),
            Work::Read {
                journal,
                after,
                max_bytes,
            } => store
                .bundles_after(journal, after, max_bytes)
                .await
                .map(Event::Bundles),
            Work::Admit(bundles) => {
                let received_ms = self.now(world_ms).wall_ms;
                let admitted = store.admit(bundles, received_ms).await;
                admitted.map(|admissions| Event::Admitted(outcome(store, &admissions)))
            }
            Work::Acked(peer, heads) => store
                .record_ack(peer, &heads)
                .await
                .map(|()| Event::LocalHeads(store.frontier())),
        };
        match done {
            Ok(event) => Ok(Some(event)),
            Err(StoreError::Stopped) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn outcome(store: &Store, admissions: &[Admission]) -> Outcome {
    let mut outcome = Outcome {
        heads: store.frontier(),
        ..Outcome::default()
    };
    for admission in admissions {
        match admission {
            Admission::Fork { head } => outcome.forks.push((head.journal, head.seq)),
            Admission::Waiting { kept: false, .. } => outcome.lost = true,
            Admission::NotOurs { .. } => outcome.strangers += 1,
            _ => {}
        }
    }
    outcome
}

fn blake3_of(site: usize, number: u64) -> blake3::Hash {
    blake3::hash(format!("{site}/{number}").as_bytes())
}
