//! After a world was healed: journals that went on at two places are settled. Sites fetch what
//! they lack of each other's chains over their links; the hub closes every forked journal and
//! adopts all its chains, and all must come to the same.

use super::World;
use super::network::Work;
use super::site::Done;
use anyhow::{Result, ensure};
use records::bundle::Head;
use records::id::JournalId;
use records::payload::InstitutionOp;
use records::trust::MAX_CLOSING_HEADS;
use std::collections::BTreeMap;

impl World<'_> {
    /// Closes forked journals, as far as not all their chains are adopted. Whether any was.
    pub(super) async fn settle_forks(&mut self) -> Result<bool> {
        let honest: Vec<usize> = self.honest().collect();
        let authority = honest.iter().find(|site| !self.put_back.contains(site));
        let authority = *authority.unwrap_or(&honest[0]);
        let mut any = false;
        for (journal, heads) in self.unsettled(authority) {
            let op = InstitutionOp::Close { journal, heads };
            let work = Work::Decide(Box::new(op), Box::new(self.founding.root.clone()));
            let done = self.sites[authority].perform(work, self.now_ms).await?;
            ensure!(matches!(done, Done::Event(_)), "a closure was not written");
            self.closed.insert(journal);
            any = true;
        }
        if any {
            self.wake(authority);
        }
        Ok(any)
    }

    /// Forked journals and what a closure of each names: what the last one did, and what else is
    /// held by now, as far as it has room.
    fn unsettled(&self, authority: usize) -> BTreeMap<JournalId, Vec<Head>> {
        let Some(store) = self.sites[authority].store() else {
            return BTreeMap::new();
        };
        let mut forked: BTreeMap<JournalId, Vec<Head>> = BTreeMap::new();
        let trust = store.trust();
        for head in store.branches() {
            let named = trust.closed(head.journal).unwrap_or_default();
            let heads = forked.entry(head.journal).or_insert(named.to_vec());
            if heads.len() < MAX_CLOSING_HEADS && !heads.contains(&head) {
                heads.push(head);
            }
        }
        let named = |journal| trust.closed(journal).map_or(0, <[Head]>::len);
        forked.retain(|journal, heads| heads.len() > named(*journal));
        forked
    }
}
