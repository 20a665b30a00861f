//! What each happening does to the world.

use super::faults::Fault;
use super::network::Work;
use super::schedule::Happening;
use super::site::{Answer, Done};
use super::stick::Stick;
use super::{HUB, World, actions};
use anyhow::Result;
use rand::Rng as _;
use records::gate::RULES;
use records::payload::InstitutionOp;
use std::collections::BTreeMap;

const DAY_MS: u64 = 24 * 3_600_000;
/// Files on their way at once; more are left on the table.
const STICKS: usize = 8;

impl World<'_> {
    /// Carries out one step, unless its sites are not there.
    pub(super) async fn step(&mut self, happening: &Happening) -> Result<()> {
        let sites = self.sites.len();
        match *happening {
            Happening::Act { site } if self.hostile == Some(site) => self.mischief(site).await,
            Happening::Act { site } if site < sites => self.act(site).await,
            Happening::Deliver { count } => self.deliver(count).await,
            Happening::Pass { ms } => {
                self.pass(ms);
                Ok(())
            }
            Happening::Connect { a, b } if a.max(b) < sites => {
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
            Happening::WriteStick { from, to } if from.max(to) < sites => {
                self.write_stick(from, to).await
            }
            Happening::StickArrives => self.stick_arrives().await,
            Happening::Erase => self.erase().await,
            Happening::ActivateRules => self.activate_rules().await,
            Happening::Upgrade { site } if site < sites => {
                self.upgrade(site);
                Ok(())
            }
            Happening::Witness { site } if site < sites && self.hostile != Some(site) => {
                self.witness(site).await
            }
            Happening::CopyDisk { site } if site < sites => {
                self.sites[site].copy_disk(&self.held[site])
            }
            Happening::PutBack { site } if site < sites => self.put_back(site),
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
    async fn act(&mut self, index: usize) -> Result<()> {
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
        self.note(index);
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
    async fn deliver(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            if !self.run_one().await? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn pass(&mut self, ms: u64) {
        if ms > DAY_MS {
            self.faults.note(Fault::Silence);
        }
        self.now_ms += ms;
        self.tick();
    }

    fn part(&mut self, members: u32) {
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
    fn after(&mut self, index: usize, done: &Done) -> Result<()> {
        self.note(index);
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
    fn put_back(&mut self, index: usize) -> Result<()> {
        if !self.sites[index].has_copy() || self.hostile == Some(index) {
            return Ok(());
        }
        if self.sites[index].is_up() {
            self.crash(index, Some(false))?;
        }
        if let Some(held) = self.sites[index].put_back()? {
            self.held[index] = held;
            self.put_back.insert(index);
            self.faults.note(Fault::PutBack);
        }
        let held = &self.held;
        self.acknowledged.retain(|saved| {
            let holds = |site: &BTreeMap<_, u64>| site.get(&saved.head.journal).copied();
            let most = held.iter().filter_map(holds).max();
            most.is_some_and(|seq| seq >= saved.head.seq)
        });
        Ok(())
    }

    async fn write_stick(&mut self, from: usize, to: usize) -> Result<()> {
        if self.sticks.len() < STICKS
            && let Some(stick) = Stick::write(&mut self.rng, &self.sites, from, to).await?
        {
            self.sticks.push(stick);
        }
        Ok(())
    }

    async fn stick_arrives(&mut self) -> Result<()> {
        if self.sticks.is_empty() {
            return Ok(());
        }
        let index = self.rng.random_range(0..self.sticks.len());
        let stick = match self.rng.random_range(0..4) {
            0 => {
                self.faults.note(Fault::StickAgain);
                self.sticks[index].clone()
            }
            _ => self.sticks.swap_remove(index),
        };
        let to = stick.to;
        if !self.sites[to].is_up() {
            return Ok(());
        }
        let Some(stick) = stick.arrive(&mut self.rng, &mut self.faults) else {
            return Ok(());
        };
        let writer = stick.from();
        let done = stick
            .read(&self.sites[to], &self.sites[writer], self.now_ms)
            .await?;
        self.after(to, &done)
    }
}
