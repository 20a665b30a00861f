//! A hostile site signs more than one past, and shows each to somebody else.

use super::super::World;
use super::super::faults::Fault;
use super::super::founding::journal;
use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use records::bundle::Bundle;
use sync::wire::{self, Frame, Lane};

/// More branches than a store keeps of one journal.
const FLOOD: usize = 40;

impl World<'_> {
    /// Two bundles at one place: one peer is shown the first, another the second, and the
    /// hostile site's own sessions know of neither.
    pub(super) async fn equivocate(&mut self, site: usize) -> Result<()> {
        let peers = self.linked(site);
        if peers.len() < 2 {
            return Ok(());
        }
        let first = self.rng.random_range(0..peers.len());
        let second = (first + self.rng.random_range(1..peers.len())) % peers.len();
        for peer in [peers[first], peers[second]] {
            if let Some(bundle) = self.forged(site).await? {
                self.show(site, peer, vec![bundle])?;
            }
        }
        self.faults.note(Fault::Equivocation);
        Ok(())
    }

    /// Its past anew from some place on, shown to some.
    pub(super) async fn rewrite(&mut self, site: usize) -> Result<()> {
        let count = self.rng.random_range(1..4);
        let peers = self.linked(site);
        let chain = self.rewritten(site, count).await?;
        for peer in peers {
            if self.rng.random() {
                self.show(site, peer, chain.clone())?;
                self.faults.note(Fault::Rewritten);
            }
        }
        Ok(())
    }

    /// More branches than anybody keeps, all to one peer.
    pub(super) async fn flood_with_branches(&mut self, site: usize) -> Result<()> {
        let peers = self.linked(site);
        if peers.is_empty() {
            return Ok(());
        }
        let peer = peers[self.rng.random_range(0..peers.len())];
        for _ in 0..FLOOD {
            let chain = self.rewritten(site, 1).await?;
            self.show(site, peer, chain)?;
        }
        self.faults.note(Fault::BranchFlood);
        Ok(())
    }

    async fn rewritten(&mut self, site: usize, count: usize) -> Result<Vec<Bundle>> {
        let mut rng = StdRng::seed_from_u64(self.rng.random());
        match self.forger(site) {
            Some(forger) => forger.rewritten(&mut rng, count).await,
            None => Ok(Vec::new()),
        }
    }

    fn linked(&self, site: usize) -> Vec<usize> {
        let linked = |peer: &usize| self.network.is_connected(site, *peer);
        (0..self.sites.len()).filter(linked).collect()
    }

    /// Sends a chain of the hostile site's journal to one peer alone.
    fn show(&mut self, site: usize, peer: usize, chain: Vec<Bundle>) -> Result<()> {
        let Some(first) = chain.first() else {
            return Ok(());
        };
        let frame = Frame::run(
            journal(site),
            first.decode_header()?.seq.saturating_sub(1),
            chain,
            Lane::Live,
        );
        let body = wire::encode_frame(&frame).expect("small bundles fit a frame");
        let now = self.sites[site].now(self.now_ms);
        self.network.inject(site, peer, body[4..].to_vec(), now);
        Ok(())
    }
}
