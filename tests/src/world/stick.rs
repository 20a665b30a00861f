//! Files carried between sites by hand: lost, late by weeks, cut off, read twice, out of order.

use super::faults::{Fault, Faults};
use super::network::Work;
use super::site::{Done, Site};
use anyhow::Result;
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use records::bundle::{Bundle, Head};
use sync::session::Event;

/// A file on its way.
#[derive(Clone)]
pub struct Stick {
    from: usize,
    /// For which site.
    pub to: usize,
    bundles: Vec<Bundle>,
    /// What its writer durably held.
    heads: Vec<Head>,
}

impl Stick {
    /// Writes what `to` may lack; from how far back is drawn. Nothing while the site is down.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn write(
        rng: &mut StdRng,
        sites: &[Site],
        from: usize,
        to: usize,
    ) -> Result<Option<Self>> {
        let Some(store) = sites[from].store() else {
            return Ok(None);
        };
        let heads = store.frontier();
        let mut bundles = Vec::new();
        for head in &heads {
            let after = match rng.random_range(0..3) {
                0 => 0,
                _ => rng.random_range(0..head.seq),
            };
            bundles.extend(store.bundles_after(head.journal, after, usize::MAX).await?);
        }
        Ok(Some(Self {
            from,
            to,
            bundles,
            heads,
        }))
    }

    /// What is left of it when it arrives; nothing when it does not.
    pub fn arrive(mut self, rng: &mut StdRng, faults: &mut Faults) -> Option<Self> {
        match rng.random_range(0..6) {
            0 => {
                faults.note(Fault::StickLost);
                return None;
            }
            1 => {
                faults.note(Fault::StickShuffled);
                self.bundles.shuffle(rng);
            }
            2 => {
                faults.note(Fault::StickCutOff);
                self.bundles
                    .truncate(rng.random_range(0..=self.bundles.len()));
                // The end, which tells what its writer holds, is missing.
                self.heads.clear();
            }
            _ => {}
        }
        Some(self)
    }

    /// Reads it at its site.
    ///
    /// # Errors
    /// When the store fails other than by a fault.
    pub async fn read(self, site: &Site, writer: &Site, world_ms: u64) -> Result<Done> {
        debug_assert_ne!(self.from, self.to, "nobody carries a file to himself");
        let done = site
            .perform(Work::Admit(sync::wire::Lane::Bulk, self.bundles), world_ms)
            .await?;
        match done {
            Done::Event(Event::Admitted(..)) => {
                let acked = Work::Acked(writer.id(), self.heads);
                site.perform(acked, world_ms).await
            }
            down_or_full => Ok(down_or_full),
        }
    }

    /// Who wrote it.
    #[must_use]
    pub fn from(&self) -> usize {
        self.from
    }
}
