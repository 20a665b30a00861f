//! Journals that went on at two places: both chains come to be held whole by everybody.

use super::world::Node;
use super::*;
use crate::wire::{Branch, Lacking};
use records::bundle::Bundle;

/// The model of a store's side: what it holds beside its journals.
impl Node {
    pub(super) fn put_aside(&mut self, bundle: Bundle) {
        let held = self.branches.iter().any(|b| b.hash() == bundle.hash());
        if !held && self.branches.len() < self.branch_room {
            self.branches.push(bundle);
        }
    }

    fn held(&self, journal: JournalId) -> BTreeMap<Hash, &Bundle> {
        let beside = self.branches.iter();
        let beside = beside.filter(|b| b.decode_header().unwrap().journal() == journal);
        let main = self.journals.get(&journal).into_iter().flatten();
        main.chain(beside).map(|b| (b.hash(), b)).collect()
    }

    /// The whole chain to an end, oldest first.
    fn chain(&self, tip: Head) -> Option<Vec<Bundle>> {
        let held = self.held(tip.journal);
        let (mut chain, mut at) = (Vec::new(), tip.hash);
        while at != Hash::default() {
            let bundle = held.get(&at)?;
            chain.push((*bundle).clone());
            at = bundle.decode_header().unwrap().prev;
        }
        chain.reverse();
        Some(chain)
    }

    pub(super) fn ends(&self) -> Vec<Head> {
        let forked: BTreeSet<JournalId> = self.branches.iter().map(|b| of(b).journal).collect();
        let mut ends = BTreeSet::new();
        for journal in forked {
            let held = self.held(journal);
            let followed = held.values().map(|b| b.decode_header().unwrap().prev);
            let followed: BTreeSet<Hash> = followed.collect();
            let last = held.values().filter(|b| !followed.contains(&b.hash()));
            ends.extend(last.map(|b| of(b)));
            ends.extend(self.heads().into_iter().filter(|h| h.journal == journal));
        }
        ends.into_iter().collect()
    }

    pub(super) fn branch_work(&mut self, work: fork::Work) -> fork::Event {
        match work {
            fork::Work::Compare { ends, met } => {
                let missing = ends.into_iter().filter(|tip| self.chain(*tip).is_none());
                let lacking = missing.map(|tip| {
                    let held = self.held(tip.journal);
                    let below = held.values().map(|b| of(b)).filter(|h| h.seq < tip.seq);
                    // As few as a store that is far from where the chains part.
                    let named = below.filter(|h| h.seq == 1 || Some(*h) == met);
                    let have = named.filter(|h| self.chain(*h).is_some()).collect();
                    Lacking { tip, have }
                });
                fork::Event::Missing(lacking.collect())
            }
            fork::Work::Read(Lacking { tip, have }) => {
                let chain = self.chain(tip).unwrap_or_default();
                let last = chain.iter().rposition(|b| have.contains(&of(b)));
                let rest = chain.into_iter().skip(last.map_or(0, |last| last + 1));
                fork::Event::Chain(rest.take(2).collect())
            }
            fork::Work::Take(bundles) => fork::Event::Taken(self.admit(bundles)),
        }
    }

    /// Makes the chain to `main` the journal, as a closure does.
    fn settle(&mut self, main: Head) {
        let chain = self.chain(main).unwrap();
        let rest = self.held(main.journal).into_values().cloned();
        let rest: Vec<Bundle> = rest.filter(|b| !chain.contains(b)).collect();
        self.branches.retain(|b| of(b).journal != main.journal);
        self.branches.extend(rest);
        self.journals.insert(main.journal, chain);
    }

    fn hashes(&self) -> BTreeSet<Hash> {
        self.held(journal(9)).into_keys().collect()
    }
}

fn of(bundle: &Bundle) -> Head {
    let header = bundle.decode_header().unwrap();
    Head {
        journal: header.journal(),
        seq: header.seq,
        hash: bundle.hash(),
    }
}

/// A chain of site 9 that follows `before`.
fn chain(before: &[Bundle], count: usize, what: &str) -> Vec<Bundle> {
    let mut all = before.to_vec();
    for _ in 0..count {
        let prev = all.last().map(Bundle::hash).unwrap_or_default();
        all.push(bundle(9, all.len() as u64 + 1, prev, what.as_bytes()));
    }
    all
}

