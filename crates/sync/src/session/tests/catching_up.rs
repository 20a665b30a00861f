//! A long tail in the bulk lane, and what is new beside it.

use super::*;

/// A hub that holds 6,000 bundles of a campus, linked with another campus that has none of them.
fn behind() -> (World, usize) {
    let mut world = World::new(3);
    world.write(2, 6_000);
    world.connect(0, 2);
    world.run();
    world.cut_all();
    let link = world.connect(0, 1);
    // Far enough for the window to be full and nothing to be finished.
    world.run_at_most(9);
    (world, link)
}

#[test]
fn what_is_new_arrives_while_a_long_tail_is_on_its_way() {
    let (mut world, _) = behind();
    world.write(0, 1);
    let mut messages = 0;
    while !world.node(1).journals.contains_key(&journal(0)) {
        assert_eq!(world.run_at_most(1), 1);
        messages += 1;
    }
    assert!(messages <= 3, "{messages}");
    let tail = world.node(1).journals.get(&journal(2));
    assert!(tail.is_none_or(|tail| tail.len() < 6_000));
    world.connect(0, 2);
    world.run();
    world.assert_equal();
}

#[test]
fn a_journal_never_overtakes_itself_when_it_changes_lanes() {
    let (mut world, _) = behind();
    for _ in 0..40 {
        world.write(0, 30);
        world.run_at_most(2);
    }
    world.connect(0, 2);
    world.run();
    world.assert_equal();
    assert_eq!(world.node(1).gaps, 0);
    assert_eq!(world.node(1).duplicates, 0);
}

#[test]
fn long_tails_are_sent_oldest_first_across_journals() {
    let mut world = World::new(4);
    for node in [1, 2] {
        world.write(node, 3_000);
        world.connect(0, node);
    }
    world.run();
    world.cut_all();
    let link = world.connect(0, 3);
    world.run();
    world.assert_equal();
    // Their clocks run alike, so the batches alternate.
    let order = world.journals_sent(link, 0);
    let turns: Vec<_> = [journal(1), journal(2)]
        .into_iter()
        .cycle()
        .take(6)
        .collect();
    assert!(order.starts_with(&turns), "{order:?}");
}

/// A hub with what sites 1 and 2 wrote, so much and so large, linked with site 3 that has nothing.
fn of_two(written: [(usize, usize); 2]) -> (World, usize) {
    let mut world = World::new(4);
    for (node, (count, payload_len)) in [1, 2].into_iter().zip(written) {
        world.payload_len = payload_len;
        world.write(node, count);
        world.connect(0, node);
        world.run();
    }
    world.cut_all();
    let link = world.connect(0, 3);
    (world, link)
}

#[test]
fn no_long_tail_runs_ahead_of_another_in_time() {
    // Their clocks run alike, and a batch of the second holds a tenth as many.
    let (mut world, _) = of_two([(2_000, 400), (2_000, 6_000)]);
    let held = |world: &World, node| {
        world
            .node(3)
            .journals
            .get(&journal(node))
            .map_or(0, Vec::len)
    };
    let mut together = 0;
    while world.run_at_most(1) == 1 {
        let (first, second) = (held(&world, 1), held(&world, 2));
        if second > 0 && second < 1_900 {
            assert!(first <= second, "{first} and {second}");
            together += 1;
        }
    }
    assert!(together > 5, "{together}");
    world.assert_equal();
}

#[test]
fn large_bundles_of_one_journal_do_not_keep_another_waiting() {
    let (mut world, link) = of_two([(6, 600_000), (6, 600_000)]);
    world.run();
    world.assert_equal();
    let turns = world.journals_sent(link, 0);
    assert!(turns.len() >= 10, "{turns:?}");
}

#[test]
fn each_side_knows_how_far_it_is() {
    let (mut world, link) = behind();
    let (hub, campus) = (world.progress(link, 0), world.progress(link, 1));
    assert_eq!(campus.incoming.of, 6_000);
    assert!(campus.incoming.missing <= 6_000);
    assert_eq!(hub.outgoing.of, 6_000);
    assert_eq!(hub.incoming, Lag::default());
    world.run();
    assert_eq!(world.progress(link, 1), Progress::default());
    assert_eq!(world.progress(link, 0), Progress::default());
    world.write(0, 3);
    assert_eq!(world.progress(link, 0).outgoing.of, 0);
}

#[test]
fn what_cannot_be_kept_is_sent_ever_more_rarely() {
    let mut world = World::new(2);
    world.node_mut(1).room = 0;
    world.write(0, 1);
    let link = world.connect(0, 1);
    world.run();
    for _ in 0..120 {
        world.advance(1_000);
        world.run();
    }
    let sent = world.bundles_sent(link, 0);
    assert!((4..=8).contains(&sent), "{sent}");
    world.node_mut(1).room = 1;
    world.advance(RETRY_LAST_MS);
    world.run();
    world.assert_equal();
}

/// Two campuses that were linked without the hub, and the hub that comes back: each brings what
/// it wrote itself, and nothing crosses twice.
#[test]
fn campuses_that_met_without_the_hub_bring_it_each_their_own() {
    let mut world = World::new(3);
    let direct = world.connect(1, 2);
    world.write(1, 5);
    world.write(2, 7);
    world.run();
    world.tell(direct, 0, Event::Yield(true));
    world.tell(direct, 1, Event::Yield(true));
    let east = world.connect_campus(0, 1);
    world.run();
    let west = world.connect_campus(0, 2);
    world.run();
    assert_eq!(world.node(0).heads().len(), 2);
    assert_eq!(world.bundles_sent(east, 1), 5);
    assert_eq!(world.bundles_sent(west, 1), 7);
    world.write(1, 1);
    world.run();
    assert_eq!(world.bundles_sent(direct, 0), 5);
    for node in 0..3 {
        assert_eq!(world.node(node).duplicates, 0, "at {node}");
        assert_eq!(world.node(node).heads(), world.node(0).heads());
    }
}

#[test]
fn a_campus_brings_the_hub_the_journal_of_one_that_does_not_come_back() {
    let mut world = World::new(3);
    world.connect(1, 2);
    world.write(2, 7);
    world.run();
    world.cut_all();
    world.connect_campus(0, 1);
    world.run();
    assert_eq!(world.node(0).heads(), []);
    for _ in 0..5 {
        world.advance(1_000);
        world.run();
    }
    assert_eq!(world.node(0).heads(), world.node(1).heads());
}
