//! When a campus links with another one directly, and when it stops. Pure.
//!
//! The way between campuses is the hub. Once another campus has not been reachable through it for
//! a few seconds, the one with the lower site id dials the address the other advertised; if it
//! cannot, the other one tries a little later. While a way through the hub stands, nothing new is
//! sent over the direct link, or everything would cross twice; after a while it is given up.

use records::id::SiteId;
use std::collections::{BTreeMap, BTreeSet};

/// A way through the hub that has been gone for this long is worth a link of our own, ms.
const AWAY_MS: u64 = 3_000;
/// Added by chance, so that many campuses do not dial at once, ms.
pub(super) const JITTER_MS: u64 = 1_000;
/// The higher site id leaves the first try to the lower one for this long, ms.
const SECOND_MS: u64 = 4_000;
/// A way through the hub that has stood for this long is relied upon, ms.
const BACK_MS: u64 = 10_000;

/// Where another campus may be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// At the address it advertised.
    Site(SiteId),
    /// At an address of the config, by its place there; whose it is shows when it answers, and
    /// until then the hub counts as the way to it.
    Configured(usize),
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Dial, and dial again when it fails, until told to stop.
    Dial(Target),
    /// Stop dialling, and end the link that came of it.
    Stop(Target),
}

/// How things stand.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The hub is linked.
    pub(super) hub_up: bool,
    /// Sites the hub reaches for us.
    pub(super) through_hub: BTreeSet<SiteId>,
    /// Sites linked with us by whichever side.
    pub(super) linked: BTreeSet<SiteId>,
    /// Whom we could dial.
    pub(super) targets: BTreeSet<Target>,
    /// Who answered at the addresses of the config.
    pub(super) answered: BTreeMap<usize, SiteId>,
}

#[derive(Debug, Default)]
struct Way {
    away_since: Option<u64>,
    back_since: Option<u64>,
    dialling: bool,
}

/// The state for all other campuses.
#[derive(Debug)]
pub(super) struct Direct {
    own: SiteId,
    jitter_ms: u64,
    ways: BTreeMap<Target, Way>,
}

impl Direct {
    pub(super) fn new(own: SiteId, jitter_ms: u64) -> Self {
        Self {
            own,
            jitter_ms,
            ways: BTreeMap::new(),
        }
    }

    /// Looks at how things stand; to be called on each change and at least once a second.
    pub(super) fn look(&mut self, view: &View, now_ms: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        for target in self.ways.keys().copied().collect::<Vec<_>>() {
            if !view.targets.contains(&target) {
                let way = self.ways.remove(&target);
                if way.is_some_and(|way| way.dialling) {
                    changes.push(Change::Stop(target));
                }
            }
        }
        for target in &view.targets {
            let (site, turn_ms) = match target {
                Target::Site(site) if self.own < *site => (Some(site), 0),
                Target::Site(site) => (Some(site), SECOND_MS),
                Target::Configured(at) => (view.answered.get(at), 0),
            };
            let stands = view.hub_up && site.is_none_or(|site| view.through_hub.contains(site));
            let linked = site.is_some_and(|site| view.linked.contains(site));
            let wait_ms = AWAY_MS + self.jitter_ms + turn_ms;
            let way = self.ways.entry(*target).or_default();
            if let Some(change) = way.look(*target, stands, linked, wait_ms, now_ms) {
                changes.push(change);
            }
        }
        changes
    }
}

