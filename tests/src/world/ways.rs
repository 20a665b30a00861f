//! Which links stand, and what sites know of each other's: the hub tells whom it reaches, and a
//! campus sends over a direct link only what has no way through the hub.

use super::faults::Fault;
use super::{HUB, World, network};
use rand::Rng as _;
use sync::session::Event;
use sync::wire::Reached;

impl World<'_> {
    /// Two sites link, if they can reach each other.
    pub(super) fn connect(&mut self, a: usize, b: usize) {
        let apart = |members: u32| (members >> a & 1) != (members >> b & 1);
        let both_up = self.sites[a].is_up() && self.sites[b].is_up();
        let linked = self.network.is_connected(a, b);
        if !both_up || linked || self.is_same(a, b) || self.split.is_some_and(apart) {
            return;
        }
        // Whoever calls last is the site, as far as its peer can tell.
        for other in 0..self.sites.len() {
            if other != a && self.is_same(other, a) {
                self.cut(other, b);
            }
            if other != b && self.is_same(other, b) {
                self.cut(a, other);
            }
        }
        let [first, second] = [a, b].map(|index| {
            let site = &self.sites[index];
            network::Opening {
                site: index,
                hello: site.hello(),
                heads: site.frontier(),
                now: site.now(self.now_ms),
            }
        });
        self.network.open(&mut self.rng, &first, &second);
        self.wake(a);
        self.wake(b);
        let alone = |site| site != HUB && !self.network.is_connected(HUB, site);
        if alone(a) && alone(b) {
            self.faults.note(Fault::DirectLink);
        }
        self.tell_reach();
    }

    pub(super) fn cut(&mut self, a: usize, b: usize) {
        if let Some(lost) = self.network.cut(a, b) {
            self.faults.note(Fault::Cut);
            self.faults.add(Fault::FrameLost, lost);
            self.tell_reach();
        }
    }

    /// The hub tells every campus which others it reaches.
    fn tell_reach(&mut self) {
        let linked = (0..self.sites.len()).filter(|site| self.network.is_connected(HUB, *site));
        let linked: Vec<usize> = linked.collect();
        let now = self.sites[HUB].now(self.now_ms);
        for peer in &linked {
            let others = linked.iter().filter(|other| !self.is_same(**other, *peer));
            let reached = others.map(|other| Reached {
                site: self.sites[*other].id(),
                since_ms: now.wall_ms,
            });
            let event = Event::Reach(reached.collect());
            self.network.handle(&mut self.rng, HUB, *peer, event, now);
        }
        self.give_way();
    }

    /// Direct links yield to the hub where it brings the same, as its campuses heard.
    pub(super) fn give_way(&mut self) {
        for (site, peer, yields) in self.network.yielding() {
            let now = self.sites[site].now(self.now_ms);
            let event = Event::Yield(yields);
            self.network.handle(&mut self.rng, site, peer, event, now);
        }
    }

    /// Nobody reaches the hub; those who notice link with each other.
    pub(super) fn lose_hub(&mut self) {
        self.part(1 << HUB);
        for a in 1..self.sites.len() {
            for b in a + 1..self.sites.len() {
                if self.rng.random() {
                    self.connect(a, b);
                }
            }
        }
    }
}
