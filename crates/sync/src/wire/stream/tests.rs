use super::super::{decode_frame, encode_frame};
use super::*;
use proptest::prelude::*;
use proptest::sample::Index;
use records::bundle::{Bundle, Header};

fn journal(number: u8) -> JournalId {
    JournalId {
        site: SiteId([number + 1; 8]),
        incarnation: 1,
    }
}

/// What a bundle says that came before it.
#[derive(Debug, Clone)]
enum Dep {
    /// A bundle of any journal that was made so far.
    Made(Index),
    /// Its place with another hash: of a branch nobody saw.
    Branch(Index),
    Unknown(u8, u64),
}

/// A bundle to be made: of which journal, after which of its bundles (the last, mostly), and what
/// it names.
type Making = (u8, Option<Index>, Vec<Dep>, u64);

fn making() -> impl Strategy<Value = Making> {
    let dep = prop_oneof![
        4 => any::<Index>().prop_map(Dep::Made),
        1 => any::<Index>().prop_map(Dep::Branch),
        1 => (0u8..4, 0u64..9).prop_map(|(journal, seq)| Dep::Unknown(journal, seq)),
    ];
    let fork = prop_oneof![9 => Just(None), 1 => any::<Index>().prop_map(Some)];
    let deps = proptest::collection::vec(dep, 0..3);
    (0u8..3, fork, deps, 0u64..1 << 30)
}

/// Bundles in the order they were made, and their places.
fn made(all: Vec<Making>) -> Vec<(Head, Bundle)> {
    let mut made: Vec<(Head, Bundle)> = Vec::new();
    for (number, fork, deps, hlc) in all {
        let own = made
            .iter()
            .filter(|(head, _)| head.journal == journal(number));
        let own: Vec<Head> = own.map(|(head, _)| *head).collect();
        let before = match fork {
            Some(at) if !own.is_empty() => Some(*at.get(&own)),
            _ => own.last().copied(),
        };
        let any = |at: Index| (!made.is_empty()).then(|| at.get(&made).0);
        let deps = deps.into_iter().filter_map(|dep| match dep {
            Dep::Made(at) => any(at),
            Dep::Branch(at) => any(at).map(|head| Head {
                hash: Hash([7; 32]),
                ..head
            }),
            Dep::Unknown(number, seq) => Some(Head {
                journal: journal(number),
                seq,
                hash: Hash([8; 32]),
            }),
        });
        let seq = before.map_or(1, |head| head.seq + 1);
        let header = Header {
            prev: before.map_or(Hash::default(), |head| head.hash),
            deps: deps.collect(),
            hlc,
            ..Header::blank(journal(number), seq)
        };
        let bundle = Bundle {
            header: minicbor::to_vec(&header).unwrap(),
            payload: Vec::new(),
            signature: [number; 64],
        };
        let head = Head {
            journal: journal(number),
            seq,
            hash: bundle.hash(),
        };
        made.push((head, bundle));
    }
    made
}

/// Frames of so many bundles, each with a run wherever a journal goes on.
fn cut(mut made: &[(Head, Bundle)], lens: &[usize], lane: Lane) -> Vec<Frame> {
    let mut frames = Vec::new();
    for len in lens.iter().cycle() {
        let (now, later) = made.split_at((*len).min(made.len()));
        let mut runs: Vec<Run> = Vec::new();
        for (head, bundle) in now {
            let follows = |run: &&mut Run| {
                run.journal == head.journal && run.head().is_some_and(|h| h.seq + 1 == head.seq)
            };
            match runs.iter_mut().find(follows) {
                Some(run) => run.bundles.push(bundle.clone()),
                None => runs.push(Run {
                    journal: head.journal,
                    after: head.seq - 1,
                    bundles: vec![bundle.clone()],
                }),
            }
        }
        frames.push(Frame::Bundles { runs, lane });
        made = later;
        if made.is_empty() {
            return frames;
        }
    }
    frames
}

/// Two ends of a link, of which one has named its heads.
fn ends(frontier: Vec<Head>) -> [Streams; 2] {
    let mut ends = [Streams::default(), Streams::default()];
    let frame = Frame::Frontier(frontier);
    let bytes = ends[1].encode(&frame).unwrap();
    assert_eq!(ends[0].decode(Lane::Live, &bytes[4..]), Ok(frame));
    ends
}

proptest! {
    #[test]
    fn any_bundles_in_any_frames_come_back_whatever_they_name(
        all in proptest::collection::vec(making(), 1..24),
        lens in proptest::collection::vec(1usize..7, 1..6),
        held in proptest::collection::vec(any::<Index>(), 0..3),
        alone in any::<Index>(),
    ) {
        let made = made(all);
        let frontier = held.into_iter().map(|at| at.get(&made).0).collect();
        let [mut here, mut there] = ends(frontier);
        let mut frames = cut(&made, &lens, Lane::Live);
        frames.extend(cut(&made, &lens, Lane::Bulk));
        let alone = alone.index(frames.len());
        for (at, frame) in frames.into_iter().enumerate() {
            // One that no session sends must not spoil those that follow.
            let bytes = match at == alone {
                true => encode_frame(&frame).unwrap(),
                false => here.encode(&frame).unwrap(),
            };
            prop_assert_eq!(there.decode(frame.lane(), &bytes[4..]), Ok(frame));
        }
    }

    #[test]
    fn a_frame_of_another_stream_is_refused_or_wrong_and_never_panics(
        all in proptest::collection::vec(making(), 2..12),
        lens in proptest::collection::vec(1usize..4, 1..4),
    ) {
        let made = made(all);
        let [mut here, mut there] = ends(Vec::new());
        for frame in cut(&made, &lens, Lane::Live).into_iter().rev() {
            let bytes = here.encode(&frame).unwrap();
            let _ = decode_frame(&bytes[4..]);
            let _ = there.decode(Lane::Bulk, &bytes[4..]);
        }
    }
}

/// How many bytes a frame takes on its stream.
fn len(end: &mut Streams, frame: &Frame) -> usize {
    end.encode(frame).unwrap().len()
}

#[test]
fn hashes_that_the_stream_or_the_frontier_has_told_are_left_out() {
    let chain: Vec<Making> = (0..6)
        .map(|hlc| ((hlc % 2) as u8, None, vec![], hlc))
        .collect();
    let made = made(chain);
    let frames = cut(&made, &[2], Lane::Live);
    let held = vec![made[0].0, made[1].0];
    let known = len(&mut ends(held)[0], &frames[1]);
    let unknown = len(&mut ends(vec![])[0], &frames[1]);
    assert!(unknown >= known + 2 * Hash::LEN, "{unknown} {known}");
    let [mut here, _] = ends(vec![]);
    len(&mut here, &frames[0]);
    assert!(len(&mut here, &frames[1]) <= known + 1);
}

#[test]
fn what_a_stream_remembers_is_bounded() {
    let mut carried = Carried::default();
    for part in 0..4 {
        for number in 0..MAX_REMEMBERED as u64 {
            let journal = JournalId {
                site: SiteId((part << 32 | number).to_be_bytes()),
                incarnation: 1,
            };
            let bundle = Bundle {
                header: vec![1],
                payload: vec![],
                signature: [0; 64],
            };
            carried.passed(&Frame::run(journal, 0, vec![bundle], Lane::Live));
        }
    }
    assert_eq!(carried.last.len(), MAX_REMEMBERED);
}
