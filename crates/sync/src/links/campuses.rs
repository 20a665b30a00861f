//! Links between campuses: the addresses they may be dialled at, and doing what [`direct`]
//! decides.

use super::direct::{Change, Direct, JITTER_MS, Target, View};
use super::{Guard, Shared, dial, lock};
use crate::wire::{Address, MAX_ADDRESS_LEN, MAX_REACH};
use rand::Rng as _;
use records::id::SiteId;
use records::payload::SiteRole;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const LOOK: Duration = Duration::from_millis(500);

/// A dialling task and the word that ends it.
struct Dialling {
    wanted: watch::Sender<bool>,
    task: Guard,
}

impl Shared {
    /// What we tell a peer of addresses: our own to the hub, everybody's to a campus.
    pub(super) fn addresses_for(&self, peer: SiteId) -> Vec<Address> {
        let own = self.advertise.iter().map(|host| Address {
            site: self.identity.site(),
            host: host.clone(),
        });
        if peer == self.identity.hub {
            return own.collect();
        }
        if self.identity.role != SiteRole::Hub {
            return Vec::new();
        }
        let known = lock(&self.addresses);
        let others = known.iter().filter(|(site, _)| **site != peer);
        others
            .map(|(site, host)| Address {
                site: *site,
                host: host.clone(),
            })
            .take(MAX_REACH)
            .collect()
    }

    /// Takes what a peer says: a campus speaks for itself, the hub for all. Returns what keeps it,
    /// if anything is new.
    pub(super) fn learn_addresses(
        &self,
        peer: SiteId,
        told: Vec<Address>,
    ) -> Option<impl Future<Output = ()> + Send + 'static> {
        let from_hub = peer == self.identity.hub;
        let is_hub = self.identity.role == SiteRole::Hub;
        let own = self.identity.site();
        let told = told.into_iter().filter(|address| {
            let credible = if from_hub {
                address.site != own
            } else {
                is_hub && address.site == peer
            };
            credible && address.host.len() <= MAX_ADDRESS_LEN && self.may_link(address.site)
        });
        let told: BTreeMap<_, _> = told.map(|a| (a.site, a.host)).collect();
        let mut known = lock(&self.addresses);
        let before = known.clone();
        if from_hub {
            *known = told;
        } else if is_hub {
            known.remove(&peer);
            known.extend(told);
        }
        if *known == before {
            return None;
        }
        let (store, now) = (self.store.clone(), known.clone());
        drop(known);
        self.addresses_changed.send_modify(|count| *count += 1);
        // A restart before it is kept learns it again from the next link.
        Some(async move {
            if let Err(error) = store.set_link_addresses(now).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the other sites' addresses were not kept");
            }
        })
    }

    fn view(&self, configured: &[String]) -> View {
        let (own, hub) = (self.identity.site(), self.identity.hub);
        let known = lock(&self.addresses);
        let sites = known.keys().copied();
        let sites = sites.filter(|site| *site != own && *site != hub && self.may_link(*site));
        let targets = sites
            .map(Target::Site)
            .chain((0..configured.len()).map(Target::Configured))
            .collect();
        drop(known);
        let answered = lock(&self.answered);
        let who = |(at, host)| Some((at, *answered.get(host)?));
        let answered = configured.iter().enumerate().filter_map(who).collect();
        let board = self.board();
        View {
            hub_up: board.get(hub).is_some(),
            through_hub: board.through_hub(),
            linked: board.linked(),
            targets,
            answered,
        }
    }
}

/// Keeps direct links as they are to be until the site stops. Only campuses have them.
pub(super) async fn run(shared: Arc<Shared>, configured: Vec<String>) {
    if shared.identity.role == SiteRole::Hub {
        return;
    }
    let jitter_ms = shared.rng().random_range(0..=JITTER_MS);
    let mut direct = Direct::new(shared.identity.site(), jitter_ms);
    let mut dialling: BTreeMap<Target, Dialling> = BTreeMap::new();
    // A dial that was told to stop ends its link itself, also one that is only coming up; to drop
    // it would leave the link on the board.
    let mut ending: Vec<Guard> = Vec::new();
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = shared.stopped() => break,
        }
        ending.retain(|task| !task.0.is_finished());
        let view = shared.view(&configured);
        for change in direct.look(&view, shared.now().mono_ms) {
            match change {
                Change::Dial(target) => {
                    if let Some(address) = address_of(&shared, &configured, target) {
                        dialling.insert(target, start(&shared, address));
                    }
                }
                Change::Stop(target) => {
                    if let Some(dialling) = dialling.remove(&target) {
                        dialling.wanted.send_replace(false);
                        ending.push(dialling.task);
                    }
                }
            }
        }
    }
    // Each dial ends by itself with the site; until then it holds the store.
    ending.extend(dialling.into_values().map(|one| one.task));
    for task in &mut ending {
        let _ = (&mut task.0).await;
    }
}

fn address_of(shared: &Shared, configured: &[String], target: Target) -> Option<String> {
    match target {
        Target::Site(site) => lock(&shared.addresses).get(&site).cloned(),
        Target::Configured(at) => configured.get(at).cloned(),
    }
}

fn start(shared: &Arc<Shared>, address: String) -> Dialling {
    let (wanted, is_wanted) = watch::channel(true);
    let task = tokio::spawn(dial(shared.clone(), address, is_wanted));
    Dialling {
        wanted,
        task: Guard(task),
    }
}
