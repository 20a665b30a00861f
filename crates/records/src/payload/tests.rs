use super::*;
use proptest::prelude::*;

fn op() -> impl Strategy<Value = InstitutionOp> {
    let journal = (any::<[u8; 8]>(), any::<u32>());
    let journal = journal.prop_map(|(site, incarnation)| JournalId {
        site: SiteId(site),
        incarnation,
    });
    prop_oneof![
        (any::<String>(), any::<[u8; 32]>())
            .prop_map(|(name, root_key)| InstitutionOp::Found { name, root_key }),
        (
            journal.clone(),
            any::<String>(),
            any::<String>(),
            any::<bool>(),
            any::<[u8; 32]>()
        )
            .prop_map(
                |(journal, name, code, hub, key)| InstitutionOp::Enrol(Enrolment {
                    journal,
                    name,
                    code,
                    role: if hub { SiteRole::Hub } else { SiteRole::Campus },
                    sign_key: key,
                    seal_key: key,
                })
            ),
        (journal, any::<u64>(), any::<[u8; 32]>()).prop_map(|(journal, cut_seq, hash)| {
            InstitutionOp::Revoke {
                journal,
                cut_seq,
                cut_hash: Hash(hash),
            }
        }),
        any::<u32>().prop_map(InstitutionOp::ActivateRules),
        (
            any::<[u8; 16]>(),
            prop::collection::vec(any::<[u8; 8]>(), 0..4)
        )
            .prop_map(|(scope, sites)| InstitutionOp::DefineScope {
                scope: ScopeId(scope),
                sites: sites.into_iter().map(SiteId).collect(),
            }),
    ]
}

fn body() -> impl Strategy<Value = Body> {
    let changes = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..4);
    let record = (any::<[u8; 16]>(), any::<String>(), any::<u16>(), changes);
    prop_oneof![
        record.prop_map(|(record, kind, table_version, changes)| {
            Body::Record(RecordChanges {
                record: RecordId(record),
                kind,
                table_version,
                changes,
            })
        }),
        op().prop_map(Body::Institution),
        (2u32..).prop_map(Body::Unknown),
    ]
}

fn section() -> impl Strategy<Value = Section> {
    prop_oneof![
        (any::<[u8; 16]>(), body()).prop_map(|(salt, body)| Section::Present {
            salt,
            body: body.encode(),
        }),
        any::<[u8; 32]>().prop_map(|hash| Section::Erased(Hash(hash))),
    ]
}

#[test]
fn an_erased_section_leaves_the_root_as_it_was() {
    let body = Body::Institution(InstitutionOp::ActivateRules(1)).encode();
    let whole = Section::Present {
        salt: [4; 16],
        body,
    };
    let erased = Section::Erased(whole.hash());
    assert_eq!(root(std::slice::from_ref(&whole)), root(&[erased]));
    let other = Section::Present {
        salt: [5; 16],
        body: Vec::new(),
    };
    assert_ne!(root(&[whole]), root(&[other]));
}

#[test]
fn more_sections_than_the_limit_are_no_payload() {
    let sections = vec![Section::Erased(Hash::default()); MAX_SECTIONS];
    assert_eq!(decode(&encode(&sections)), Ok(sections.clone()));
    let more = [sections, vec![Section::Erased(Hash::default())]].concat();
    assert_eq!(decode(&encode(&more)), Err(PayloadError));
}

#[test]
fn a_declared_count_of_changes_costs_nothing_by_itself() {
    // A record section that announces 2^40 changes and has none.
    let mut body = vec![0x85, 0x00, 0x50];
    body.extend([9; 16]);
    body.extend([0x61, b'x', 0x01, 0x9b]);
    body.extend((1u64 << 40).to_be_bytes());
    assert_eq!(Body::decode(&body), Err(PayloadError));
}

proptest! {
    #[test]
    fn every_payload_survives_its_bytes(sections in prop::collection::vec(section(), 0..6)) {
        let bytes = encode(&sections);
        prop_assert_eq!(decode(&bytes), Ok(sections));
    }

    #[test]
    fn every_body_survives_its_bytes(body in body()) {
        prop_assert_eq!(Body::decode(&body.encode()), Ok(body));
    }

    #[test]
    fn arbitrary_bytes_are_no_payload_and_no_panic(bytes: Vec<u8>) {
        let _ = decode(&bytes);
        let _ = Body::decode(&bytes);
    }

    #[test]
    fn damaged_bodies_never_panic(
        body in body(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index,
    ) {
        let mut bytes = body.encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = Body::decode(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        let _ = Body::decode(&bytes);
    }
}
