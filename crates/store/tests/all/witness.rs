//! Witnesses of three sites in virtual time.

use super::support::{EAST, HUB, MORNING, Site, WEST, action};
use records::payload;
use records::witness::{Next, Seen, Watch};

const MINUTE_MS: u64 = 60_000;

/// Three sites that exchange everything every minute.
struct Night {
    sites: Vec<Site>,
    watches: Vec<Watch>,
    minute: u64,
}

impl Night {
    async fn begin() -> Self {
        let mut night = Night {
            sites: Vec::new(),
            watches: Vec::new(),
            minute: 0,
        };
        for campus in [HUB, EAST, WEST] {
            night.sites.push(Site::open(campus).await);
            night.watches.push(Watch::new(0, 0));
        }
        night
    }

    async fn pass(&mut self, minutes: u64) {
        for _ in 0..minutes {
            self.minute += 1;
            for from in &self.sites {
                for to in &self.sites {
                    exchange(from, to).await;
                }
            }
            for index in 0..self.sites.len() {
                self.look(index).await;
            }
        }
    }

    async fn look(&mut self, index: usize) {
        let (site, now) = (&self.sites[index], self.minute * MINUTE_MS);
        let seen = Seen {
            own_seq: site.own().await.len() as u64,
            unwitnessed: site.store.unwitnessed(),
        };
        if self.watches[index].next(seen, now) == Next::Write {
            let mut action = action(site.campus, 200);
            action.wall_ms = MORNING + i64::try_from(now).unwrap();
            action.action.0[..8].copy_from_slice(&now.to_be_bytes());
            let written = site.store.witness(action).await.unwrap().unwrap();
            let seen = Seen {
                own_seq: written.seq,
                unwitnessed: site.store.unwitnessed(),
            };
            assert_eq!(self.watches[index].next(seen, now), Next::Rest);
        }
    }

    /// How many bundles each site has written.
    async fn written(&self) -> Vec<usize> {
        let mut written = Vec::new();
        for site in &self.sites {
            written.push(site.own().await.len());
        }
        written
    }
}

/// Sends what `to` lacks, and nothing else.
async fn exchange(from: &Site, to: &Site) {
    let held = to.store.frontier();
    for head in from.store.frontier() {
        let known = held.iter().find(|held| held.journal == head.journal);
        let after = known.map_or(0, |held| held.seq);
        if after < head.seq {
            let tail = from.store.bundles_after(head.journal, after, usize::MAX);
            let tail = tail.await.unwrap();
            to.store.admit(tail, MORNING).await.unwrap();
        }
    }
}

#[tokio::test]
async fn idle_sites_witness_a_bundle_once_each_and_never_each_others_witnesses() {
    let mut night = Night::begin().await;
    // What is worth a first witness everywhere: the institution's own decisions.
    night.pass(180).await;
    assert_eq!(night.written().await, [1, 1, 1]);
    night.sites[1].log(1, "夜里一条").await;
    night.pass(24 * 60).await;
    assert_eq!(night.written().await, [2, 2, 2]);
    for site in &night.sites {
        assert!(!site.store.unwitnessed());
        assert_eq!(site.store.quarantine().await.unwrap(), []);
        assert_eq!(site.rows().await.len(), 1);
    }
}

#[tokio::test]
async fn a_busy_site_is_witnessed_every_hour_and_not_more_often() {
    let mut night = Night::begin().await;
    night.pass(61).await;
    let before = night.written().await;
    for ten_minutes in 0..30 {
        night.sites[1].log(ten_minutes, "忙").await;
        night.pass(10).await;
    }
    let after = night.written().await;
    assert_eq!(
        after[1] - before[1],
        30,
        "who writes needs no witness of its own"
    );
    for idle in [0, 2] {
        assert_eq!(after[idle] - before[idle], 5, "five hours, five witnesses");
    }
}

#[tokio::test]
async fn a_witness_names_the_heads_seen_and_has_no_content() {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    east.log(1, "一").await;
    east.send_to(&hub).await;
    let head = hub.store.witness(action(HUB, 1)).await.unwrap().unwrap();
    assert_eq!(head.seq, 1);
    let witness = &hub.own().await[0];
    let header = witness.decode_header().unwrap();
    let seen: Vec<_> = hub.store.frontier();
    assert!(header.deps.iter().all(|dep| seen.contains(dep)));
    assert_eq!(header.deps.len(), 2, "the institution's journal and East's");
    assert_eq!(payload::decode(&witness.payload).unwrap(), []);
    assert_eq!(hub.store.witness(action(HUB, 2)).await.unwrap(), None);
    let reopened = hub.reopen(super::support::quick()).await;
    assert!(!reopened.store.unwitnessed());
}
