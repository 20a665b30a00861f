//! Two sites scrub in virtual time, each with a set and bundles in memory.

use super::set::{Compared, Set};
use super::*;
use std::collections::{BTreeMap, VecDeque};

const NOW: Now = Now {
    mono_ms: 5_000,
    wall_ms: 1_795_305_600_000,
};

fn bundle(number: u32) -> Bundle {
    Bundle {
        header: number.to_be_bytes().to_vec(),
        payload: vec![7; 300],
        signature: [1; 64],
    }
}

struct Side {
    scrub: Scrub,
    set: Set,
    bundles: BTreeMap<Hash, Bundle>,
    reports: Vec<Report>,
    /// Hashes that find no place until everything else has.
    late: Option<Hash>,
}

impl Side {
    fn new(numbers: impl IntoIterator<Item = u32>) -> Self {
        let mut side = Self {
            scrub: Scrub::new(NOW),
            set: Set::default(),
            bundles: BTreeMap::new(),
            reports: Vec::new(),
            late: None,
        };
        let all: Vec<_> = numbers.into_iter().collect();
        side.put(&all.into_iter().map(bundle).collect::<Vec<_>>());
        side
    }

    fn put(&mut self, bundles: &[Bundle]) {
        let item = |bundle: &Bundle| {
            let number = bundle.header.as_slice().try_into().expect("4 bytes");
            (u64::from(u32::from_be_bytes(number)), bundle.hash())
        };
        self.set.extend(bundles.iter().map(item));
        let keyed = bundles.iter().map(|bundle| (bundle.hash(), bundle.clone()));
        self.bundles.extend(keyed);
    }

    fn work(&mut self, work: Work) -> Event {
        match work {
            Work::Open => Event::Opened(self.set.open()),
            Work::Answer(message) => Event::Answered(self.set.answer(&message)),
            Work::Compare(message) => Event::Compared(self.set.compare(&message)),
            Work::Fetch { wanted, hashes } => {
                let found = hashes.iter().filter_map(|hash| self.bundles.get(hash));
                let bundles = found.take(100).cloned().collect();
                Event::Fetched { wanted, bundles }
            }
            Work::Take { wanted, bundles } => {
                let mut taken = Taken::default();
                for bundle in bundles {
                    if self.late.take() == Some(bundle.hash()) {
                        taken.again.push(bundle.hash());
                    } else if self.bundles.contains_key(&bundle.hash()) {
                        taken.known += 1;
                    } else {
                        self.put(&[bundle]);
                        taken.put += 1;
                    }
                }
                Event::Taken { wanted, taken }
            }
        }
    }
}

/// Runs until nothing moves; the frames that crossed, in bytes.
fn run(sides: &mut [Side; 2], starters: &[usize]) -> usize {
    let mut events: VecDeque<(usize, Result<Frame, Event>)> = starters
        .iter()
        .map(|side| (*side, Err(Event::Start)))
        .collect();
    let mut bytes = 0;
    while let Some((at, event)) = events.pop_front() {
        let mut effects = Vec::new();
        let side = &mut sides[at];
        let done = match event {
            Ok(frame) => side.scrub.received(frame, NOW, &mut effects),
            Err(event) => side.scrub.handle(event, NOW, &mut effects),
        };
        done.expect("honest sites keep the rules");
        for effect in effects {
            match effect {
                Effect::Send(frame) => {
                    let sent = crate::wire::encode_frame(&frame).expect("small");
                    bytes += sent.len();
                    let frame = crate::wire::decode_frame(&sent[4..]).expect("well formed");
                    events.push_back((1 - at, Ok(frame)));
                }
                Effect::Work(work) => {
                    let event = side.work(work);
                    events.push_back((at, Err(event)));
                }
                Effect::Report(report) => side.reports.push(report),
            }
        }
    }
    bytes
}

fn equal(sides: &[Side; 2]) -> bool {
    sides[0].set == sides[1].set
}