/// Two chains that part after the third bundle.
fn parted(one: usize, other: usize) -> [Vec<Bundle>; 2] {
    let before = chain(&[], 3, "before");
    [chain(&before, one, "one"), chain(&before, other, "other")]
}

fn both(chains: &[Vec<Bundle>; 2]) -> BTreeSet<Hash> {
    chains.iter().flatten().map(Bundle::hash).collect()
}

fn worlds(chains: &[Vec<Bundle>; 2]) -> World {
    let mut world = World::new(3);
    world.give(1, chains[0].clone());
    world.give(2, chains[1].clone());
    world.write(1, 2);
    world
}

#[test]
fn both_sides_of_a_fork_come_to_hold_both_chains_whole_wherever_they_part() {
    for (one, other) in [(1, 1), (4, 4), (1, 9), (9, 1), (5, 20)] {
        let chains = parted(one, other);
        let mut world = worlds(&chains);
        let link = world.connect(1, 2);
        world.run();
        for node in [1, 2] {
            assert_eq!(
                world.node(node).hashes(),
                both(&chains),
                "{one} and {other}"
            );
            let at: Vec<_> = world.faults(node).iter().map(|f| (f.0, f.1)).collect();
            assert_eq!(at, [(FaultCode::Fork, journal(9))]);
            assert_eq!(world.node(node).journals[&journal(1)].len(), 2);
        }
        assert!(world.is_quiet(link));
        assert!(world.bytes(link) < 40_000 + 4_000 * (one + other));
    }
}

#[test]
fn the_hub_passes_a_branch_on_to_a_site_that_has_only_the_other_one() {
    let chains = parted(6, 5);
    let mut world = worlds(&chains);
    let east = world.connect(0, 1);
    let west = world.connect(0, 2);
    world.run();
    for node in 0..3 {
        assert_eq!(world.node(node).hashes(), both(&chains));
    }
    assert!(world.is_quiet(east) && world.is_quiet(west));
    // Connecting anew tells the ends and fetches nothing.
    world.cut_all();
    let again = world.connect(0, 1);
    world.run();
    assert!(world.is_quiet(again));
    assert!(world.bytes(again) <= 1_024, "{}", world.bytes(again));
}

#[test]
fn a_cut_at_any_message_of_the_exchange_loses_nothing() {
    let chains = parted(4, 7);
    let mut whole = worlds(&chains);
    whole.connect(0, 1);
    whole.connect(0, 2);
    let messages = whole.run();
    for cut in 0..messages {
        let mut world = worlds(&chains);
        world.connect(0, 1);
        world.connect(0, 2);
        world.run_at_most(cut);
        world.cut_all();
        world.connect(0, 1);
        world.connect(0, 2);
        world.run();
        for node in 0..3 {
            assert_eq!(world.node(node).hashes(), both(&chains), "cut after {cut}");
        }
    }
}

#[test]
fn a_branch_that_came_by_another_way_goes_on_over_links_that_stand() {
    let chains = parted(4, 3);
    let mut world = World::new(3);
    for node in 0..3 {
        world.give(node, chains[0].clone());
    }
    world.connect(0, 1);
    let west = world.connect(0, 2);
    world.run();
    // As a scrub or a carried file puts it there.
    world.node_mut(1).admit(chains[1].clone());
    world.notify(1);
    world.run();
    for node in 0..3 {
        assert_eq!(world.node(node).hashes(), both(&chains));
    }
    // What is added to either chain goes on too.
    let longer = chain(&chains[0], 2, "later");
    world.give(1, longer[7..].to_vec());
    world.notify(1);
    let other = chain(&chains[1], 2, "later");
    world.node_mut(2).admit(other.clone());
    world.notify(2);
    world.run();
    for node in 0..3 {
        assert_eq!(
            world.node(node).hashes(),
            both(&[longer.clone(), other.clone()])
        );
    }
    assert!(world.is_quiet(west));
}

#[test]
fn a_store_without_room_for_a_branch_is_not_offered_it_on_and_on() {
    let chains = parted(30, 30);
    let mut world = worlds(&chains);
    world.node_mut(1).branch_room = 7;
    let link = world.connect(1, 2);
    assert!(world.run() < 200);
    assert_eq!(world.node(1).branches.len(), 7);
    assert_eq!(world.node(2).hashes(), both(&chains));
    assert!(world.is_quiet(link));
    world.node_mut(1).branch_room = usize::MAX;
    world.advance(RETRY_MS);
    world.run();
    assert_eq!(world.node(1).hashes(), both(&chains));
}

