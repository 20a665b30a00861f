//! One site in some worlds is hostile. It holds a valid key and an honest store to look things up
//! in, and does whatever it likes: signs what no gate takes, replays and withholds, says that it
//! holds what it does not, rewrites its past, floods. Everything below is drawn from the seed.

mod doubles;
mod forge;
mod oversize;

use super::World;
use super::faults::Fault;
use super::founding::journal;
use super::network::Work;
use super::site::Done;
use anyhow::Result;
use forge::Forger;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use records::bundle::{Bundle, Head};
use records::id::{Hash, JournalId};
use sync::wire::{self, Ack, Frame, Lane};

impl World<'_> {
    /// The hostile site does something to somebody.
    pub(super) async fn mischief(&mut self, site: usize) -> Result<()> {
        // What ends its links comes seldom, or nothing else would ever arrive.
        match self.rng.random_range(0..40) {
            0 => self.strangers(site).await,
            1 => self.garbage(site),
            2 => self.flood(site),
            3 => self.oversize(site).await,
            4..7 => self.equivocate(site).await,
            7 | 8 => self.rewrite(site).await,
            9 if self.rng.random_range(0..4) == 0 => self.flood_with_branches(site).await,
            _ => self.forge(site).await,
        }
    }

    /// Signs a bundle into its own journal, from which its sessions send it to everybody.
    async fn forge(&mut self, site: usize) -> Result<()> {
        let Some(bundle) = self.forged(site).await? else {
            return Ok(());
        };
        let work = Work::Admit(Lane::Live, vec![bundle]);
        let done = self.sites[site].perform(work, self.now_ms).await?;
        self.note(site)?;
        match done {
            Done::Down => self.went_down(site),
            Done::Full | Done::LinkEnds => Ok(()),
            Done::Event(_) => {
                self.faults.note(Fault::Forged);
                self.wake(site);
                Ok(())
            }
        }
    }

    fn forger(&self, site: usize) -> Option<Forger<'_>> {
        Some(Forger {
            institution: self.founding.institution,
            journal: journal(site),
            code: &self.sites[site].identity().code,
            key: &self.sites[site].identity().sign,
            store: self.sites[site].store()?,
            wall_ms: self.sites[site].now(self.now_ms).wall_ms,
        })
    }

    /// The next bundle of the hostile site's journal, as it signs them.
    async fn forged(&mut self, site: usize) -> Result<Option<Bundle>> {
        let mut rng = StdRng::seed_from_u64(self.rng.random());
        Ok(match self.forger(site) {
            Some(forger) => Some(forger.next(&mut rng).await?),
            None => None,
        })
    }

    /// Bundles that nobody signed, or that are no bundles.
    async fn strangers(&mut self, site: usize) -> Result<()> {
        let Some(mut bundle) = self.forged(site).await? else {
            return Ok(());
        };
        match self.rng.random_range(0..4) {
            0 => bundle.signature[7] ^= 1,
            1 => bundle.payload.push(0),
            2 => bundle.header[1] = 9,
            _ => bundle.header.truncate(20),
        }
        let frame = Frame::run(
            journal(site),
            self.rng.random_range(0..20),
            vec![bundle; self.rng.random_range(1..80)],
            Lane::Live,
        );
        let body = wire::encode_frame(&frame).expect("small bundles fit a frame");
        self.inject(site, &body[4..], Fault::Strangers);
        Ok(())
    }

    fn garbage(&mut self, site: usize) -> Result<()> {
        let len = self.rng.random_range(0..200);
        let mut body: Vec<u8> = (0..len).map(|_| self.rng.random()).collect();
        if let Some(kind) = body.first_mut() {
            *kind %= 2;
        }
        self.inject(site, &body, Fault::Garbage);
        Ok(())
    }

    /// Small talk without end, or answers to questions nobody asked.
    fn flood(&mut self, site: usize) -> Result<()> {
        let lie = Head {
            journal: JournalId {
                site: self.sites[0].id(),
                incarnation: 1,
            },
            seq: self.rng.random(),
            hash: Hash(self.rng.random()),
        };
        let frame = match self.rng.random_range(0..4) {
            0 => Frame::Ping { nonce: 0 },
            1 => Frame::Reach(Vec::new()),
            2 => Frame::Frontier(vec![lie]),
            _ => Frame::Ack(Ack {
                batches: self.rng.random_range(0..3),
                heads: Vec::new(),
                lost: vec![lie.journal],
                ..Ack::default()
            }),
        };
        let body = wire::encode_frame(&frame).expect("small talk fits a frame");
        for _ in 0..self.rng.random_range(1..300) {
            self.inject(site, &body[4..], Fault::Flood);
        }
        Ok(())
    }

    fn inject(&mut self, site: usize, body: &[u8], fault: Fault) {
        let now = self.sites[site].now(self.now_ms);
        for peer in 0..self.sites.len() {
            if self.network.inject(site, peer, body.to_vec(), now) {
                self.faults.note(fault);
            }
        }
    }
}