#[test]
fn equal_sets_cost_one_question_and_few_bytes_whatever_their_size() {
    for size in [40, 5_000, 100_000] {
        let mut sides = [Side::new(0..size), Side::new(0..size)];
        let bytes = run(&mut sides, &[0]);
        assert!(bytes <= 400, "{bytes} for {size}");
        let report = sides[0].reports[0];
        assert!(report.complete && report.rounds == 1);
        assert_eq!((report.missing_here, report.missing_there), (0, 0));
    }
}

#[test]
fn what_one_side_lacks_it_gets_whoever_asks() {
    for starters in [&[0][..], &[1], &[0, 1]] {
        let left = (0..3_000).filter(|n| n % 7 != 3);
        let right = (0..3_000).filter(|n| n % 11 != 5);
        let mut sides = [Side::new(left), Side::new(right)];
        run(&mut sides, starters);
        assert!(equal(&sides), "{starters:?}");
        assert_eq!(sides[0].bundles.len(), sides[1].bundles.len());
        for side in starters {
            assert!(sides[*side].reports[0].complete);
        }
    }
}

#[test]
fn the_report_says_what_was_missing_and_what_was_put_back() {
    let mut sides = [
        Side::new((0..1_000).filter(|n| *n != 17)),
        Side::new((0..1_000).filter(|n| *n < 990)),
    ];
    run(&mut sides, &[0]);
    let report = sides[0].reports[0];
    assert_eq!((report.missing_here, report.mended_here), (1, 1));
    assert_eq!((report.missing_there, report.mended_there), (10, 10));
}

#[test]
fn an_empty_site_gets_everything_over_many_frames() {
    let mut sides = [Side::new(0..5_000), Side::new(0..0)];
    run(&mut sides, &[1]);
    assert!(equal(&sides));
}

#[test]
fn what_finds_no_place_at_first_is_asked_for_again() {
    let mut sides = [Side::new(0..100), Side::new(0..50)];
    sides[1].late = Some(bundle(99).hash());
    run(&mut sides, &[1]);
    assert!(equal(&sides));
}

#[test]
fn what_the_peer_names_but_cannot_give_ends_the_scrub_all_the_same() {
    let mut sides = [Side::new(0..100), Side::new(0..50)];
    sides[0].bundles.clear();
    run(&mut sides, &[1]);
    let report = sides[1].reports[0];
    assert!(report.complete);
    assert_eq!((report.missing_here, report.mended_here), (50, 0));
}

#[test]
fn bundles_nobody_asked_for_are_not_taken_in() {
    let mut asker = Side::new(0..0);
    let peer = Side::new(0..2);
    let mut effects = Vec::new();
    for event in [Event::Start, Event::Opened(asker.set.open())] {
        asker.scrub.handle(event, NOW, &mut effects).unwrap();
    }
    let answer = Frame::Scrub {
        answer: true,
        message: peer.set.answer(&asker.set.open()).unwrap(),
    };
    asker.scrub.received(answer, NOW, &mut effects).unwrap();
    let Some(Effect::Work(work)) = effects.pop() else {
        panic!("{effects:?}");
    };
    let compared = asker.work(work);
    asker.scrub.handle(compared, NOW, &mut effects).unwrap();
    assert!(matches!(effects.pop(), Some(Effect::Send(Frame::Want(all))) if all.len() == 2));
    let bundles = vec![bundle(1), bundle(7), bundle(1), bundle(0)];
    let wanted = true;
    let given = Frame::Give { wanted, bundles };
    asker.scrub.received(given, NOW, &mut effects).unwrap();
    let bundles = vec![bundle(1), bundle(0)];
    assert_eq!(
        effects.pop(),
        Some(Effect::Work(Work::Take { wanted, bundles }))
    );
}

