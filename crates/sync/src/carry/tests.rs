//! Files in memory: what is read is what was written, and any damage is named.

use super::open::Reader;
use super::*;
use crate::identity::Identity;
use crate::identity::validity::tests::hub;
use ed25519_dalek::VerifyingKey;
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use x25519_dalek::{PublicKey, StaticSecret};

fn campus(identity: &Identity, number: u8) -> Reader {
    Reader {
        institution: identity.institution,
        site: SiteId([number; 8]),
        seal: StaticSecret::from([number; 32]),
    }
}

fn receiver(reader: &Reader) -> (SiteId, [u8; 32]) {
    (reader.site, PublicKey::from(&reader.seal).to_bytes())
}

fn bundle(number: u32) -> Bundle {
    // Nothing that compresses, so that a file has several chunks.
    let mut payload = vec![0; 1_600];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&number.to_be_bytes());
    hasher.finalize_xof().fill(&mut payload);
    Bundle {
        header: number.to_be_bytes().repeat(20),
        payload,
        signature: [3; 64],
    }
}

fn head(identity: &Identity) -> Head {
    Head {
        journal: identity.journal,
        seq: 9,
        hash: Hash([5; 32]),
    }
}

/// A file of `count` bundles, and where in it chunks end does not matter to anyone.
fn file(identity: &Identity, readers: &[&Reader], count: u32) -> Vec<u8> {
    let receivers: Vec<_> = readers.iter().map(|reader| receiver(reader)).collect();
    let mut rng = StdRng::seed_from_u64(9);
    let mut sealer = Sealer::new(identity, &receivers, 7, &mut rng).unwrap();
    let mut bytes = Vec::new();
    for number in 0..count {
        sealer.put(&Item::Bundles(vec![bundle(number)]));
        bytes.extend(sealer.take());
    }
    sealer.put(&Item::Evidence(vec![bundle(count)]));
    bytes.extend(sealer.end(vec![head(identity)]));
    bytes
}

fn read(
    reader: &Reader,
    bytes: &[u8],
    step: usize,
    key: &VerifyingKey,
) -> (Vec<Item>, Result<Vec<Head>, CarryError>) {
    let mut opener = Opener::new(reader.clone());
    let mut items = Vec::new();
    for slice in bytes.chunks(step) {
        opener.push(slice);
        loop {
            match opener.next_item() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => return (items, Err(error)),
            }
        }
    }
    (items, opener.finish(Some(key)))
}

#[test]
fn every_receiver_reads_what_was_written_however_the_bytes_come() {
    let hub = hub(1);
    let (east, west) = (campus(&hub, 2), campus(&hub, 3));
    let bytes = file(&hub, &[&east, &west], 300);
    let key = hub.sign.verifying_key();
    for (reader, step) in [(&east, 1_000), (&west, bytes.len()), (&east, 37)] {
        let (items, end) = read(reader, &bytes, step, &key);
        assert_eq!(end.unwrap(), [head(&hub)]);
        assert_eq!(items.len(), 302);
        assert_eq!(items[7], Item::Bundles(vec![bundle(7)]));
        assert_eq!(items[300], Item::Evidence(vec![bundle(300)]));
    }
}

#[test]
fn a_file_says_whom_it_is_for_and_who_cannot_read_it() {
    let (ours, other) = (hub(1), hub(2));
    let (east, west) = (campus(&ours, 2), campus(&ours, 3));
    let bytes = file(&ours, &[&east], 3);
    let key = ours.sign.verifying_key();
    let not_for = read(&west, &bytes, 100, &key).1;
    assert!(matches!(not_for, Err(CarryError::NotForUs(sites)) if sites == [east.site]));
    let stranger = campus(&other, 2);
    let foreign = read(&stranger, &bytes, 100, &key).1;
    assert!(matches!(foreign, Err(CarryError::OtherInstitution)));
    let own = Reader {
        site: ours.site(),
        ..east.clone()
    };
    assert!(matches!(
        read(&own, &bytes, 100, &key).1,
        Err(CarryError::Own)
    ));
    let mut wrong_key = east.clone();
    wrong_key.seal = StaticSecret::from([9; 32]);
    assert!(matches!(
        read(&wrong_key, &bytes, 100, &key).1,
        Err(CarryError::Altered(_))
    ));
}

