//! The simulated world: real stores and real sessions of some sites, one seed, virtual time.
//!
//! A seed draws a [`schedule`]: people act, messages arrive, links are cut and sites split from
//! the rest, processes are killed and power fails at any write point, disks fill up, rot and are
//! put back, a site is copied and runs twice, clocks are set, files are carried by hand, and one
//! site may sign what it likes. [`World`] carries it out, one store operation after the other,
//! so that the same schedule is always the same world. What a site answered as saved is noted.
//! In the end everything is healed, the world runs until it is quiet, and [`check`] proves the
//! promises of DESIGN.md section 3 over what is left. A failing schedule is made as small as it
//! gets ([`shrink`]) and can be kept in a file and run again.
//!
//! To add a fault: a [`schedule::Happening`], its kind in [`faults`], and what it does in `steps`.

pub mod actions;
mod chains;
pub mod check;
pub mod disk;
pub mod faults;
mod forks;
pub mod founding;
mod hostile;
pub mod network;
pub mod run;
pub mod schedule;
mod scrubbing;
pub mod shrink;
pub mod site;
mod steps;
mod stick;
mod twin;
mod ways;

use actions::Saved;
use anyhow::{Result, bail, ensure};
use faults::{Fault, Faults};
use founding::Founding;
use network::Network;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use records::id::{JournalId, RecordId, SiteId};
use schedule::Schedule;
use site::{Done, Site};
use std::collections::{BTreeMap, BTreeSet};
use stick::Stick;
use sync::session::{Event, fork};
use twin::Twin;

/// The hub's index; the campuses dial it.
pub const HUB: usize = 0;
/// Rounds of a second each in which a healed world must come to rest.
const ROUNDS: usize = 200;
/// Rounds in which nobody has anything to say.
const CALM: usize = 5;
/// How often forks are settled, at most: a closure has few heads, and makes room for more.
const SETTLINGS: usize = 6;

/// What one world went through.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Happenings.
    pub steps: u64,
    /// Actions a site answered as saved.
    pub acknowledged: u64,
    /// Faults injected, by kind.
    pub faults: Faults,
    /// A hash over all that happened: equal for equal worlds.
    pub trace: String,
}

/// Sites, their network and their people.
pub struct World<'a> {
    founding: &'a Founding,
    /// The site that does what it likes.
    hostile: Option<usize>,
    /// Draws of the step under way.
    rng: StdRng,
    now_ms: u64,
    sites: Vec<Site>,
    network: Network,
    /// Sites that only reach each other, as bits.
    split: Option<u32>,
    sticks: Vec<Stick>,
    acknowledged: Vec<Saved>,
    /// Records that the institution erased, or was about to.
    erased: BTreeSet<RecordId>,
    /// Sites whose disk was put back.
    put_back: BTreeSet<usize>,
    /// Sites that may have written on in a journal that others know to go on otherwise.
    forkable: BTreeSet<SiteId>,
    /// Journals that were closed.
    closed: BTreeSet<JournalId>,
    /// How far each site holds each journal on its disk, as last seen.
    held: Vec<BTreeMap<JournalId, u64>>,
    /// The second machine that runs a copied data directory, while one does.
    twin: Option<Twin>,
    /// Machines that were switched off for good.
    gone: BTreeSet<usize>,
    /// Sites with bits flipped on their disks, until they are mended.
    rotten: BTreeSet<usize>,
    faults: Faults,
    trace: blake3::Hasher,
    /// Removed with everything in it.
    folder: tempfile::TempDir,
}

impl<'a> World<'a> {
    /// Begins a world: every site with the founded institution and nothing else.
    ///
    /// # Errors
    /// When a data directory cannot be made or opened.
    pub async fn begin(founding: &'a Founding, schedule: &Schedule) -> Result<Self> {
        let folder = founding::scratch()?;
        let mut sites = Vec::new();
        for index in 0..schedule.sites {
            let hostile = schedule.hostile == Some(index);
            let old = schedule.old >> index & 1 == 1;
            sites.push(Site::open(founding, folder.path(), index, (hostile, old)).await?);
        }
        Ok(Self {
            founding,
            hostile: schedule.hostile,
            rng: StdRng::seed_from_u64(schedule.seed),
            now_ms: 1,
            held: vec![BTreeMap::new(); sites.len()],
            sites,
            network: Network::new(schedule.hostile),
            split: None,
            sticks: Vec::new(),
            acknowledged: Vec::new(),
            erased: BTreeSet::new(),
            put_back: BTreeSet::new(),
            forkable: BTreeSet::new(),
            closed: BTreeSet::new(),
            twin: None,
            gone: BTreeSet::new(),
            rotten: BTreeSet::new(),
            faults: Faults::default(),
            trace: blake3::Hasher::new(),
            folder,
        })
    }

