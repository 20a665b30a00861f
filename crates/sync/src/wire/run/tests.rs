use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use records::chunk::{self, Parts};
use records::id::{AccountId, ActionId, InstitutionId, RecordId, SiteId, TerminalId};
use records::payload::{Body, RecordChanges};

const JOURNAL: JournalId = JournalId {
    site: SiteId([7; 8]),
    incarnation: 3,
};

/// What is odd about a bundle, if anything.
#[derive(Debug, Clone)]
enum Odd {
    No,
    Header(Vec<u8>),
    HeaderByte(prop::sample::Index, u8),
    Payload(Vec<u8>),
    PayloadByte(prop::sample::Index, u8),
    Fields(u64, i64),
}

fn odd() -> impl Strategy<Value = Odd> {
    let bytes = vec(any::<u8>(), 0..300);
    let at = any::<prop::sample::Index>();
    prop_oneof![
        6 => Just(Odd::No),
        1 => bytes.clone().prop_map(Odd::Header),
        1 => (at.clone(), any::<u8>()).prop_map(|(at, byte)| Odd::HeaderByte(at, byte)),
        1 => bytes.prop_map(Odd::Payload),
        1 => (at, any::<u8>()).prop_map(|(at, byte)| Odd::PayloadByte(at, byte)),
        1 => (any::<u64>(), any::<i64>()).prop_map(|(a, b)| Odd::Fields(a, b)),
    ]
}

prop_compose! {
    fn change()(
        deps in vec(0u8..6, 0..3),
        actor in prop_oneof![Just(vec![1; 16]), Just(vec![2; 16]), Just(vec![3; 5])],
        seq in prop_oneof![0u64..9, any::<u64>()],
        names in "[0-9a-f]{0,80}[a-z]{0,9}[0-9a-f]{30,70}",
        values in vec(any::<u8>(), 0..60),
        rest in vec(any::<u8>(), 0..3),
    ) -> Vec<u8> {
        let deps = deps.into_iter().map(|dep| Hash([dep; 32])).collect();
        let columns = vec![(chunk::NAMES, names.into_bytes()), (chunk::VALUES, values)];
        let about = vec![5, 0, 0, 0];
        chunk::put_together(&Parts { deps, actor, seq, about, columns, rest }).0
    }
}

prop_compose! {
    fn section()(
        salt in any::<[u8; 16]>(),
        record in 0u8..4,
        changes in vec(
            prop_oneof![4 => change(), 1 => vec(any::<u8>(), 0..90)],
            0..3,
        ),
        kind in 0u8..5,
    ) -> Section {
        let body = match kind {
            0 => return Section::Erased(Hash([record; 32])),
            1 => vec![kind; usize::from(record)],
            _ => Body::Record(RecordChanges {
                record: RecordId([record; 16]),
                kind: "log_item".to_owned(),
                table_version: 2,
                changes,
            })
            .encode(),
        };
        Section::Present { salt, body }
    }
}

prop_compose! {
    fn bundle()(
        sections in vec(section(), 0..3),
        odd in odd(),
        (wall_ms, who, offset) in (0i64..1 << 50, 0u8..4, proptest::option::of(any::<i64>())),
        deps in vec((0u8..3, any::<u64>()), 0..3),
        assurance in prop_oneof![4 => Just(Vec::new()), 1 => vec(any::<u8>(), 1..40)],
        signature in any::<[u8; 64]>(),
    ) -> (Header, Vec<Section>, Odd, [u8; 64]) {
        let deps = deps.into_iter().map(|(site, seq)| Head {
            journal: JournalId { site: SiteId([site; 8]), incarnation: 1 },
            seq,
            hash: Hash([site; 32]),
        });
        let header = Header {
            institution: InstitutionId([1; 16]),
            deps: deps.collect(),
            assurance,
            wall_ms,
            hlc: wall_ms.cast_unsigned() << 16 | u64::from(who),
            hub_offset_ms: offset,
            account: AccountId([who; 16]),
            terminal: TerminalId([9; 16]),
            action: ActionId([who; 16]),
            payload_root: payload::root(&sections),
            payload_len: u32::try_from(payload::encode(&sections).len()).unwrap(),
            ..Header::blank(JOURNAL, 1)
        };
        (header, sections, odd, signature)
    }
}

