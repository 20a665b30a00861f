//! What each happening does to the world.

use super::faults::Fault;
use super::network::Work;
use super::schedule::Happening;
use super::site::{Answer, Done};
use super::{HUB, World, actions};
use anyhow::Result;
use rand::Rng as _;
use records::gate::RULES;
use records::payload::InstitutionOp;

const DAY_MS: u64 = 24 * 3_600_000;

impl World<'_> {
    /// Carries out one step, unless its sites are not there.
    pub(super) async fn step(&mut self, happening: &Happening) -> Result<()> {
        let sites = self.sites.len();
        match *happening {
            Happening::Act { site } if self.hostile == Some(site) => self.mischief(site).await,
            Happening::Act { site } if site < sites => {
                let whom = self.whom(site);
                self.act(whom).await
            }
            Happening::Deliver { count } => self.deliver(count).await,
            Happening::Pass { ms } => {
                self.pass(ms);
                Ok(())
            }
            Happening::Connect { a, b } if a.max(b) < sites => {
                let (a, b) = (self.whom(a), self.whom(b));
                self.connect(a, b);
                Ok(())
            }
            Happening::Cut { a, b } if a.max(b) < sites => {
                self.cut(a, b);
                Ok(())
            }
            Happening::Split { members } => {
                self.part(members);
                Ok(())
            }
            Happening::Rejoin => {
                self.split = None;
                Ok(())
            }
            Happening::LoseHub => {
                self.lose_hub();
                Ok(())
            }
            Happening::Erase => self.erase().await,
            Happening::ActivateRules => self.activate_rules().await,
            Happening::Upgrade { site } if site < sites => {
                self.upgrade(site);
                Ok(())
            }
            Happening::Witness { site } if site < sites && self.hostile != Some(site) => {
                self.witness(site).await
            }
            Happening::WriteStick { from, to } if from.max(to) < sites => {
                self.write_stick(from, to).await
            }
            Happening::StickArrives => self.stick_arrives().await,
            ref disk => self.disk(disk).await,
        }
    }

    /// What happens to a site's disk.
    async fn disk(&mut self, happening: &Happening) -> Result<()> {
        let sites = self.sites.len();
        match *happening {
            Happening::CopyDisk { site } if site < sites => {
                self.sites[site].copy_disk(&self.held[site])
            }
            Happening::PutBack { site, told } if site < sites => {
                self.put_back(site, told).await?;
                match told || self.hostile == Some(site) {
                    true => Ok(()),
                    false => self.go_on(site).await,
                }
            }
            Happening::LoseDisk { site } if site < sites => {
                self.lose_links(site);
                self.sites[site].lose_disk(&self.founding.image)?;
                self.start(site).await
            }
            Happening::Copy { site } if site < sites => self.copy_site(site).await,
            Happening::EndCopy => self.end_twin().await,
            Happening::Rot { site } if site < sites => self.rot(site).await,
            Happening::Scrub { site } if site < sites => self.scrub(site).await,
            ref harm => self.harm(harm).await,
        }
    }

    /// What befalls one site.
    async fn harm(&mut self, happening: &Happening) -> Result<()> {
        let (Happening::Stop { site }
        | Happening::Kill { site }
        | Happening::LosePower { site }
        | Happening::Arm { site, .. }
        | Happening::Start { site }
        | Happening::SetClock { site, .. }
        | Happening::FillDisk { site, .. }
        | Happening::FreeDisk { site }) = *happening
        else {
            return Ok(());
        };
        let Some(harmed) = self.sites.get_mut(site) else {
            return Ok(());
        };
        match *happening {
            Happening::Stop { .. } if harmed.is_up() => {
                harmed.stop();
                self.faults.note(Fault::Stop);
                self.lose_links(site);
            }
            Happening::Kill { .. } if harmed.is_up() => self.crash(site, Some(false))?,
            Happening::LosePower { .. } if harmed.is_up() => self.crash(site, Some(true))?,
            Happening::Arm { points, power, .. } => harmed.arm(points, power),
            Happening::Start { .. } => self.start(site).await?,
            Happening::SetClock { off_ms, .. } => {
                harmed.set_clock(off_ms);
                let day = DAY_MS.cast_signed();
                let fault = match (-day..day).contains(&off_ms) {
                    true => Fault::ClockStep,
                    false => Fault::ClockLeap,
                };
                self.faults.note(fault);
            }
            Happening::FillDisk { pages, .. } => harmed.fill_disk(pages).await?,
            Happening::FreeDisk { .. } => harmed.free_disk(),
            _ => {}
        }
        Ok(())
    }

    /// A person acts, or asks again what nobody answered.
    pub(super) async fn act(&mut self, index: usize) -> Result<()> {
        let site = &mut self.sites[index];
        if !site.is_up() {
            return Ok(());
        }
        let again = match self.rng.random_range(0..3) {
            0 => site.ask_again(&mut self.rng),
            _ => None,
        };
        let deed = match (again, site.store()) {
            (Some(deed), _) => deed,
            (None, Some(store)) => actions::draw(&mut self.rng, site, store, self.now_ms).await?,
            (None, None) => return Ok(()),
        };
        if site.is_behind() {
            self.faults.note(Fault::OldProgram);
        }
        let answer = site.commit(deed, self.now_ms).await?;
        self.note(index)?;
        match answer {
            Answer::Saved(saved) => {
                self.trace.update(&saved.record.0);
                self.acknowledged.push(saved);
                self.wake(index);
            }
            Answer::Refused => {}
            Answer::Full => self.faults.note(Fault::DiskFull),
            Answer::Down => self.went_down(index)?,
        }
        Ok(())
    }

    /// Runs up to `count` messages and store operations that are due, in an order drawn.
    pub(super) async fn deliver(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            if !self.run_one().await? {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(super) fn pass(&mut self, ms: u64) {
        if ms > DAY_MS {
            self.faults.note(Fault::Silence);
        }
        self.now_ms += ms;
        self.tick();
    }

    pub(super) fn part(&mut self, members: u32) {
        self.split = Some(members);
        self.faults.note(Fault::Split);
        let inside = |site: usize| members >> site & 1 == 1;
        for a in (0..self.sites.len()).filter(|site| inside(*site)) {
            for b in (0..self.sites.len()).filter(|site| !inside(*site)) {
                self.cut(a, b);
            }
        }
    }

    async fn witness(&mut self, index: usize) -> Result<()> {
        if !self.sites[index].is_up() {
            return Ok(());
        }
        let done = self.sites[index]
            .witness(&mut self.rng, self.now_ms)
            .await?;
        self.after(index, &done)
    }

    /// What follows an operation of a site of its own accord.
    pub(super) fn after(&mut self, index: usize, done: &Done) -> Result<()> {
        self.note(index)?;
        match done {
            Done::Event(_) | Done::LinkEnds => self.wake(index),
            Done::Full => self.faults.note(Fault::DiskFull),
            Done::Down => self.went_down(index)?,
        }
        Ok(())
    }

    /// The hub erases some record it shows.
    async fn erase(&mut self) -> Result<()> {
        let Some(store) = self.sites[HUB].store() else {
            return Ok(());
        };
        let Some((record, op)) = actions::erasure(&mut self.rng, store).await? else {
            return Ok(());
        };
        self.erased.insert(record);
        if self.decide(op).await? {
            self.faults.note(Fault::Erasure);
        }
        Ok(())
    }

    async fn activate_rules(&mut self) -> Result<()> {
        let hub = self.sites[HUB].store();
        if hub.is_some_and(|store| store.trust().rules_at(u64::MAX) < RULES) {
            self.decide(InstitutionOp::ActivateRules(RULES)).await?;
        }
        Ok(())
    }

    /// The hub decides in the institution's name, unless its disk was put back: then it would
    /// have to fetch the institution's journal first. Whether it did.
    async fn decide(&mut self, op: InstitutionOp) -> Result<bool> {
        let lost = self.hostile == Some(HUB) || self.put_back.contains(&HUB);
        if lost || !self.sites[HUB].is_up() {
            return Ok(false);
        }
        let work = Work::Decide(Box::new(op), Box::new(self.founding.root.clone()));
        let done = self.sites[HUB].perform(work, self.now_ms).await?;
        self.after(HUB, &done)?;
        Ok(matches!(done, Done::Event(_)))
    }

    /// Ends a site's process; its next one knows all there is to know.
    pub(super) fn upgrade(&mut self, index: usize) {
        if self.sites[index].upgrade() {
            self.faults.note(Fault::Upgrade);
            self.sites[index].stop();
            self.lose_links(index);
        }
    }

    /// The disk of a site is replaced by its copy: what no other disk holds is gone for good.
    async fn put_back(&mut self, index: usize, told: bool) -> Result<()> {
        if !self.sites[index].has_copy() || self.hostile == Some(index) {
            return Ok(());
        }
        // Whoever has to mend somebody else's disk keeps its own.
        if !self.is_mended().await? {
            return Ok(());
        }
        if self.sites[index].is_up() {
            self.crash(index, Some(false))?;
        }
        if let Some(held) = self.sites[index].put_back(told)? {
            self.held[index] = held;
            self.put_back.insert(index);
            self.faults.note(match told {
                true => Fault::PutBack,
                false => Fault::PutBackUntold,
            });
        }
        if !told {
            self.forkable.insert(self.sites[index].id());
        }
        self.forget_what_nobody_holds().await
    }
}
