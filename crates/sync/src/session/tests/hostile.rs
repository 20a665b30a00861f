//! A peer that says whatever it likes: the session ends or goes on, and holds nothing for it.

use super::*;
use crate::wire::Branch;
use proptest::prelude::*;

fn opened() -> (World, usize) {
    let mut world = World::new(2);
    let link = world.connect(0, 1);
    world.run();
    (world, link)
}

fn head(node: u8, seq: u64) -> Head {
    Head {
        journal: journal(node),
        seq,
        hash: Hash([1; 32]),
    }
}

fn closes(frame: &Frame) -> Option<CloseReason> {
    let (mut world, link) = opened();
    world.inject(link, 0, frame);
    world.run();
    world.closed(link, 0)
}

fn greet(change: impl Fn(&mut Hello)) -> Option<CloseReason> {
    let (mut session, _) = Session::new(hello(0), site(1), &[], Now::default());
    let mut theirs = hello(1);
    change(&mut theirs);
    let frame = Event::Received(Frame::Hello(theirs));
    let effects = session.handle(frame, Now::default());
    effects.into_iter().find_map(|effect| match effect {
        Effect::Close(reason) => Some(reason),
        _ => None,
    })
}

#[test]
fn a_hello_of_another_institution_site_or_version_ends_the_session() {
    assert_eq!(greet(|_| {}), None);
    let other = greet(|hello| hello.institution = InstitutionId([9; 16]));
    assert_eq!(other, Some(CloseReason::Institution));
    assert_eq!(greet(|hello| hello.site = site(6)), Some(CloseReason::Site));
    let future = greet(|hello| hello.versions = vec![99]);
    assert_eq!(future, Some(CloseReason::Version));
    assert_eq!(
        greet(|hello| hello.versions = vec![99, wire::PROTOCOL]),
        None
    );
}

#[test]
fn a_peer_that_names_many_new_ends_again_and_again_is_cut_off() {
    let (mut world, link) = opened();
    for named in 0..20 {
        let ends = (0..1_024).map(|seq| head(1, named * 10_000 + seq));
        let ends = Branch::Ends {
            heads: vec![],
            ends: ends.collect(),
        };
        world.inject(link, 0, &Frame::Branch(ends));
    }
    world.run();
    assert_eq!(world.closed(link, 0), Some(CloseReason::Quota));
}

#[test]
fn a_peer_that_stays_silent_is_dropped() {
    let (mut session, _) = Session::new(hello(0), site(1), &[], Now::default());
    let later = Now {
        mono_ms: HELLO_TIMEOUT_MS + 1,
        wall_ms: 0,
    };
    let effects = session.handle(Event::Tick, later);
    assert_eq!(effects, [Effect::Close(CloseReason::Silent)]);
    assert_eq!(session.handle(Event::Tick, later), []);
}

#[test]
fn frames_out_of_their_order_end_the_session() {
    let protocol = Some(CloseReason::Protocol);
    assert_eq!(closes(&Frame::Hello(hello(1))), protocol);
    assert_eq!(closes(&Frame::Frontier(vec![])), protocol);
    let unsent = Frame::Ack(Ack {
        batches: 4,
        ..Ack::default()
    });
    assert_eq!(closes(&unsent), protocol);
    let empty = Frame::run(journal(1), 0, vec![], Lane::Live);
    assert_eq!(closes(&empty), protocol);
}

#[test]
fn a_frontier_that_names_a_journal_twice_or_no_bundle_ends_the_session() {
    for heads in [vec![head(1, 4), head(1, 5)], vec![head(1, 0)]] {
        let (mut session, _) = Session::new(hello(0), site(1), &[], Now::default());
        let _ = session.handle(Event::Received(Frame::Hello(hello(1))), Now::default());
        let frontier = Event::Received(Frame::Frontier(heads));
        let effects = session.handle(frontier, Now::default());
        assert_eq!(effects, [Effect::Close(CloseReason::Protocol)]);
    }
}

#[test]
fn a_head_at_the_end_of_time_only_harms_the_one_who_claims_it() {
    let mut world = World::new(2);
    world.write(0, 3);
    let link = world.connect(0, 1);
    world.run();
    let boast = Frame::Ack(Ack {
        batches: 1,
        heads: vec![head(0, u64::MAX), head(6, u64::MAX)],
        ..Ack::default()
    });
    world.inject(link, 0, &boast);
    world.run();
    assert_eq!(world.closed(link, 0), None);
    let ahead = (FaultCode::OwnJournalAhead, journal(0), u64::MAX);
    assert_eq!(world.faults(0), [ahead]);
    assert_eq!(world.acked(0, 1), 3);
}

#[test]
fn chatter_without_end_is_over_quota() {
    let (mut world, link) = opened();
    for nonce in 0..=SMALL_TALK {
        world.inject(link, 0, &Frame::Ping { nonce });
    }
    world.run();
    assert_eq!(world.closed(link, 0), Some(CloseReason::Quota));
}