    /// Lives through the schedule, heals everything, and checks what is left.
    ///
    /// # Errors
    /// The broken promise.
    pub async fn live(mut self, schedule: &Schedule) -> Result<Summary> {
        for step in &schedule.steps {
            self.rng = StdRng::seed_from_u64(step.draw);
            self.step(&step.happening).await?;
            // Who lies, or forgets what it said it holds, makes others believe too much.
            if self.hostile.is_none() && self.put_back.is_empty() && self.forkable.is_empty() {
                check::held_only_here_is_never_too_low(&self.sites, &self.held)?;
            }
        }
        self.rng = StdRng::seed_from_u64(!schedule.seed);
        self.heal().await?;
        let draw = self.rng.random();
        let honest: Vec<&Site> = self.honest().map(|index| &self.sites[index]).collect();
        let hostile = self.hostile.map(founding::site_id);
        let lost = self.gone.iter().map(|machine| self.sites[*machine].id());
        let lost = lost.collect();
        let expected = check::Expected {
            hostile,
            acknowledged: &self.acknowledged,
            erased: &self.erased,
            forked: &self.forkable,
            lost: &lost,
        };
        check::promises(&honest, &expected, draw).await?;
        self.faults += &self.network.tricks;
        Ok(Summary {
            steps: schedule.steps.len() as u64,
            acknowledged: self.acknowledged.len() as u64,
            faults: self.faults,
            trace: self.trace.finalize().to_string(),
        })
    }

    /// Runs one due message or store operation; `false` when there is none.
    async fn run_one(&mut self) -> Result<bool> {
        let Some(job) = self.network.draw(&mut self.rng, self.now_ms) else {
            return Ok(false);
        };
        let done = self.sites[job.site].perform(job.work, self.now_ms).await?;
        self.note(job.site)?;
        match done {
            Done::Down => self.went_down(job.site)?,
            Done::LinkEnds => self.cut(job.site, job.peer),
            Done::Full => {
                self.faults.note(Fault::DiskFull);
                self.cut(job.site, job.peer);
            }
            Done::Event(event) => {
                let heads_moved = matches!(
                    event,
                    Event::Admitted(..) | Event::Fork(fork::Event::Taken(_))
                );
                let now = self.sites[job.site].now(self.now_ms);
                self.network
                    .handle(&mut self.rng, job.site, job.peer, event, now);
                self.give_way();
                if heads_moved {
                    self.wake(job.site);
                }
            }
        }
        Ok(true)
    }

    /// Keeps account of what a site's disk holds now. It never holds less than before, unless a
    /// closure put another chain in place of a journal.
    fn note(&mut self, index: usize) -> Result<()> {
        let Some(store) = self.sites[index].store() else {
            return Ok(());
        };
        self.trace.update(&[index.to_le_bytes()[0]]);
        let mut held = BTreeMap::new();
        for head in store.frontier() {
            self.trace.update(&head.hash.0);
            held.insert(head.journal, head.seq);
        }
        let trust = store.trust();
        for (journal, before) in &self.held[index] {
            let kept = held.get(journal).is_some_and(|seq| seq >= before);
            ensure!(
                kept || trust.closed(*journal).is_some(),
                "site {index} forgot what it held of {journal} up to {before}"
            );
        }
        self.held[index] = held;
        Ok(())
    }

    /// Tells every session of a site what its store holds now.
    fn wake(&mut self, index: usize) {
        let site = &self.sites[index];
        let (heads, ends, now) = (
            site.frontier(),
            chains::ends(site.store()),
            site.now(self.now_ms),
        );
        for peer in 0..self.sites.len() {
            for event in [
                Event::LocalHeads(heads.clone()),
                Event::Fork(fork::Event::Ends(ends.clone())),
            ] {
                self.network.handle(&mut self.rng, index, peer, event, now);
            }
        }
    }