impl Way {
    fn look(
        &mut self,
        target: Target,
        stands: bool,
        linked: bool,
        wait_ms: u64,
        now_ms: u64,
    ) -> Option<Change> {
        if stands {
            self.away_since = None;
            let since = *self.back_since.get_or_insert(now_ms);
            let relied = now_ms.saturating_sub(since) >= BACK_MS;
            return (relied && std::mem::take(&mut self.dialling)).then_some(Change::Stop(target));
        }
        self.back_since = None;
        let since = *self.away_since.get_or_insert(now_ms);
        let due = now_ms.saturating_sub(since) >= wait_ms;
        if !due || self.dialling || linked {
            return None;
        }
        self.dialling = true;
        Some(Change::Dial(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: SiteId = SiteId([2; 8]);
    const HIGH: SiteId = SiteId([3; 8]);

    fn view(other: SiteId) -> View {
        View {
            hub_up: true,
            through_hub: [other].into(),
            linked: BTreeSet::new(),
            targets: [Target::Site(other)].into(),
            answered: BTreeMap::new(),
        }
    }

    fn cut(other: SiteId) -> View {
        View {
            hub_up: false,
            through_hub: BTreeSet::new(),
            ..view(other)
        }
    }

    #[test]
    fn the_lower_site_dials_when_the_hub_has_been_gone_for_a_while() {
        let mut low = Direct::new(LOW, 500);
        assert_eq!(low.look(&view(HIGH), 0), []);
        assert_eq!(low.look(&cut(HIGH), 1_000), []);
        assert_eq!(low.look(&cut(HIGH), 4_400), []);
        let dial = Change::Dial(Target::Site(HIGH));
        assert_eq!(low.look(&cut(HIGH), 4_500), [dial]);
        assert_eq!(low.look(&cut(HIGH), 60_000), []);
    }

    #[test]
    fn the_higher_site_dials_only_if_the_lower_one_did_not_get_through() {
        let mut high = Direct::new(HIGH, 0);
        assert_eq!(high.look(&cut(LOW), 0), []);
        assert_eq!(high.look(&cut(LOW), 4_000), []);
        let mut linked = cut(LOW);
        linked.linked.insert(LOW);
        assert_eq!(high.look(&linked, 9_000), []);
        let dial = Change::Dial(Target::Site(LOW));
        assert_eq!(high.look(&cut(LOW), 9_001), [dial]);
    }

    #[test]
    fn a_hub_that_blinks_changes_nothing() {
        let mut low = Direct::new(LOW, 0);
        for at in 0..100 {
            let view = if at % 2 == 0 { cut(HIGH) } else { view(HIGH) };
            assert_eq!(low.look(&view, at * 2_000), []);
        }
    }

    #[test]
    fn the_direct_link_is_given_up_once_the_way_through_the_hub_is_relied_upon() {
        let mut low = Direct::new(LOW, 0);
        let _ = low.look(&cut(HIGH), 0);
        assert_eq!(low.look(&cut(HIGH), 3_000).len(), 1);
        assert_eq!(low.look(&view(HIGH), 20_000), []);
        assert_eq!(low.look(&cut(HIGH), 25_000), []);
        assert_eq!(low.look(&view(HIGH), 26_000), []);
        assert_eq!(low.look(&view(HIGH), 35_999), []);
        let stop = Change::Stop(Target::Site(HIGH));
        assert_eq!(low.look(&view(HIGH), 36_000), [stop]);
        assert_eq!(low.look(&view(HIGH), 90_000), []);
    }

    #[test]
    fn a_campus_that_the_hub_lost_is_dialled_though_the_hub_is_there() {
        let mut low = Direct::new(LOW, 0);
        let mut lost = view(HIGH);
        lost.through_hub.clear();
        let _ = low.look(&lost, 0);
        let dial = Change::Dial(Target::Site(HIGH));
        assert_eq!(low.look(&lost, 3_000), [dial]);
    }

    #[test]
    fn a_site_that_is_no_longer_known_is_let_go() {
        let mut low = Direct::new(LOW, 0);
        let _ = low.look(&cut(HIGH), 0);
        let _ = low.look(&cut(HIGH), 3_000);
        let stop = Change::Stop(Target::Site(HIGH));
        assert_eq!(low.look(&View::default(), 4_000), [stop]);
    }

    /// What it has just been told to dial, three seconds after the hub went.
    fn dialling_a_configured_address() -> (Direct, View, Target) {
        let mut low = Direct::new(LOW, 0);
        let target = Target::Configured(0);
        let view = View {
            targets: [target].into(),
            ..View::default()
        };
        let _ = low.look(&view, 0);
        assert_eq!(low.look(&view, 3_000), [Change::Dial(target)]);
        (low, view, target)
    }

    #[test]
    fn configured_addresses_are_dialled_while_the_hub_is_gone() {
        let (mut low, mut view, target) = dialling_a_configured_address();
        view.hub_up = true;
        let _ = low.look(&view, 4_000);
        assert_eq!(low.look(&view, 14_000), [Change::Stop(target)]);
    }

    #[test]
    fn a_hub_that_is_back_here_and_not_there_is_no_way_to_who_answered() {
        let (mut low, mut view, target) = dialling_a_configured_address();
        view.answered.insert(0, HIGH);
        view.linked.insert(HIGH);
        view.hub_up = true;
        assert_eq!(low.look(&view, 4_000), []);
        assert_eq!(low.look(&view, 60_000), []);
        view.through_hub.insert(HIGH);
        assert_eq!(low.look(&view, 61_000), []);
        assert_eq!(low.look(&view, 71_000), [Change::Stop(target)]);
        // And if the hub loses it, it is dialled again.
        view.linked.clear();
        view.through_hub.clear();
        assert_eq!(low.look(&view, 72_000), []);
        assert_eq!(low.look(&view, 75_000), [Change::Dial(target)]);
    }
}
