use super::*;
use proptest::prelude::*;

/// A header of the institution journal's first bundle, for tests to change.
pub(crate) fn header() -> Header {
    Header {
        hlc: 1,
        wall_ms: 1_790_000_000_000,
        uptime_ms: 5,
        ..Header::blank(JournalId::INSTITUTION, 1)
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

#[test]
fn a_signed_bundle_is_known_by_its_key_alone() {
    let bundle = Bundle::sign(&header(), vec![1, 2, 3], &key());
    assert!(bundle.signed_by(&key().verifying_key()));
    let other = SigningKey::from_bytes(&[8; 32]);
    assert!(!bundle.signed_by(&other.verifying_key()));
    assert_eq!(bundle.decode_header(), Ok(header()));
}

#[test]
fn no_bit_of_a_header_can_be_changed_under_its_signature() {
    let bundle = Bundle::sign(&header(), Vec::new(), &key());
    for index in 0..bundle.header.len() * 8 {
        let mut changed = bundle.clone();
        changed.header[index / 8] ^= 1 << (index % 8);
        assert!(!changed.signed_by(&key().verifying_key()));
    }
}

#[test]
fn a_header_of_a_later_version_is_unknown_rather_than_malformed() {
    let later = Header {
        version: VERSION + 1,
        ..header()
    };
    let bytes = minicbor::to_vec(&later).unwrap();
    assert_eq!(decode_header(&bytes), Err(HeaderError::Unknown));
    let suite = Header {
        suite: SUITE + 1,
        ..header()
    };
    let bytes = minicbor::to_vec(&suite).unwrap();
    assert_eq!(decode_header(&bytes), Err(HeaderError::Unknown));
}

#[test]
fn a_header_with_a_field_more_or_bytes_behind_it_is_not_taken_for_ours() {
    let bytes = minicbor::to_vec(header()).unwrap();
    assert_eq!(bytes[0], 0x80 | 22, "an array of 22 fields");
    let mut more = bytes.clone();
    more[0] += 1;
    more.push(0);
    assert_eq!(decode_header(&more), Err(HeaderError::Unknown));
    let mut behind = bytes;
    behind.push(0);
    assert!(decode_header(&behind).is_err());
    assert_eq!(
        decode_header(&vec![0; MAX_HEADER_LEN + 1]),
        Err(HeaderError::Malformed)
    );
}

prop_compose! {
    fn any_head()(site: [u8; 8], incarnation: u32, seq: u64, hash: [u8; 32]) -> Head {
        let journal = JournalId { site: SiteId(site), incarnation };
        Head { journal, seq, hash: Hash(hash) }
    }
}

prop_compose! {
    fn any_header()(
        deps in prop::collection::vec(any_head(), 0..8),
        (institution, site, incarnation, seq) in any::<([u8; 16], [u8; 8], u32, u64)>(),
        (hlc, wall_ms, uptime_ms, hub_offset_ms) in any::<(u64, i64, u64, Option<i64>)>(),
        (account, terminal, action) in any::<([u8; 16], [u8; 16], [u8; 16])>(),
        assurance in prop::collection::vec(any::<u8>(), 0..64),
        (part, parts, scope, key_id) in any::<(u16, u16, [u8; 16], u32)>(),
        (prev, payload_root, payload_len) in any::<([u8; 32], [u8; 32], u32)>(),
    ) -> Header {
        Header {
            institution: InstitutionId(institution),
            site: SiteId(site),
            prev: Hash(prev),
            account: AccountId(account),
            terminal: TerminalId(terminal),
            action: ActionId(action),
            scope: ScopeId(scope),
            payload_root: Hash(payload_root),
            incarnation, seq, deps, hlc, wall_ms, uptime_ms, hub_offset_ms, assurance, part,
            parts, key_id, payload_len,
            ..header()
        }
    }
}

proptest! {
    #[test]
    fn every_header_survives_its_bytes(header in any_header()) {
        let bundle = Bundle::sign(&header, Vec::new(), &key());
        prop_assert_eq!(bundle.decode_header(), Ok(header));
    }

    #[test]
    fn arbitrary_bytes_are_no_header_and_no_panic(bytes: Vec<u8>) {
        let _ = decode_header(&bytes);
        let _ = minicbor::decode::<Bundle>(&bytes);
    }

    #[test]
    fn damaged_headers_never_panic(
        header in any_header(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index,
    ) {
        let mut bytes = minicbor::to_vec(&header).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = decode_header(&bytes) {
            prop_assert_eq!(minicbor::to_vec(&read).unwrap(), bytes.clone());
        }
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(decode_header(&bytes).is_err());
    }
}