    fn tick(&mut self) {
        for index in 0..self.sites.len() {
            let now = self.sites[index].now(self.now_ms);
            for peer in 0..self.sites.len() {
                self.network
                    .handle(&mut self.rng, index, peer, Event::Tick, now);
            }
        }
    }

    /// A site stopped by itself at a write point.
    fn went_down(&mut self, index: usize) -> Result<()> {
        self.crash(index, None)
    }

    fn crash(&mut self, index: usize, power: Option<bool>) -> Result<()> {
        for fault in self.sites[index].crash(&mut self.rng, power)? {
            self.faults.note(fault);
        }
        self.lose_links(index);
        Ok(())
    }

    fn lose_links(&mut self, index: usize) {
        for peer in 0..self.sites.len() {
            self.cut(index, peer);
        }
    }

    async fn start(&mut self, index: usize) -> Result<()> {
        if !self.sites[index].is_up() {
            let slot = self.rng.random();
            self.sites[index].start(slot, self.now_ms).await?;
            self.note(index)?;
        }
        Ok(())
    }

    /// The sites whose promises count.
    fn honest(&self) -> impl Iterator<Item = usize> + use<> {
        let (hostile, gone) = (self.hostile, self.gone.clone());
        (0..self.sites.len()).filter(move |site| Some(*site) != hostile && !gone.contains(site))
    }

    /// Everything comes back, the hostile site and copies stay away; the world runs until all
    /// honest sites hold the same.
    async fn heal(&mut self) -> Result<()> {
        self.split = None;
        self.end_twin().await?;
        if let Some(hostile) = self.hostile {
            self.lose_links(hostile);
        }
        for index in self.honest() {
            self.sites[index].arm(-1, false);
            self.sites[index].free_disk();
            self.upgrade(index);
            self.start(index).await?;
        }
        if self.hostile != Some(HUB) {
            // What direct links are for has come to an end.
            for a in self.honest().filter(|a| *a != HUB) {
                for b in self.honest().filter(|b| *b > a) {
                    self.cut(a, b);
                }
            }
        }
        for _ in 0..SETTLINGS {
            let rests = self.comes_to_rest().await?;
            if self.mend().await? {
                continue;
            }
            let settled = self.settle_forks().await?;
            if rests && !settled {
                self.faults.add(Fault::Fork, self.closed.len() as u64);
                return Ok(());
            }
        }
        let frontiers: Vec<_> = self.sites.iter().map(Site::frontier).collect();
        let busy = self.network.busy();
        bail!("the sites never came to rest, busy are {busy:?}: {frontiers:?}");
    }

    /// Sites whose disks lost something get it back from others. Whether there were any.
    async fn mend(&mut self) -> Result<bool> {
        let rotten = std::mem::take(&mut self.rotten);
        for index in &rotten {
            self.scrub(*index).await?;
        }
        Ok(!rotten.is_empty())
    }

    /// Whether all honest sites come to hold the same.
    async fn comes_to_rest(&mut self) -> Result<bool> {
        let mut calm = 0;
        for _ in 0..ROUNDS {
            self.link_all();
            self.now_ms += 1_000;
            self.tick();
            while self.run_one().await? {}
            let quiet = self.network.is_quiet();
            let mut honest = self.honest().map(|index| self.sites[index].frontier());
            let first = honest.next();
            if quiet && honest.all(|frontier| Some(frontier) == first) {
                return Ok(true);
            }
            // Only a closure settles what is apart when nobody has anything to say.
            calm = if quiet { calm + 1 } else { 0 };
            if calm > CALM {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// The hub's links; without an honest hub the campuses link among themselves.
    fn link_all(&mut self) {
        for a in self.honest() {
            for b in self.honest().filter(|b| *b > a) {
                if a == HUB || self.hostile == Some(HUB) {
                    self.connect(a, b);
                }
            }
        }
    }
}

/// Lives through one written-out world.
///
/// # Errors
/// The broken promise.
pub async fn live(founding: &Founding, schedule: &Schedule) -> Result<Summary> {
    let world = World::begin(founding, schedule).await?;
    world.live(schedule).await
}
