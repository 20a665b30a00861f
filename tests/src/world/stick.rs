//! Files carried between sites by hand, as `dutyroom export` writes and `import` reads them:
//! lost, late by weeks, cut off, altered, read twice.

use super::World;
use super::faults::{Fault, Faults};
use super::site::{Done, Site};
use anyhow::{Result, bail};
use rand::Rng as _;
use rand::rngs::StdRng;
use store::StoreError;
use sync::carry::{CarryError, Exporter, Importer, Receivers};
use sync::session::Event;

/// Files on their way at once; more are left on the table.
const STICKS: usize = 8;

/// A file on its way.
#[derive(Clone)]
pub(super) struct Stick {
    /// For which site.
    to: usize,
    bytes: Vec<u8>,
    /// What happened to it since it was written.
    harmed: bool,
}

impl Stick {
    /// Writes what `to` may lack. Nothing while the site is down.
    async fn write(
        rng: &mut StdRng,
        sites: &[Site],
        (from, to): (usize, usize),
        world_ms: u64,
    ) -> Result<Option<Self>> {
        let Some(store) = sites[from].store() else {
            return Ok(None);
        };
        let own = sites[from].identity();
        let receiver = sites[to].identity().code.clone();
        let receivers = Receivers::find(&store.trust(), own.site(), &[receiver])?;
        let now_ms = sites[from].now(world_ms).wall_ms;
        let mut file = Exporter::new(own, store, &receivers, now_ms, rng).await?;
        let mut bytes = Vec::new();
        while let Some(more) = file.next().await? {
            bytes.extend(more);
        }
        let harmed = false;
        Ok(Some(Self { to, bytes, harmed }))
    }

    /// What is left of it when it arrives; nothing when it does not.
    fn arrive(mut self, rng: &mut StdRng, faults: &mut Faults) -> Option<Self> {
        match rng.random_range(0..6) {
            0 => {
                faults.note(Fault::StickLost);
                return None;
            }
            1 => {
                faults.note(Fault::StickAltered);
                let at = rng.random_range(0..self.bytes.len());
                self.bytes[at] ^= 1 << rng.random_range(0..8);
                self.harmed = true;
            }
            2 => {
                faults.note(Fault::StickCutOff);
                self.bytes.truncate(rng.random_range(0..self.bytes.len()));
                self.harmed = true;
            }
            _ => faults.note(Fault::StickRead),
        }
        Some(self)
    }

    /// Reads it at its site. One that nothing happened to is read to its end.
    async fn read(self, site: &Site, world_ms: u64) -> Result<Done> {
        let Some(store) = site.store() else {
            bail!("a site that is down reads no file");
        };
        let now_ms = site.now(world_ms).wall_ms;
        let mut import = Importer::new(site.identity(), store, now_ms);
        let read = match import.take(&self.bytes).await {
            Ok(()) => import.finish().await,
            Err(error) => Err(error),
        };
        match read {
            Err(CarryError::Store(StoreError::Stopped)) => Ok(Done::Down),
            Err(CarryError::Store(StoreError::Full)) if site.is_filled() => Ok(Done::Full),
            Err(error @ CarryError::Store(_)) => Err(error.into()),
            Err(error) if !self.harmed => Err(error.into()),
            Ok(_) if self.harmed => bail!("a file that was harmed passes for whole"),
            Ok(_) | Err(_) => Ok(Done::Event(Event::LocalHeads(store.frontier()))),
        }
    }
}

impl World<'_> {
    pub(super) async fn write_stick(&mut self, from: usize, to: usize) -> Result<()> {
        let way = (from, to);
        if self.sticks.len() < STICKS
            && !self.is_same(from, to)
            && let Some(stick) = Stick::write(&mut self.rng, &self.sites, way, self.now_ms).await?
        {
            self.sticks.push(stick);
        }
        Ok(())
    }

    pub(super) async fn stick_arrives(&mut self) -> Result<()> {
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
        let done = stick.read(&self.sites[to], self.now_ms).await?;
        self.after(to, &done)
    }
}
