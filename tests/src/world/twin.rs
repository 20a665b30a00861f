//! A data directory that was copied to a second machine: for a while two programs are one site,
//! with one key. Whoever calls the site reaches one of them, and so do its people.

use super::World;
use super::faults::Fault;
use super::network::LONGEST_DELAY_MS;
use anyhow::Result;
use rand::Rng as _;
use records::id::Hash;

/// The copy that runs, and whose.
#[derive(Clone, Copy)]
pub(super) struct Twin {
    original: usize,
    copy: usize,
}

impl World<'_> {
    /// Whom somebody meets who goes to this site.
    pub(super) fn whom(&mut self, site: usize) -> usize {
        match self.twin {
            Some(twin) if twin.original == site && self.rng.random() => twin.copy,
            _ => site,
        }
    }

    /// Whether this machine will be switched off for good.
    pub(super) fn is_copy(&self, site: usize) -> bool {
        self.twin.is_some_and(|twin| twin.copy == site)
    }

    /// Whether these are one site to everybody else.
    pub(super) fn is_same(&self, a: usize, b: usize) -> bool {
        self.sites[a].id() == self.sites[b].id()
    }

    /// The directory of a site is copied and started on a second machine.
    pub(super) async fn copy_site(&mut self, original: usize) -> Result<()> {
        if self.twin.is_some() || self.hostile == Some(original) {
            return Ok(());
        }
        let copy = self.sites.len();
        let folder = self.folder.path().join(copy.to_string());
        let twin = self.sites[original].twin(folder)?;
        self.sites.push(twin);
        self.held.push(self.held[original].clone());
        self.forkable.insert(self.sites[original].id());
        self.twin = Some(Twin { original, copy });
        self.faults.note(Fault::Twin);
        self.go_on(copy).await
    }

    /// A machine that knows of nothing goes on at once: it starts, somebody acts, and others hear
    /// of it.
    pub(super) async fn go_on(&mut self, site: usize) -> Result<()> {
        self.start(site).await?;
        self.act(site).await?;
        let peer = self.rng.random_range(0..self.sites.len());
        self.connect(site, peer);
        for _ in 0..4 {
            self.pass(LONGEST_DELAY_MS);
            self.deliver(8 * self.sites.len()).await?;
        }
        Ok(())
    }

    /// The second machine is switched off for good: what only it held is gone.
    pub(super) async fn end_twin(&mut self) -> Result<()> {
        let Some(Twin { copy, .. }) = self.twin else {
            return Ok(());
        };
        if self.rng.random() {
            self.go_on(copy).await?;
        }
        self.twin = None;
        self.lose_links(copy);
        self.sites[copy].stop();
        self.gone.insert(copy);
        self.held[copy].clear();
        self.forget_what_nobody_holds().await
    }

    /// Notes what went down with a disk: nobody can bring back what no other disk holds.
    pub(super) async fn forget_what_nobody_holds(&mut self) -> Result<()> {
        let mut kept = Vec::new();
        for saved in std::mem::take(&mut self.acknowledged) {
            let journal = saved.head.journal;
            let held = if self.forkable.contains(&journal.site) {
                // Places tell what is held only as long as a journal has one chain.
                self.is_chain_held(saved.head.hash).await?
            } else {
                let all = self.held.iter();
                let most = all.filter_map(|held| held.get(&journal)).max();
                most.is_some_and(|seq| *seq >= saved.head.seq)
            };
            if held {
                kept.push(saved);
            }
        }
        self.acknowledged = kept;
        Ok(())
    }

    /// Whether honest sites that are up have this very bundle and all before it.
    async fn is_chain_held(&self, mut hash: Hash) -> Result<bool> {
        while hash != Hash::default() {
            let mut found = None;
            for index in self.honest() {
                if let Some(store) = self.sites[index].store() {
                    found = found.or(store.bundles_of(&[hash], 1).await?.pop());
                }
            }
            let Some(bundle) = found else {
                return Ok(false);
            };
            hash = bundle.decode_header()?.prev;
        }
        Ok(true)
    }

    /// Whether one of these sites that is up has this very bundle.
    pub(super) async fn is_held_at(
        &self,
        sites: impl Iterator<Item = usize>,
        hash: Hash,
    ) -> Result<bool> {
        for index in sites {
            if let Some(store) = self.sites[index].store()
                && !store.bundles_of(&[hash], 1).await?.is_empty()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
