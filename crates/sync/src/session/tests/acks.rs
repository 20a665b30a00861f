//! What counts as a second copy of our own journal.

use super::*;

/// Site 0 has written five bundles that site 1 holds, and its disk has lost all but `kept`.
fn restored(kept: usize) -> (World, Vec<Bundle>) {
    let mut world = World::new(2);
    world.write(0, 5);
    world.connect(0, 1);
    world.run();
    world.cut_all();
    let written = world.node(0).journals[&journal(0)].clone();
    world.restore(0, kept);
    world.node_mut(0).acks.clear();
    (world, written)
}

#[test]
fn acknowledgements_name_only_our_own_journal() {
    let mut world = World::new(3);
    world.connect(0, 1);
    world.connect(0, 2);
    world.write(1, 2);
    world.write(0, 3);
    world.run();
    assert_eq!(world.acked(0, 1), 3);
    assert_eq!(world.acked(1, 0), 2);
    assert!(
        world
            .node(0)
            .acks
            .keys()
            .all(|(_, journal)| journal.site == site(0))
    );
}

#[test]
fn who_gives_us_our_own_back_holds_it() {
    let (mut world, _) = restored(2);
    world.connect(0, 1);
    world.run();
    assert_eq!(world.acked(0, 1), 5);
}

#[test]
fn who_named_our_own_before_we_got_it_back_by_another_way_holds_it() {
    let (mut world, written) = restored(0);
    let link = world.connect(0, 1);
    world.tell(link, 1, Event::Yield(true));
    world.run();
    assert_eq!(world.acked(0, 1), 0);
    world.give(0, written);
    world.notify(0);
    assert_eq!(world.acked(0, 1), 5);
}

#[test]
fn who_holds_more_of_another_chain_of_ours_does_not_hold_this_one() {
    let (mut world, _) = restored(2);
    world.payload_len += 1;
    world.write(0, 1);
    world.write(1, 1);
    world.connect(0, 1);
    world.run();
    assert_eq!(world.node(0).journals[&journal(1)].len(), 1);
    assert_eq!(world.acked(0, 1), 0);
}
