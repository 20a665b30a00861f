//! Scrubs in the world: what a session asks of its store for one, and bits that flip on a disk.

use super::World;
use super::chains;
use super::faults::Fault;
use super::network::Work;
use super::site::Done;
use anyhow::Result;
use rand::Rng as _;
use records::bundle::Bundle;
use store::{Store, StoreError};
use sync::scrub::set::Set;
use sync::scrub::{self, Taken};
use sync::session::Event;

/// Bytes of one answer; small, so that differences come in pieces.
const BATCH_LEN: usize = 4_000;
/// Bundles of one reading of the inventory.
const PAGE: u32 = 1_000;

/// Does a scrub's work.
///
/// # Errors
/// What the store says.
pub(super) async fn perform(
    store: &Store,
    work: scrub::Work,
    wall_ms: i64,
) -> Result<scrub::Event, StoreError> {
    Ok(match work {
        scrub::Work::Open => scrub::Event::Opened(set(store).await?.open()),
        scrub::Work::Answer(message) => scrub::Event::Answered(set(store).await?.answer(&message)),
        scrub::Work::Compare(message) => {
            scrub::Event::Compared(set(store).await?.compare(&message))
        }
        scrub::Work::Fetch { wanted, hashes } => {
            let bundles = store.bundles_of(&hashes, BATCH_LEN).await?;
            scrub::Event::Fetched { wanted, bundles }
        }
        scrub::Work::Take { wanted, bundles } => {
            let ordered = scrub::in_order(&store.frontier(), bundles);
            let hashes = ordered.iter().map(Bundle::hash).collect();
            let taken = Taken::of(hashes, chains::admit(store, ordered, wall_ms).await?);
            scrub::Event::Taken { wanted, taken }
        }
    })
}

async fn set(store: &Store) -> Result<Set, StoreError> {
    let mut set = Set::default();
    let items = store.branch_inventory().await?.into_iter();
    set.extend(items.map(|item| (item.seq, item.hash)));
    let mut place = 0;
    loop {
        let (page, last) = store.inventory(place, PAGE).await?;
        if last == place {
            return Ok(set);
        }
        set.extend(page.into_iter().map(|item| (item.seq, item.hash)));
        place = last;
    }
}

impl World<'_> {
    /// A bit flips on the disk of a site, in a bundle that another honest site holds as well:
    /// nobody can bring back the only copy.
    pub(super) async fn rot(&mut self, index: usize) -> Result<()> {
        let Some(store) = self.sites[index].store() else {
            return Ok(());
        };
        // One disk at a time: the others mend it.
        let others_rot = self.rotten.iter().any(|other| *other != index);
        if self.hostile == Some(index) || others_rot {
            return Ok(());
        }
        let heads = store.frontier();
        let head = heads[self.rng.random_range(0..heads.len())];
        let after = self.rng.random_range(0..head.seq);
        let Some(bundle) = store.bundles_after(head.journal, after, 1).await?.pop() else {
            return Ok(());
        };
        let others = self.honest().filter(|other| !self.is_same(*other, index));
        let others = others.filter(|other| !self.is_copy(*other));
        if !self.is_held_at(others, bundle.hash()).await? {
            return Ok(());
        }
        self.lose_links(index);
        let bit = self.rng.random_range(0..512);
        if self.sites[index].rot(&bundle.signature, bit).await? > 0 {
            self.faults.note(Fault::Rot);
            self.rotten.insert(index);
        }
        self.start(index).await
    }

    /// Looks whether every disk is whole again.
    pub(super) async fn is_mended(&mut self) -> Result<bool> {
        for index in self.rotten.clone() {
            if !self.read_disk(index).await? {
                return Ok(false);
            }
            let store = self.sites[index].store();
            if store.is_none_or(|store| store.holes_known() > 0) {
                return Ok(false);
            }
            self.rotten.remove(&index);
        }
        Ok(true)
    }

    /// A site reads its whole disk and compares with every peer it is linked with.
    pub(super) async fn scrub(&mut self, index: usize) -> Result<()> {
        if self.read_disk(index).await? {
            self.faults.note(Fault::Scrub);
            let now = self.sites[index].now(self.now_ms);
            for peer in 0..self.sites.len() {
                let start = Event::Scrub(scrub::Event::Start);
                self.network.handle(&mut self.rng, index, peer, start, now);
            }
        }
        Ok(())
    }

    /// A site reads its whole disk. Whether it came to the end.
    async fn read_disk(&mut self, index: usize) -> Result<bool> {
        if !self.sites[index].is_up() {
            return Ok(false);
        }
        let done = self.sites[index].perform(Work::Check, self.now_ms).await?;
        self.after(index, &done)?;
        Ok(matches!(done, Done::Event(_)))
    }
}