#[test]
fn a_silent_peer_ends_the_scrub_after_a_minute() {
    let mut side = Side::new(0..10);
    let mut effects = Vec::new();
    side.scrub.handle(Event::Start, NOW, &mut effects).unwrap();
    let opened = Event::Opened(side.set.open());
    side.scrub.handle(opened, NOW, &mut effects).unwrap();
    let later = |ms| Now {
        mono_ms: NOW.mono_ms + ms,
        ..NOW
    };
    effects.clear();
    side.scrub.tick(later(TIMEOUT_MS), &mut effects);
    assert_eq!(effects, []);
    side.scrub.tick(later(TIMEOUT_MS + 1), &mut effects);
    assert!(matches!(effects[..], [Effect::Report(report)] if !report.complete));
}

#[test]
fn a_peer_that_never_comes_to_an_end_is_not_asked_for_ever() {
    let mut side = Side::new(0..10);
    let mut effects = Vec::new();
    side.scrub.handle(Event::Start, NOW, &mut effects).unwrap();
    let opened = Event::Opened(side.set.open());
    side.scrub.handle(opened, NOW, &mut effects).unwrap();
    let mut rounds = 1;
    while !effects.iter().any(|e| matches!(e, Effect::Report(_))) {
        effects.clear();
        let answer = Frame::Scrub {
            answer: true,
            message: vec![1],
        };
        side.scrub.received(answer, NOW, &mut effects).unwrap();
        let compared = Event::Compared(Ok(Compared {
            next: Some(vec![2]),
            ..Compared::default()
        }));
        side.scrub.handle(compared, NOW, &mut effects).unwrap();
        rounds += 1;
        assert!(rounds <= MAX_ROUNDS + 1);
    }
    let ended = |effect: &Effect| matches!(effect, Effect::Report(report) if !report.complete);
    assert!(effects.iter().any(ended));
}

#[test]
fn what_waits_behind_a_long_catching_up_is_not_a_silence() {
    let mut side = Side::new(0..10);
    let mut effects = Vec::new();
    for event in [Event::Start, Event::Opened(side.set.open())] {
        side.scrub.handle(event, NOW, &mut effects).unwrap();
    }
    effects.clear();
    for minute in 1..4 {
        let later = Now {
            mono_ms: NOW.mono_ms + minute * TIMEOUT_MS,
            ..NOW
        };
        side.scrub.tick(later, &mut effects);
        assert_eq!(effects, []);
        side.scrub.heard(later);
    }
}

#[test]
fn a_peer_that_asks_twice_at_once_or_without_end_is_cut_off() {
    let side = Side::new(0..10);
    let question = || Frame::Scrub {
        answer: false,
        message: side.set.open(),
    };
    let mut effects = Vec::new();
    let mut scrub = Scrub::new(NOW);
    scrub.received(question(), NOW, &mut effects).unwrap();
    let twice = scrub.received(question(), NOW, &mut effects);
    assert_eq!(twice, Err(CloseReason::Protocol));

    let mut scrub = Scrub::new(NOW);
    let mut asked = 0;
    let reason = loop {
        if let Err(reason) = scrub.received(question(), NOW, &mut effects) {
            break reason;
        }
        asked += 1;
        let answer = side.set.answer(&side.set.open());
        scrub
            .handle(Event::Answered(answer), NOW, &mut effects)
            .unwrap();
    };
    assert_eq!((reason, asked), (CloseReason::Quota, CREDIT));
}

#[test]
fn no_bytes_upset_the_comparison() {
    let set = Side::new(0..200).set;
    let sound = Side::new(0..150).set.open();
    proptest::proptest!(|(at in 0..sound.len(), byte: u8, cut in 0..sound.len())| {
        let mut bad = sound.clone();
        bad[at] ^= byte;
        bad.truncate(bad.len() - cut / 4);
        if let Ok(answer) = set.answer(&bad) {
            assert!(answer.len() <= MAX_MESSAGE_LEN);
        }
        let _looked_into = set.compare(&bad);
    });
}
