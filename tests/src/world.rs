//! The simulated world: real stores and real sessions of three sites, one seed, virtual time.
//!
//! Every step draws one happening from the seed: a person acts at some site, a message arrives,
//! a store operation ends, a link is cut or heals, a site is killed at a write point and comes
//! back, a clock is stepped. What a site answered as saved is noted. In the end everything is
//! healed, the world runs until it is quiet, and [`check`] proves the promises of DESIGN.md
//! section 3 over what is left. The same seed is the same world, so a failing one replays.

pub mod actions;
pub mod check;
pub mod faults;
pub mod founding;
pub mod network;
pub mod site;

use actions::Acknowledged;
use anyhow::{Context as _, Result, bail};
use faults::Faults;
use founding::Founding;
use network::Network;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use site::Site;

/// How many sites there are: a hub and two campuses.
pub const SITES: usize = 3;
/// The hub's index; the campuses dial it.
pub const HUB: usize = 0;
const LONGEST_CUT_MS: u64 = 21 * 24 * 3_600_000;

/// What one world went through.
#[derive(Debug, Default, Clone)]
pub struct Summary {
    /// Happenings.
    pub steps: u64,
    /// Actions a site answered as saved.
    pub acknowledged: usize,
    /// Faults injected, by kind.
    pub faults: Faults,
}

/// Three sites, their network and their people.
pub struct World {
    rng: StdRng,
    now_ms: u64,
    sites: Vec<Site>,
    network: Network,
    acknowledged: Vec<Acknowledged>,
    summary: Summary,
}

impl World {
    /// The world of `seed`, begun from the founded institution's data directories.
    ///
    /// # Errors
    /// When a data directory cannot be copied or opened.
    pub async fn begin(founding: &Founding, seed: u64) -> Result<Self> {
        let mut sites = Vec::new();
        for index in 0..SITES {
            sites.push(Site::open(founding, index).await?);
        }
        Ok(Self {
            rng: StdRng::seed_from_u64(seed),
            now_ms: 1,
            sites,
            network: Network::default(),
            acknowledged: Vec::new(),
            summary: Summary::default(),
        })
    }

    /// Lives through `steps` happenings, heals everything, and checks what is left.
    ///
    /// # Errors
    /// The broken promise.
    pub async fn live(mut self, steps: u64) -> Result<Summary> {
        for _ in 0..steps {
            self.step().await?;
        }
        self.heal().await?;
        self.summary.steps = steps;
        self.summary.acknowledged = self.acknowledged.len();
        check::promises(&self.sites, &self.acknowledged).await?;
        Ok(self.summary)
    }

    async fn step(&mut self) -> Result<()> {
        match self.rng.random_range(0..100) {
            0..=24 => self.act().await,
            25..=64 => self.run_pending(12).await,
            65..=74 => {
                self.pass_time();
                Ok(())
            }
            75..=78 => {
                self.cut();
                Ok(())
            }
            79..=90 => {
                self.connect_one();
                Ok(())
            }
            91..=92 => {
                self.kill();
                Ok(())
            }
            93..=97 => self.restart().await,
            _ => {
                self.step_clock();
                Ok(())
            }
        }
    }

    /// A person acts at a site that is up.
    async fn act(&mut self) -> Result<()> {
        let index = self.rng.random_range(0..SITES);
        let site = &self.sites[index];
        let Some(store) = site.store() else {
            return Ok(());
        };
        let deed = actions::draw(&mut self.rng, site, store, self.now_ms).await?;
        if self.rng.random_range(0..20) == 0 {
            site.arm(&mut self.rng);
        }
        match site.commit(deed, self.now_ms).await? {
            site::Answer::Saved(acknowledged) => {
                self.acknowledged.push(acknowledged);
                self.wake(index);
            }
            site::Answer::Refused => {}
            site::Answer::Killed => {
                self.summary.faults.write_point_kills += 1;
                self.went_down(index);
            }
        }
        Ok(())
    }

