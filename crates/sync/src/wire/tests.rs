use super::*;
use proptest::prelude::*;
use records::bundle::{Bundle, Head};
use records::id::{Hash, InstitutionId, JournalId, SiteId};

fn body(frame: &Frame) -> Vec<u8> {
    encode_frame(frame).unwrap().split_off(4)
}

fn head(seq: u64) -> Head {
    Head {
        journal: JournalId {
            site: SiteId([7; 8]),
            incarnation: 1,
        },
        seq,
        hash: Hash([3; 32]),
    }
}

fn bundle(payload: usize) -> Bundle {
    Bundle {
        header: vec![1; 200],
        payload: vec![2; payload],
        signature: [3; 64],
    }
}

fn bundles(count: usize, payload: usize) -> Frame {
    Frame::run(head(0).journal, 4, vec![bundle(payload); count], Lane::Bulk)
}

fn frames() -> Vec<Frame> {
    vec![
        Frame::Hello(Hello {
            versions: vec![PROTOCOL],
            institution: InstitutionId([1; 16]),
            site: SiteId([2; 8]),
            incarnation: 1,
            rules: 1,
            boot_number: 1,
            boot: [1; 4],
        }),
        Frame::Frontier(vec![head(1), head(u64::MAX)]),
        bundles(3, 500),
        Frame::Ack(Ack {
            batches: 9,
            heads: vec![head(2)],
            lost: vec![JournalId::INSTITUTION],
            bulk_batches: 4,
        }),
        Frame::Reach(vec![Reached {
            site: SiteId([2; 8]),
            since_ms: -1,
        }]),
        Frame::Addresses(vec![Address {
            site: SiteId([2; 8]),
            host: "duty.west.example:7443".to_owned(),
        }]),
        Frame::Copied {
            since_ms: 7,
            starts: vec![Start {
                incarnation: 1,
                boot_number: 4,
                boot: [3; 4],
                address: Some([10, 0, 0, 2].into()),
                seen_ms: 8,
            }],
        },
        Frame::Ping { nonce: 5 },
        Frame::Pong {
            nonce: 5,
            wall_ms: 6,
        },
        Frame::Scrub {
            answer: true,
            message: vec![0x61; 40],
        },
        Frame::Branch(Branch::Ends {
            heads: vec![head(3)],
            ends: vec![head(3), head(2)],
        }),
        Frame::Branch(Branch::Want(Lacking {
            tip: head(9),
            have: vec![head(4)],
        })),
        Frame::Branch(Branch::Give(vec![])),
        Frame::Want(vec![Hash([4; 32]); 3]),
        Frame::Give {
            wanted: false,
            bundles: vec![],
        },
        Frame::Took { put: 7 },
    ]
}

#[test]
fn every_frame_survives_the_wire() {
    for frame in frames() {
        assert_eq!(decode_frame(&body(&frame)), Ok(frame));
    }
}

#[test]
fn the_largest_bundle_fits_and_a_larger_message_is_refused() {
    let fits = bundles(1, records::bundle::MAX_PAYLOAD_LEN);
    assert_eq!(decode_frame(&body(&fits)), Ok(fits));
    assert_eq!(
        encode_frame(&bundles(3, 1024 * 1024)),
        Err(WireError::TooLong)
    );
}

#[test]
fn a_decompression_bomb_is_cut_at_its_declared_size() {
    let packed = zstd::bulk::compress(&vec![0; 64 * 1024 * 1024], 3).unwrap();
    for declared in [16u32, MAX_MESSAGE_LEN as u32] {
        let mut bomb = vec![ZSTD];
        bomb.extend(declared.to_be_bytes());
        bomb.extend(&packed);
        assert_eq!(decode_frame(&bomb), Err(WireError::Malformed));
        let mut run = vec![RUN];
        run.extend(declared.to_be_bytes());
        run.extend(u32::try_from(packed.len()).unwrap().to_be_bytes());
        run.extend(&packed);
        assert_eq!(decode_frame(&run), Err(WireError::Malformed));
    }
    let mut declares_more = vec![ZSTD];
    declares_more.extend(u32::MAX.to_be_bytes());
    declares_more.extend(&packed);
    assert_eq!(decode_frame(&declares_more), Err(WireError::TooLong));
}

#[test]
fn an_array_that_declares_more_than_it_holds_is_malformed() {
    // Frontier of 2^62 heads, none of which follow.
    let lie = [PLAIN, 0x82, 0x01, 0x81, 0x9b, 0x40, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(decode_frame(&lie), Err(WireError::Malformed));
}

#[test]
fn counts_over_their_limits_are_refused() {
    let frontier = Frame::Frontier(vec![head(1); MAX_HEADS + 1]);
    assert_eq!(decode_frame(&body(&frontier)), Err(WireError::TooLong));
    let overflow = Frame::run(
        head(0).journal,
        u64::MAX - 1,
        vec![bundle(1); 2],
        Lane::Live,
    );
    assert_eq!(encode_frame(&overflow), Err(WireError::TooLong));
}

#[test]
fn bundles_in_a_second_form_are_refused() {
    let plain = encode(&bundles(1, 10)).unwrap();
    assert_eq!(decode_frame(&plain[4..]), Err(WireError::Malformed));
}

#[test]
fn trailing_bytes_are_no_frame() {
    let mut bytes = body(&Frame::Ping { nonce: 1 });
    bytes.push(0);
    assert_eq!(decode_frame(&bytes), Err(WireError::Malformed));
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = decode_frame(&bytes);
    }

    #[test]
    fn garbage_behind_a_valid_start_never_panics(
        kind in 0u8..3,
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut body = vec![kind, 0, 0, 4, 0];
        body.extend(bytes);
        let _ = decode_frame(&body);
    }

    #[test]
    fn a_mutated_frame_never_panics(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = body(which.get(&frames()));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = decode_frame(&bytes);
    }
}
