//! Sessions against an in-memory journal model, in virtual time.

use super::*;
use crate::wire::{self, Ack, BATCH_LEN, MAX_RUNS};
use records::bundle::{Bundle, Header};
use records::id::{Hash, InstitutionId};
use records::journal::{Place, place};

mod acks;
mod catching_up;
mod forks;
mod hostile;
mod world;

use world::{World, bundle, hello, journal, site};

#[test]
fn two_sites_exchange_what_each_lacks() {
    let mut world = World::new(2);
    world.write(0, 5);
    world.write(1, 3);
    world.connect(0, 1);
    world.run();
    world.assert_equal();
    assert_eq!(world.node(1).journals[&journal(0)].len(), 5);
}

#[test]
fn reconnecting_with_nothing_missing_costs_a_frontier_whatever_the_history() {
    let mut costs = Vec::new();
    for history in [10, 2_000] {
        let mut world = World::new(3);
        for node in 0..3 {
            world.write(node, history);
        }
        world.connect(0, 1);
        world.connect(0, 2);
        world.run();
        world.assert_equal();
        world.cut_all();
        let link = world.connect(0, 1);
        world.run();
        costs.push(world.bytes(link));
    }
    // Only the width of the sequence numbers differs.
    assert!(costs[1] <= costs[0] + 32, "{costs:?}");
    assert!(costs[1] <= 1024, "{costs:?}");
}

#[test]
fn what_is_written_later_is_pushed_over_the_same_stream() {
    let mut world = World::new(2);
    world.connect(0, 1);
    world.run();
    for _ in 0..3 {
        world.write(0, 1);
        world.run();
        world.assert_equal();
    }
    assert_eq!(world.acked(0, 1), 3);
}

#[test]
fn the_hub_relays_between_campuses_and_never_back() {
    let mut world = World::new(3);
    let east = world.connect(0, 1);
    let west = world.connect(0, 2);
    world.run();
    world.write(1, 4);
    world.run();
    world.assert_equal();
    assert_eq!(world.bundles_sent(west, 0), 4);
    assert_eq!(world.bundles_sent(east, 0), 0);
}

#[test]
fn a_site_that_is_dialled_no_longer_says_so_when_it_links() {
    let now = Now::default();
    let (mut session, _) = Session::new(hello(0), site(1), &[], now);
    for frame in [Frame::Hello(hello(1)), Frame::Frontier(vec![])] {
        let _ = session.handle(Event::Received(frame), now);
    }
    let told = session.handle(Event::Addresses(vec![]), now);
    assert_eq!(told, [Effect::Send(Frame::Addresses(vec![]))]);
    assert_eq!(session.handle(Event::Addresses(vec![]), now), []);
}

#[test]
fn a_ring_of_links_ends_equal() {
    let mut world = World::new(3);
    for node in 0..3 {
        world.write(node, 20);
    }
    world.connect(0, 1);
    world.connect(1, 2);
    world.connect(2, 0);
    world.run();
    world.write(1, 7);
    world.run();
    world.assert_equal();
}

#[test]
fn a_cut_at_any_message_loses_nothing() {
    let scene = || {
        let mut world = World::new(3);
        world.write(0, 30);
        world.write(1, 700);
        world.connect(0, 1);
        world.connect(0, 2);
        world
    };
    let mut whole = scene();
    let messages = whole.run();
    assert!(messages > 15, "{messages}");
    for cut in 0..messages {
        let mut world = scene();
        world.run_at_most(cut);
        world.cut_all();
        world.write(2, 1);
        world.connect(0, 1);
        world.connect(0, 2);
        world.run();
        world.assert_equal();
    }
}

#[test]
fn the_institution_journal_goes_first() {
    let mut world = World::new(2);
    world.write(0, 3);
    world.write_institution(0, 2);
    let link = world.connect(0, 1);
    world.run();
    let order = world.journals_sent(link, 0);
    assert_eq!(order, [JournalId::INSTITUTION, journal(0)]);
}

#[test]
fn no_more_than_the_window_is_unacknowledged() {
    let mut world = World::new(2);
    world.payload_len = 100_000;
    world.write(0, 100);
    let link = world.connect(0, 1);
    world.run();
    world.assert_equal();
    let most = world.most_in_flight(link, 0);
    assert!(most <= WINDOW_LEN + BATCH_LEN + world.payload_len, "{most}");
}

#[test]
fn the_largest_bundles_of_many_journals_keep_to_frames_and_window() {
    let sites = MAX_RUNS + 3;
    let mut world = World::new(sites + 1);
    world.payload_len = records::bundle::MAX_PAYLOAD_LEN;
    for node in 1..sites {
        world.write(node, 2);
        world.connect(0, node);
    }
    world.run();
    let link = world.connect(0, sites);
    world.run();
    world.assert_equal();
    assert_eq!(world.bundles_sent(link, 0), 2 * (sites - 1));
}

#[test]
fn what_several_sites_wrote_travels_together() {
    let mut world = World::new(4);
    for node in 1..3 {
        world.write(node, 5);
        world.connect(0, node);
    }
    world.run();
    let link = world.connect(0, 3);
    world.run();
    world.assert_equal();
    assert_eq!(world.journals_sent(link, 0), [journal(1), journal(2)]);
    assert_eq!(world.batches_sent(link, 0), 1);
}

#[test]
fn a_bundle_that_was_damaged_on_the_senders_disk_is_sent_again_once_it_is_mended() {
    let mut world = World::new(2);
    world.write(0, 3);
    sign_last(&mut world, [7; 64]);
    world.connect(0, 1);
    world.run();
    assert_eq!(world.node(1).journals[&journal(0)].len(), 2);
    sign_last(&mut world, world::SIGNED);
    world.advance(RETRY_MS + 1);
    world.run();
    world.assert_equal();
}

fn sign_last(world: &mut World, signature: [u8; 64]) {
    let own = world.node_mut(0).journals.get_mut(&journal(0)).unwrap();
    own.last_mut().unwrap().signature = signature;
}

#[test]
fn a_bundle_that_could_not_be_kept_is_sent_again_later() {
    let mut world = World::new(2);
    world.write(0, 2);
    world.node_mut(1).room = 1;
    world.connect(0, 1);
    world.run();
    assert_eq!(world.node(1).journals[&journal(0)].len(), 1);
    world.node_mut(1).room = usize::MAX;
    world.advance(RETRY_MS + 1);
    world.run();
    world.assert_equal();
}

#[test]
fn a_restored_site_pulls_its_own_journal_and_says_so() {
    let mut world = World::new(2);
    world.write(0, 5);
    world.connect(0, 1);
    world.run();
    world.cut_all();
    world.restore(0, 2);
    let link = world.connect(0, 1);
    world.run();
    let ahead = (FaultCode::OwnJournalAhead, journal(0), 5);
    assert_eq!(world.faults(0), [ahead]);
    assert_eq!(world.bundles_sent(link, 0), 0);
    world.assert_equal();
}

#[test]
fn the_hubs_reach_and_clock_are_told() {
    let mut world = World::new(2);
    world.node_mut(0).clock_ahead_ms = 5_000;
    let link = world.connect(0, 1);
    let east = Reached {
        site: site(7),
        since_ms: 3,
    };
    world.tell(link, 0, Event::Reach(vec![east]));
    world.run();
    assert_eq!(world.node(1).reach, [east]);
    assert_eq!(world.node(1).offset_ms, Some(5_000));
    assert_eq!(world.node(0).offset_ms, Some(-5_000));
    world.tell(link, 0, Event::Reach(vec![]));
    world.run();
    assert_eq!(world.node(1).reach, []);
}
