//! Which links are up, since when, and what follows for every enrolled site. Pure.

use super::counters::LinkBytes;
use crate::session::Progress;
use crate::status::{LinkFault, PeerState, PeerStatus, Via};
use crate::wire::Reached;
use records::id::SiteId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Faults kept for the status page.
const MAX_FAULTS: usize = 64;
/// Of these, told by one peer, which may claim what it likes.
const MAX_FAULTS_OF_ONE: usize = 16;

/// A link that is up.
#[derive(Debug)]
pub(super) struct Up {
    pub(super) link: u64,
    pub(super) dialled: bool,
    pub(super) since_ms: i64,
    pub(super) connection: quinn::Connection,
    pub(super) bytes: Arc<LinkBytes>,
    pub(super) reach: Vec<Reached>,
    pub(super) progress: Progress,
}

#[derive(Debug)]
pub(super) struct Board {
    own: SiteId,
    hub: SiteId,
    up: BTreeMap<SiteId, Up>,
    /// When a site that was reached was lost.
    lost: BTreeMap<SiteId, i64>,
    seen: BTreeSet<SiteId>,
    faults: Vec<LinkFault>,
}

/// What becomes of a link that has come up.
#[derive(Debug)]
pub(super) enum Place {
    /// It counts; the connection it takes the place of is to be closed.
    Taken {
        replaced: Option<quinn::Connection>,
        again: bool,
    },
    /// The two sites dialled each other and the other connection stays.
    Surplus,
}

impl Board {
    pub(super) fn new(own: SiteId, hub: SiteId) -> Self {
        Self {
            own,
            hub,
            up: BTreeMap::new(),
            lost: BTreeMap::new(),
            seen: BTreeSet::new(),
            faults: Vec::new(),
        }
    }

    /// A new connection in the same direction replaces the old one, whose site has restarted.
    /// Of two that crossed, both sides keep the one that the lower site id dialled.
    pub(super) fn add(&mut self, site: SiteId, up: Up) -> Place {
        if let Some(old) = self.up.get(&site)
            && old.dialled != up.dialled
            && up.dialled != (self.own < site)
        {
            return Place::Surplus;
        }
        let again = !self.seen.insert(site);
        let replaced = self.up.insert(site, up).map(|old| old.connection);
        Place::Taken { replaced, again }
    }

    /// Ends a link, unless another one has taken its place.
    pub(super) fn remove(&mut self, site: SiteId, link: u64, now_ms: i64) -> bool {
        if self.up.get(&site).is_none_or(|up| up.link != link) {
            return false;
        }
        let reached = self.reached_through_hub();
        self.up.remove(&site);
        self.lost.insert(site, now_ms);
        if site == self.hub {
            for reached in reached {
                if !self.up.contains_key(&reached.site) {
                    self.lost.insert(reached.site, now_ms);
                }
            }
        }
        true
    }

    pub(super) fn set_reach(&mut self, site: SiteId, reach: Vec<Reached>, now_ms: i64) {
        let Some(up) = self.up.get_mut(&site) else {
            return;
        };
        let before = std::mem::replace(&mut up.reach, reach);
        if site == self.hub {
            let after: BTreeSet<_> = up.reach.iter().map(|reached| reached.site).collect();
            for reached in before {
                if !after.contains(&reached.site) {
                    self.lost.insert(reached.site, now_ms);
                }
            }
        }
    }

    pub(super) fn get(&self, site: SiteId) -> Option<&Up> {
        self.up.get(&site)
    }

    /// The sites reached over links of our own.
    pub(super) fn reach(&self) -> Vec<Reached> {
        let of = |(site, up): (&SiteId, &Up)| Reached {
            site: *site,
            since_ms: up.since_ms,
        };
        self.up.iter().map(of).collect()
    }

    pub(super) fn set_progress(&mut self, site: SiteId, link: u64, progress: Progress) {
        if let Some(up) = self.up.get_mut(&site).filter(|up| up.link == link) {
            up.progress = progress;
        }
    }

    /// The sites that the hub reaches for us.
    pub(super) fn through_hub(&self) -> BTreeSet<SiteId> {
        let reached = self.reached_through_hub().into_iter();
        reached.map(|reached| reached.site).collect()
    }

    /// The sites linked with us.
    pub(super) fn linked(&self) -> BTreeSet<SiteId> {
        self.up.keys().copied().collect()
    }

    fn reached_through_hub(&self) -> Vec<Reached> {
        let hub = self.up.get(&self.hub);
        hub.map_or(Vec::new(), |hub| hub.reach.clone())
    }

    /// The state of each of these sites; our own is left out.
    pub(super) fn status(&self, sites: &BTreeSet<SiteId>) -> Vec<PeerStatus> {
        let reached = self.reached_through_hub();
        let others = sites.iter().filter(|site| **site != self.own);
        let of = |site: &SiteId| {
            if let Some(up) = self.up.get(site) {
                let progress = Some(up.progress);
                let status = status(*site, PeerState::Up, Some(up.since_ms), Some(Via::Direct));
                return PeerStatus { progress, ..status };
            }
            if let Some(reached) = reached.iter().find(|reached| reached.site == *site) {
                // Not longer than we ourselves have had the hub.
                let hub_since = self.up.get(&self.hub).map_or(i64::MIN, |hub| hub.since_ms);
                let since = reached.since_ms.max(hub_since);
                return status(*site, PeerState::Up, Some(since), Some(Via::Hub));
            }
            let lost = self.lost.get(site).copied();
            status(*site, PeerState::Down, lost, None)
        };
        others.map(of).collect()
    }

    /// Keeps a fault; false if it is known already, or there are too many.
    pub(super) fn add_fault(&mut self, fault: LinkFault) -> bool {
        let same = |known: &LinkFault| {
            (known.code, known.journal, known.peer) == (fault.code, fault.journal, fault.peer)
        };
        if self.faults.iter().any(same) {
            return false;
        }
        let of_peer = self.faults.iter().filter(|known| known.peer == fault.peer);
        let has_room = of_peer.count() < MAX_FAULTS_OF_ONE && self.faults.len() < MAX_FAULTS;
        if has_room {
            self.faults.push(fault);
        }
        has_room
    }

    pub(super) fn faults(&self) -> Vec<LinkFault> {
        self.faults.clone()
    }
}

fn status(site: SiteId, state: PeerState, since_ms: Option<i64>, via: Option<Via>) -> PeerStatus {
    PeerStatus {
        site,
        state,
        since_ms,
        via,
        progress: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::FaultCode;
    use records::id::JournalId;

    fn fault(peer: u8, site: u8) -> LinkFault {
        LinkFault {
            code: FaultCode::Fork,
            journal: JournalId {
                site: SiteId([site; 8]),
                incarnation: 1,
            },
            seq: 1,
            peer: SiteId([peer; 8]),
            at_ms: 0,
        }
    }

    #[test]
    fn a_peer_that_claims_fault_after_fault_hides_no_other_peers() {
        let mut board = Board::new(SiteId([1; 8]), SiteId([1; 8]));
        for site in 0..200 {
            board.add_fault(fault(2, site));
        }
        assert!(!board.add_fault(fault(2, 0)), "known");
        assert!(board.add_fault(fault(3, 0)));
        let faults = board.faults();
        assert_eq!(faults.len(), MAX_FAULTS_OF_ONE + 1);
        assert_eq!(faults.last(), Some(&fault(3, 0)));
    }
}