#[test]
fn an_end_whose_chain_the_peer_lacks_as_well_comes_when_the_peer_has_it() {
    let chains = parted(4, 8);
    let mut world = World::new(3);
    for node in 0..3 {
        world.give(node, chains[0].clone());
    }
    // One bundle of the other side proves the fork, and does not chain back to anything.
    world.node_mut(0).put_aside(chains[1][5].clone());
    let east = world.connect(0, 1);
    world.run();
    assert!(world.is_quiet(east));
    world.node_mut(2).admit(chains[1].clone());
    let west = world.connect(0, 2);
    world.run();
    world.advance(RETRY_MS);
    world.run();
    for node in 0..3 {
        assert_eq!(world.node(node).hashes(), both(&chains));
    }
    assert!(world.is_quiet(east) && world.is_quiet(west));
}

#[test]
fn sessions_follow_at_once_when_a_closure_changes_a_head() {
    let orders = [[0, 1, 2], [2, 1, 0], [1, 0, 2]];
    for (order, other) in orders.into_iter().flat_map(|o| [(o, 2), (o, 14)]) {
        let chains = parted(9, other);
        let mut world = worlds(&chains);
        let east = world.connect(0, 1);
        let west = world.connect(0, 2);
        world.run();
        let main = of(chains[1].last().unwrap());
        for node in order {
            world.node_mut(node).settle(main);
            world.notify(node);
            world.run();
        }
        for node in 0..3 {
            assert_eq!(world.node(node).hashes(), both(&chains));
            assert_eq!(world.node(node).journals[&journal(9)], chains[1]);
        }
        for link in [east, west] {
            assert!(world.is_quiet(link), "{order:?}");
            for end in 0..2 {
                assert_eq!(world.progress(link, end), Progress::default());
            }
        }
        // What is written behind it is pushed as ever.
        let longer = chain(&chains[1], 3, "adopted");
        world.give(0, longer[chains[1].len()..].to_vec());
        world.notify(0);
        world.run();
        for node in 0..3 {
            assert_eq!(world.node(node).journals[&journal(9)], longer, "{order:?}");
        }
    }
}

#[test]
fn whoever_follows_a_closure_acknowledges_what_is_the_journal_now() {
    let first = bundle(1, 1, Hash::default(), b"one");
    let [mine, other] = [b"mine".as_slice(), b"copy"].map(|what| bundle(1, 2, first.hash(), what));
    for main in [of(&mine), of(&other)] {
        let mut world = World::new(2);
        world.give(0, vec![first.clone(), other.clone()]);
        world.give(1, vec![first.clone(), mine.clone()]);
        world.connect(0, 1);
        world.run();
        for node in 0..2 {
            world.node_mut(node).settle(main);
            world.notify(node);
            world.run();
        }
        assert_eq!(world.acked(1, 0), 2);
    }
}

#[test]
fn a_peer_that_answers_unasked_or_asks_twice_at_once_has_broken_the_protocol() {
    let closes = |frames: &[Frame]| {
        let mut world = World::new(2);
        let link = world.connect(0, 1);
        world.run();
        for frame in frames {
            world.inject(link, 0, frame);
        }
        world.run();
        world.closed(link, 0)
    };
    let give = Frame::Branch(Branch::Give(vec![]));
    assert_eq!(closes(&[give]), Some(CloseReason::Protocol));
    let ends = Frame::Branch(Branch::Ends {
        heads: vec![],
        ends: vec![],
    });
    assert_eq!(closes(&vec![ends; 400]), Some(CloseReason::Quota));
    let mut session = Session::new(hello(0), site(1), &[], Now::default()).0;
    for frame in [Frame::Hello(hello(1)), Frame::Frontier(vec![])] {
        let effects = session.handle(Event::Received(frame), Now::default());
        assert!(!effects.iter().any(|e| matches!(e, Effect::Close(_))));
    }
    let want = Frame::Branch(Branch::Want(Lacking {
        tip: of(&bundle(9, 1, Hash::default(), b"one")),
        have: vec![],
    }));
    let asked = Event::Received(want);
    let first = session.handle(asked.clone(), Now::default());
    assert!(
        matches!(first[..], [Effect::Fork(fork::Work::Read(_))]),
        "{first:?}"
    );
    let second = session.handle(asked, Now::default());
    assert_eq!(second, [Effect::Close(CloseReason::Protocol)]);
}