#[test]
fn what_is_no_such_file_or_a_later_one_is_said() {
    let hub = hub(1);
    let east = campus(&hub, 2);
    let key = hub.sign.verifying_key();
    let said = |bytes: &[u8]| read(&east, bytes, 5, &key).1.unwrap_err().code();
    assert_eq!(said(b"PK\x03\x04 an archive"), "carry_not_a_file");
    assert_eq!(said(b""), "carry_cut");
    let mut later = file(&hub, &[&east], 1);
    later[MAGIC.len()] = 2;
    assert_eq!(said(&later), "carry_later_version");
}

#[test]
fn a_cut_file_is_refused_wherever_it_is_cut_and_what_came_before_stands() {
    let hub = hub(1);
    let east = campus(&hub, 2);
    let bytes = file(&hub, &[&east], 200);
    let key = hub.sign.verifying_key();
    for cut in (0..bytes.len()).step_by(997).chain([bytes.len() - 1]) {
        let (items, end) = read(&east, &bytes[..cut], 4_096, &key);
        assert!(
            matches!(end, Err(CarryError::Cut(at)) if at == cut as u64),
            "{cut}"
        );
        for (number, item) in items.iter().enumerate() {
            let number = u32::try_from(number).unwrap();
            assert_eq!(*item, Item::Bundles(vec![bundle(number)]));
        }
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(
        read(&east, &longer, 4_096, &key).1,
        Err(CarryError::Trailing)
    ));
}

#[test]
fn a_file_signed_by_another_key_acknowledges_nothing() {
    let ours = hub(1);
    let east = campus(&ours, 2);
    let bytes = file(&ours, &[&east], 3);
    let other = hub(2).sign.verifying_key();
    let (items, end) = read(&east, &bytes, 100, &other);
    assert_eq!(items.len(), 5);
    assert!(matches!(end, Err(CarryError::Signature)));
}

#[test]
fn chunks_cannot_be_put_in_another_order_or_under_another_header() {
    let hub = hub(1);
    let (east, west) = (campus(&hub, 2), campus(&hub, 3));
    let key = hub.sign.verifying_key();
    let one = file(&hub, &[&east], 200);
    let two = file(&hub, &[&east, &west], 200);
    let body = |bytes: &[u8]| {
        let at = MAGIC.len() + 1;
        let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        at + 4 + length as usize
    };
    let mut mixed = two[..body(&two)].to_vec();
    mixed.extend(&one[body(&one)..]);
    assert!(matches!(
        read(&east, &mixed, 4_096, &key).1,
        Err(CarryError::Altered(_))
    ));
    let first = body(&one);
    let length = CHUNK_LEN + TAG_LEN + 4;
    let mut swapped = one.clone();
    swapped[first..first + 2 * length].rotate_left(length);
    assert!(matches!(
        read(&east, &swapped, 4_096, &key).1,
        Err(CarryError::Altered(_))
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_altered_byte_goes_unnoticed_and_none_panics(at in 0.0..1.0f64, flip in 1..=255u8) {
        let hub = hub(1);
        let east = campus(&hub, 2);
        let mut bytes = file(&hub, &[&east], 40);
        let at = ((bytes.len() - 1) as f64 * at) as usize;
        bytes[at] ^= flip;
        let end = read(&east, &bytes, 4_096, &hub.sign.verifying_key()).1;
        prop_assert!(end.is_err(), "byte {at}");
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let hub = hub(1);
        let mut all = MAGIC.to_vec();
        all.push(VERSION);
        all.extend(bytes);
        let key = hub.sign.verifying_key();
        prop_assert!(read(&campus(&hub, 2), &all, 64, &key).1.is_err());
    }
}

#[test]
fn a_small_file_cannot_hold_millions_of_nothing() {
    let nothing = minicbor::to_vec(Item::Bundles(vec![])).unwrap();
    let length = u32::try_from(nothing.len()).unwrap().to_be_bytes();
    let item = [&length[..], &nothing].concat();
    let packed = zstd::bulk::compress(&item.repeat(1_000_000), 3).unwrap();
    assert!(packed.len() < 10_000);
    let mut unpacker = Unpacker::new();
    unpacker.push(packed);
    assert!(matches!(unpacker.next_item(), Err(CarryError::Malformed)));
}