    /// Runs up to `count` messages and store operations that are due, in an order drawn.
    async fn run_pending(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            if !self.run_one().await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Runs one due message or store operation; `false` when there is none.
    async fn run_one(&mut self) -> Result<bool> {
        let Some(job) = self.network.draw(&mut self.rng, self.now_ms) else {
            return Ok(false);
        };
        let site = &self.sites[job.site];
        let Some(event) = site.perform(job.work, self.now_ms).await? else {
            self.summary.faults.write_point_kills += 1;
            self.went_down(job.site);
            return Ok(true);
        };
        let heads_moved = matches!(event, sync::session::Event::Admitted(_));
        let now = site.now(self.now_ms);
        self.network
            .handle(&mut self.rng, job.site, job.peer, event, now);
        if heads_moved {
            self.wake(job.site);
        }
        Ok(true)
    }

    /// Tells every session of a site what its store holds now.
    fn wake(&mut self, index: usize) {
        let site = &self.sites[index];
        let (heads, now) = (site.frontier(), site.now(self.now_ms));
        for peer in 0..SITES {
            let event = sync::session::Event::LocalHeads(heads.clone());
            self.network.handle(&mut self.rng, index, peer, event, now);
        }
    }

    /// Lets time pass until the next message, a little, or as long as a cut may last.
    fn pass_time(&mut self) {
        let by = match self.rng.random_range(0..10) {
            0 => self.rng.random_range(0..LONGEST_CUT_MS),
            1..=3 => self.rng.random_range(0..60_000),
            _ => self.rng.random_range(0..200),
        };
        self.now_ms += by;
        self.tick();
    }

    fn tick(&mut self) {
        for index in 0..SITES {
            let now = self.sites[index].now(self.now_ms);
            for peer in 0..SITES {
                let event = sync::session::Event::Tick;
                self.network.handle(&mut self.rng, index, peer, event, now);
            }
        }
    }

    fn cut(&mut self) {
        let (a, b) = self.pair();
        if self.network.cut(a, b) {
            self.summary.faults.cuts += 1;
        }
    }

    fn pair(&mut self) -> (usize, usize) {
        let a = self.rng.random_range(0..SITES);
        let b = (a + self.rng.random_range(1..SITES)) % SITES;
        (a.min(b), a.max(b))
    }

    /// The hub's links mostly; now and then the campuses link directly.
    fn connect_one(&mut self) {
        let (a, b) = self.pair();
        let direct = a != HUB;
        if !direct || self.rng.random_range(0..4) == 0 {
            self.connect(a, b);
        }
    }

    fn connect(&mut self, a: usize, b: usize) {
        let both_up = self.sites[a].is_up() && self.sites[b].is_up();
        if !both_up || self.network.is_connected(a, b) {
            return;
        }
        let openings = [a, b].map(|index| {
            let site = &self.sites[index];
            network::Opening {
                site: index,
                hello: site.hello(),
                heads: site.frontier(),
                now: site.now(self.now_ms),
            }
        });
        let [first, second] = openings;
        self.network.open(&mut self.rng, &first, &second);
    }

    fn kill(&mut self) {
        let index = self.rng.random_range(0..SITES);
        if self.sites[index].is_up() {
            self.summary.faults.kills += 1;
            self.went_down(index);
        }
    }

    fn went_down(&mut self, index: usize) {
        self.sites[index].mark_down();
        for peer in 0..SITES {
            if self.network.cut(index, peer) {
                self.summary.faults.cuts += 1;
            }
        }
    }

    async fn restart(&mut self) -> Result<()> {
        let index = self.rng.random_range(0..SITES);
        if !self.sites[index].is_up() {
            let slot = self.rng.random();
            self.sites[index].start(slot).await?;
        }
        Ok(())
    }

    fn step_clock(&mut self) {
        let index = self.rng.random_range(0..SITES);
        let by = self.rng.random_range(-86_400_000..86_400_000);
        self.sites[index].step_clock(by);
        self.summary.faults.clock_steps += 1;
    }

    /// Everything comes back; the world runs until all sites hold the same.
    async fn heal(&mut self) -> Result<()> {
        for index in 0..SITES {
            self.sites[index].disarm();
            if !self.sites[index].is_up() {
                let slot = self.rng.random();
                self.sites[index].start(slot).await?;
            }
        }
        for round in 0..200 {
            for campus in 1..SITES {
                self.connect(HUB, campus);
            }
            self.now_ms += 1_000;
            self.tick();
            while self.run_one().await? {}
            let first = self.sites[HUB].frontier();
            let equal = self.sites.iter().all(|site| site.frontier() == first);
            if equal && self.network.is_quiet() {
                return Ok(());
            }
            if round == 199 {
                let frontiers: Vec<_> = self.sites.iter().map(Site::frontier).collect();
                bail!("the sites never came to rest: {frontiers:?}");
            }
        }
        Ok(())
    }
}

/// Lives through the world of one seed.
///
/// # Errors
/// The broken promise, with the seed.
pub async fn live(founding: &Founding, seed: u64, steps: u64) -> Result<Summary> {
    let world = World::begin(founding, seed).await?;
    let lived = world.live(steps).await;
    lived.with_context(|| format!("seed {seed}"))
}