/// Bundles that follow one another, but for what is odd about some.
fn chained(made: Vec<(Header, Vec<Section>, Odd, [u8; 64])>, after: u64) -> Batch {
    let (mut bundles, mut prev, mut seq) = (Vec::new(), Hash([6; 32]), after);
    for (mut header, sections, odd, signature) in made {
        seq = seq.saturating_add(1);
        (header.seq, header.prev) = (seq, prev);
        if let Odd::Fields(a, b) = odd {
            (header.seq, header.hlc, header.uptime_ms, header.wall_ms) = (a, a, a, b);
            (header.part, header.key_id, header.assurance) = (9, 5, vec![4; 40]);
        }
        let mut bundle = Bundle {
            header: minicbor::to_vec(&header).unwrap(),
            payload: payload::encode(&sections),
            signature,
        };
        match odd {
            Odd::Header(bytes) => bundle.header = bytes,
            Odd::Payload(bytes) => bundle.payload = bytes,
            Odd::HeaderByte(at, byte) => {
                let at = at.index(bundle.header.len());
                bundle.header[at] = byte;
            }
            Odd::PayloadByte(at, byte) => {
                let at = at.index(bundle.payload.len());
                bundle.payload[at] = byte;
            }
            Odd::No | Odd::Fields(..) => {}
        }
        prev = bundle.hash();
        bundles.push(bundle);
    }
    let runs = vec![Run {
        journal: JOURNAL,
        after,
        bundles,
    }];
    let lane = Lane::Bulk;
    Batch { runs, lane }
}

/// What a batch becomes that stands alone.
fn alone(batch: &Batch) -> (Vec<u8>, Vec<u8>) {
    let (columns, noise) = write(batch, None).unwrap();
    (columns.concat(), noise)
}

proptest! {
    #[test]
    fn any_run_comes_back_byte_for_byte(
        made in vec(bundle(), 0..12),
        after in prop_oneof![0u64..9, Just(u64::MAX - 20)],
    ) {
        let batch = chained(made, after);
        let (plain, noise) = alone(&batch);
        prop_assert_eq!(read(&plain, &noise, None), Ok((batch, true)));
    }

    #[test]
    fn bundles_are_taken_as_they_are_if_they_must(
        made in vec(bundle(), 1..6),
    ) {
        let mut batch = chained(made, 0);
        let mut writer = Writer::new();
        pass(&mut writer, &mut batch, None, true).unwrap();
        let (columns, noise) = writer.finish();
        prop_assert_eq!(read(&columns.concat(), &noise, None), Ok((batch, true)));
    }

    #[test]
    fn a_damaged_run_never_panics(
        made in vec(bundle(), 1..6),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (mut plain, noise) = alone(&chained(made, 4));
        for (at, byte) in damage {
            let at = at.index(plain.len());
            plain[at] = byte;
        }
        let _ = read(&plain, &noise, None);
    }

    #[test]
    fn garbage_is_refused_or_a_run(
        plain in vec(any::<u8>(), 0..400),
        noise in vec(any::<u8>(), 0..200),
    ) {
        let _ = read(&plain, &noise, None);
    }
}

#[test]
fn what_the_receiver_can_compute_is_left_out() {
    let section = || Section::Present {
        salt: [5; 16],
        body: vec![1; 10],
    };
    let header = |number: u8| Header {
        action: ActionId([number; 16]),
        payload_root: payload::root(&[section()]),
        payload_len: u32::try_from(payload::encode(&[section()]).len()).unwrap(),
        ..Header::blank(JOURNAL, 1)
    };
    let made = |count| (0..count).map(|n| (header(n), vec![section()], Odd::No, [n; 64]));
    let len = |count| {
        let (plain, noise) = alone(&chained(made(count).collect(), 0));
        plain.len() + noise.len()
    };
    // Signature, action and salt, the ten bytes of the body, and a byte each for the rest.
    let each = len(11) - len(10);
    assert!(each <= 64 + 16 + 16 + 10 + 30, "{each}");
}

#[test]
fn a_small_frame_cannot_make_the_reader_hold_much() {
    // One known id, named over and over as the ids in a text.
    let mut writer = Writer::new();
    let mut known = Known::default();
    let mut refused = None;
    for _ in 0..1 << 20 {
        if let Err(error) = known.id(&mut writer, Column::Item, &mut [3; 16]) {
            refused = Some(error);
            break;
        }
    }
    assert_eq!(refused, Some(WireError::TooLong));
}