#[test]
fn more_journals_than_a_session_keeps_are_over_quota() {
    let (mut world, link) = opened();
    for part in 0..4u64 {
        let of = |n: u64| Head {
            journal: JournalId {
                site: SiteId((n + 1000 * part + 10).to_be_bytes()),
                incarnation: 1,
            },
            seq: 1,
            hash: Hash::default(),
        };
        let ack = Ack {
            batches: 0,
            heads: (0..1000).map(of).collect(),
            ..Ack::default()
        };
        world.inject(link, 0, &Frame::Ack(ack));
    }
    world.run();
    assert_eq!(world.closed(link, 0), Some(CloseReason::Quota));
}

#[test]
fn bundles_nobody_signed_are_counted_and_end_the_session() {
    let (mut world, link) = opened();
    let stranger = Bundle {
        header: vec![0xff],
        payload: vec![],
        signature: [0; 64],
    };
    let frame = Frame::run(
        journal(1),
        0,
        vec![stranger; MAX_STRANGERS as usize + 1],
        Lane::Live,
    );
    world.inject(link, 0, &frame);
    world.run();
    assert_eq!(world.closed(link, 0), Some(CloseReason::Strangers));
}

#[test]
fn bytes_beyond_what_is_admitted_are_over_quota() {
    let (mut session, _) = Session::new(hello(0), site(1), &[], Now::default());
    let mut feed = |frame| session.handle(Event::Received(frame), Now::default());
    let _ = feed(Frame::Hello(hello(1)));
    let _ = feed(Frame::Frontier(vec![]));
    let mut last = Vec::new();
    for after in 0..20 {
        let payload = vec![0; 1024 * 1024];
        last = feed(Frame::run(
            journal(1),
            after,
            vec![bundle(1, after + 1, Hash::default(), &payload)],
            Lane::Bulk,
        ));
        if matches!(last[..], [Effect::Close(_)]) {
            break;
        }
    }
    assert_eq!(last, [Effect::Close(CloseReason::Quota)]);
}

fn any_journal() -> impl Strategy<Value = JournalId> {
    (0u8..4).prop_map(|node| match node {
        3 => JournalId::INSTITUTION,
        node => journal(node),
    })
}

fn any_head() -> impl Strategy<Value = Head> {
    let seq = prop_oneof![0u64..6, Just(u64::MAX)];
    (any_journal(), seq, 0u8..3).prop_map(|(journal, seq, hash)| Head {
        journal,
        seq,
        hash: Hash([hash; 32]),
    })
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let heads = || proptest::collection::vec(any_head(), 0..5);
    let lost = proptest::collection::vec(any_journal(), 0..3);
    prop_oneof![
        Just(Frame::Hello(hello(1))),
        heads().prop_map(Frame::Frontier),
        (0u64..4, heads(), lost).prop_map(|(batches, heads, lost)| Frame::Ack(Ack {
            batches,
            heads,
            lost,
            bulk_batches: batches / 2,
        })),
        (any_journal(), 0u64..6, 1u64..4).prop_map(|(journal, after, count)| {
            let of = |seq| bundle(1, after + seq, Hash([1; 32]), b"x");
            let lane = [Lane::Live, Lane::Bulk][usize::from(after % 2 == 1)];
            Frame::run(journal, after, (1..=count).map(of).collect(), lane)
        }),
        any::<u64>().prop_map(|nonce| Frame::Ping { nonce }),
        (any::<u64>(), any::<i64>()).prop_map(|(nonce, wall_ms)| Frame::Pong { nonce, wall_ms }),
    ]
}

proptest! {
    #[test]
    fn no_order_of_frames_panics_or_spoils_other_links(
        frames in proptest::collection::vec(any_frame(), 0..20),
    ) {
        let mut world = World::new(3);
        world.write(0, 4);
        world.write_institution(0, 2);
        let hostile = world.connect(0, 1);
        world.run_at_most(4);
        for frame in &frames {
            world.inject(hostile, 0, frame);
        }
        world.run();
        world.cut_all();
        world.connect(0, 2);
        world.run();
        prop_assert_eq!(world.node(2).heads(), world.node(0).heads());
    }
}

#[test]
fn bundles_of_a_later_version_are_told_once_and_never_end_the_session() {
    let (mut session, _) = Session::new(hello(0), site(1), &[], Now::default());
    let frames = [Frame::Hello(hello(1)), Frame::Frontier(vec![])];
    for frame in frames {
        drop(session.handle(Event::Received(frame), Now::default()));
    }
    let mut told = Vec::new();
    for round in 0..2 * u64::from(MAX_STRANGERS) {
        let frame = Frame::run(
            journal(1),
            round,
            vec![bundle(1, round + 1, Hash::default(), b"")],
            Lane::Live,
        );
        drop(session.handle(Event::Received(frame), Now::default()));
        let outcome = Outcome {
            later: true,
            ..Outcome::default()
        };
        told.extend(session.handle(Event::Admitted(Lane::Live, outcome), Now::default()));
    }
    let faults = told
        .iter()
        .filter(|effect| matches!(effect, Effect::Fault { .. }));
    assert_eq!(faults.count(), 1);
    assert!(session.is_open());
    let fault = Effect::Fault {
        code: FaultCode::LaterVersion,
        journal: journal(1),
        seq: 1,
    };
    assert!(told.contains(&fault));
}
