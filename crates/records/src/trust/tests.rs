use super::*;
use crate::bundle::tests::header;
use crate::payload::SiteRole;
use ed25519_dalek::SigningKey;

const EAST: SiteId = SiteId([1; 8]);
const WEST: SiteId = SiteId([2; 8]);

fn key(seed: u8) -> [u8; 32] {
    SigningKey::from_bytes(&[seed; 32])
        .verifying_key()
        .to_bytes()
}

fn founding() -> InstitutionOp {
    InstitutionOp::Found {
        name: "河南某学院".to_owned(),
        root_key: key(9),
    }
}

fn enrolment(site: SiteId, incarnation: u32, code: &str, seed: u8) -> Enrolment {
    Enrolment {
        journal: JournalId { site, incarnation },
        name: "东校区值班室".to_owned(),
        code: code.to_owned(),
        role: SiteRole::Campus,
        sign_key: key(seed),
        seal_key: [0; 32],
    }
}

fn enrol(site: SiteId, incarnation: u32, code: &str, seed: u8) -> InstitutionOp {
    InstitutionOp::Enrol(enrolment(site, incarnation, code, seed))
}

fn journal(site: SiteId) -> JournalId {
    JournalId {
        site,
        incarnation: 1,
    }
}

fn unfounded() -> Trust {
    Trust::new(InstitutionId::of_root_key(&key(9)))
}

/// Applies `op` as the next bundle.
fn next(trust: &mut Trust, op: &InstitutionOp) -> Result<(), TrustError> {
    let header = Header {
        institution: trust.institution(),
        seq: trust.seq() + 1,
        ..header()
    };
    trust.apply(&header, op)
}

fn trust(ops: &[InstitutionOp]) -> Trust {
    let mut trust = unfounded();
    next(&mut trust, &founding()).unwrap();
    ops.iter().for_each(|op| next(&mut trust, op).unwrap());
    trust
}

#[test]
fn an_institution_is_founded_first_and_once() {
    let mut trust = unfounded();
    assert_eq!(trust.root_key(), None);
    assert_eq!(
        next(&mut trust, &enrol(EAST, 1, "E", 1)),
        Err(TrustError::Founding)
    );
    next(&mut trust, &founding()).unwrap();
    assert_eq!(trust.name(), Some("河南某学院"));
    assert_eq!(trust.root_key().unwrap().to_bytes(), key(9));
    assert_eq!(next(&mut trust, &founding()), Err(TrustError::Founding));
}

#[test]
fn a_root_key_that_does_not_hash_to_the_institution_is_refused() {
    let mut trust = unfounded();
    let other = InstitutionOp::Found {
        name: "冒名".to_owned(),
        root_key: key(8),
    };
    assert_eq!(next(&mut trust, &other), Err(TrustError::RootKey));
    assert_eq!(trust.seq(), 0);
}

#[test]
fn a_weak_root_or_sign_key_is_refused() {
    let mut weak = [0; 32];
    weak[0] = 1;
    let mut trust = Trust::new(InstitutionId::of_root_key(&weak));
    let op = InstitutionOp::Found {
        name: "弱".to_owned(),
        root_key: weak,
    };
    assert_eq!(next(&mut trust, &op), Err(TrustError::RootKey));
    let mut trust = self::trust(&[]);
    let op = InstitutionOp::Enrol(Enrolment {
        sign_key: weak,
        ..enrolment(EAST, 1, "E", 1)
    });
    assert_eq!(next(&mut trust, &op), Err(TrustError::SignKey));
}

#[test]
fn bundles_of_other_journals_or_out_of_order_are_refused() {
    let mut trust = trust(&[]);
    let right = Header {
        institution: trust.institution(),
        seq: 2,
        ..header()
    };
    let op = enrol(EAST, 1, "E", 1);
    for (header, error) in [
        (
            Header {
                institution: InstitutionId([1; 16]),
                ..right.clone()
            },
            TrustError::OtherJournal,
        ),
        (
            Header {
                site: EAST,
                ..right.clone()
            },
            TrustError::OtherJournal,
        ),
        (
            Header {
                seq: 3,
                ..right.clone()
            },
            TrustError::OutOfOrder,
        ),
        (
            Header {
                seq: 0,
                ..right.clone()
            },
            TrustError::OutOfOrder,
        ),
    ] {
        assert_eq!(trust.apply(&header, &op), Err(error));
    }
    trust.apply(&right, &op).unwrap();
    // A second operation of the same bundle.
    trust.apply(&right, &enrol(WEST, 1, "W", 2)).unwrap();
    assert_eq!(trust.seq(), 2);
}

#[test]
fn an_enrolled_site_signs_its_journal() {
    let trust = trust(&[enrol(EAST, 1, "E", 1)]);
    assert_eq!(trust.sign_key(journal(EAST)).unwrap().to_bytes(), key(1));
    assert_eq!(trust.sign_key(journal(WEST)), None);
    assert_eq!(trust.sign_key(JournalId::INSTITUTION), trust.root_key());
    let hash = Hash([5; 32]);
    assert_eq!(trust.standing(journal(EAST), 7, hash), Standing::Valid);
    assert_eq!(trust.standing(journal(WEST), 7, hash), Standing::Unknown);
}

#[test]
fn a_restored_site_enrols_a_newer_incarnation_only() {
    let mut trust = trust(&[enrol(EAST, 1, "E", 1)]);
    for incarnation in [0, 1, 2, 100, MAX_INCARNATION + 1] {
        let again = enrol(EAST, incarnation, "E", 3);
        assert_eq!(next(&mut trust, &again), Err(TrustError::Incarnation));
    }
    next(&mut trust, &enrol(EAST, 101, "E", 3)).unwrap();
    assert_eq!(trust.enrolment(EAST).unwrap().journal.incarnation, 101);
    assert_eq!(trust.enrolments().count(), 2);
    assert_eq!(trust.sign_key(journal(EAST)).unwrap().to_bytes(), key(1));
    let institution = enrol(SiteId::INSTITUTION, 1, "I", 4);
    assert_eq!(next(&mut trust, &institution), Err(TrustError::Incarnation));
}

#[test]
fn codes_and_keys_belong_to_one_site() {
    let mut trust = trust(&[enrol(EAST, 1, "E", 1)]);
    assert_eq!(
        next(&mut trust, &enrol(WEST, 1, "E", 2)),
        Err(TrustError::CodeTaken)
    );
    assert_eq!(
        next(&mut trust, &enrol(WEST, 1, "W", 1)),
        Err(TrustError::SignKey)
    );
    assert_eq!(
        next(&mut trust, &enrol(WEST, 1, "W", 9)),
        Err(TrustError::SignKey)
    );
}

#[test]
fn names_and_codes_are_bounded() {
    let mut trust = trust(&[]);
    for code in ["", "校", "E-1", "ABCDEFGHI"] {
        assert_eq!(
            next(&mut trust, &enrol(EAST, 1, code, 1)),
            Err(TrustError::Name)
        );
    }
    for name in ["", "  ", "东\n校区", &"东".repeat(101)] {
        let op = InstitutionOp::Enrol(Enrolment {
            name: name.to_owned(),
            ..enrolment(EAST, 1, "E", 1)
        });
        assert_eq!(next(&mut trust, &op), Err(TrustError::Name));
    }
}

#[test]
fn a_revocation_leaves_what_came_before_its_cut() {
    let (cut, other) = (Hash([5; 32]), Hash([6; 32]));
    let revoke = InstitutionOp::Revoke {
        journal: journal(EAST),
        cut_seq: 7,
        cut_hash: cut,
    };
    let mut trust = trust(&[enrol(EAST, 1, "E", 1), revoke.clone()]);
    assert_eq!(trust.standing(journal(EAST), 6, other), Standing::Valid);
    assert_eq!(trust.standing(journal(EAST), 7, cut), Standing::Valid);
    assert_eq!(trust.standing(journal(EAST), 7, other), Standing::BeyondCut);
    assert_eq!(trust.standing(journal(EAST), 8, other), Standing::BeyondCut);
    assert!(trust.sign_key(journal(EAST)).is_some());
    assert_eq!(next(&mut trust, &revoke), Err(TrustError::AlreadyRevoked));
    // A new incarnation of the same site starts clean.
    assert!(trust.is_revoked(EAST));
    next(&mut trust, &enrol(EAST, 101, "E", 3)).unwrap();
    assert_eq!(trust.standing(later(101), 8, other), Standing::Valid);
    assert!(!trust.is_revoked(EAST));
}

fn later(incarnation: u32) -> JournalId {
    JournalId {
        site: EAST,
        incarnation,
    }
}

#[test]
fn a_site_opens_later_incarnations_with_its_enrolled_key_but_not_without_end() {
    let trust = trust(&[enrol(EAST, 1, "E", 1), enrol(EAST, 101, "E", 3)]);
    let signer = |incarnation| {
        let key = trust.sign_key(later(incarnation));
        key.map(|key| key.to_bytes())
    };
    assert_eq!(signer(0), None);
    assert_eq!(signer(2), Some(key(1)));
    assert_eq!(signer(1 + MAX_OPENED), Some(key(1)));
    assert_eq!(signer(101), Some(key(3)));
    assert_eq!(signer(101 + MAX_OPENED), Some(key(3)));
    assert_eq!(signer(102 + MAX_OPENED), None);
    let unknown = trust.standing(later(102 + MAX_OPENED), 1, Hash([5; 32]));
    assert_eq!(unknown, Standing::Unknown);
}

#[test]
fn a_revoked_key_opens_no_later_incarnation() {
    let revoke = |incarnation, cut_seq| InstitutionOp::Revoke {
        journal: later(incarnation),
        cut_seq,
        cut_hash: Hash([5; 32]),
    };
    let mut trust = trust(&[enrol(EAST, 1, "E", 1), revoke(3, 4)]);
    let standing =
        |trust: &Trust, incarnation, seq| trust.standing(later(incarnation), seq, Hash([6; 32]));
    assert_eq!(standing(&trust, 2, 9), Standing::Valid);
    assert_eq!(standing(&trust, 3, 3), Standing::Valid);
    assert_eq!(standing(&trust, 3, 5), Standing::BeyondCut);
    assert_eq!(standing(&trust, 4, 1), Standing::BeyondCut);
    assert!(trust.is_revoked(EAST));
    assert_eq!(
        next(&mut trust, &revoke(4, 9)),
        Err(TrustError::AlreadyRevoked)
    );
    // The thief of a key cannot continue an older journal either, once that is decided; what
    // the later one was granted stays.
    next(&mut trust, &revoke(1, 7)).unwrap();
    assert_eq!(standing(&trust, 1, 8), Standing::BeyondCut);
    assert_eq!(standing(&trust, 2, 1), Standing::BeyondCut);
    assert_eq!(standing(&trust, 3, 3), Standing::Valid);
}

#[test]
fn a_closure_names_heads_of_its_journal_and_a_later_one_only_adds() {
    let head = |incarnation, seq: u8| Head {
        journal: later(incarnation),
        seq: seq.into(),
        hash: Hash([seq; 32]),
    };
    let close = |heads: &[Head]| InstitutionOp::Close {
        journal: later(2),
        heads: heads.to_vec(),
    };
    let mut trust = trust(&[enrol(EAST, 1, "E", 1)]);
    for heads in [
        &[][..],
        &[head(1, 4)],
        &[head(2, 0)],
        &[head(2, 4), head(2, 4)],
    ] {
        assert_eq!(next(&mut trust, &close(heads)), Err(TrustError::Closure));
    }
    let foreign = InstitutionOp::Close {
        journal: journal(WEST),
        heads: vec![head(2, 4)],
    };
    assert_eq!(next(&mut trust, &foreign), Err(TrustError::NotEnrolled));
    next(&mut trust, &close(&[head(2, 4), head(2, 3)])).unwrap();
    for fewer in [&[head(2, 4)][..], &[head(2, 3), head(2, 4)]] {
        assert_eq!(next(&mut trust, &close(fewer)), Err(TrustError::Closure));
    }
    let more = [head(2, 4), head(2, 3), head(2, 5)];
    next(&mut trust, &close(&more)).unwrap();
    assert_eq!(trust.closed(later(2)), Some(&more[..]));
    assert_eq!(trust.closed(later(1)), None);
}

#[test]
fn a_revocation_names_an_enrolled_journal_and_a_bundle_that_can_be() {
    let mut trust = trust(&[enrol(EAST, 1, "E", 1)]);
    for (site, cut_seq, cut_hash, error) in [
        (WEST, 0, Hash::default(), TrustError::NotEnrolled),
        (EAST, 0, Hash([1; 32]), TrustError::Cut),
        (EAST, 3, Hash::default(), TrustError::Cut),
    ] {
        let op = InstitutionOp::Revoke {
            journal: journal(site),
            cut_seq,
            cut_hash,
        };
        assert_eq!(next(&mut trust, &op), Err(error));
    }
}

#[test]
fn rules_hold_from_the_bundle_that_activates_them() {
    let rules = InstitutionOp::ActivateRules;
    let mut trust = trust(&[rules(1), enrol(EAST, 1, "E", 1), rules(3)]);
    let at: Vec<u32> = (0..6).map(|seq| trust.rules_at(seq)).collect();
    assert_eq!(at, [0, 0, 1, 1, 3, 3]);
    assert_eq!(next(&mut trust, &rules(3)), Err(TrustError::Rules));
    assert_eq!(next(&mut trust, &rules(2)), Err(TrustError::Rules));
}

#[test]
fn a_scope_is_defined_once_for_sites_there_are() {
    let define = |scope: u8, sites: &[SiteId]| InstitutionOp::DefineScope {
        scope: ScopeId([scope; 16]),
        sites: sites.to_vec(),
    };
    let mut trust = trust(&[enrol(EAST, 1, "E", 1), define(1, &[EAST])]);
    assert_eq!(trust.scope(ScopeId([1; 16])), Some(&[EAST][..]));
    for op in [
        define(1, &[EAST]),
        define(0, &[EAST]),
        define(2, &[]),
        define(2, &[WEST]),
    ] {
        assert_eq!(next(&mut trust, &op), Err(TrustError::Scope));
    }
}

fn erase(record: u8, sections: &[u8], reason: &str) -> InstitutionOp {
    InstitutionOp::Erase {
        record: RecordId([record; 16]),
        sections: sections.iter().map(|hash| Hash([*hash; 32])).collect(),
        number: "E2026-000001".to_owned(),
        reason: reason.to_owned(),
    }
}

#[test]
fn an_erasure_names_its_record_and_a_later_one_may_name_more_sections() {
    let mut trust = trust(&[]);
    next(&mut trust, &erase(1, &[1, 2], "保存期满")).unwrap();
    let again = erase(1, &[1, 2], "再次");
    assert_eq!(next(&mut trust, &again), Err(TrustError::Erasure));
    next(&mut trust, &erase(1, &[2, 3], "断网期间写下")).unwrap();
    let erasure = trust.erasures().record(RecordId([1; 16])).unwrap();
    assert_eq!((erasure.seq, erasure.reason.as_str()), (2, "保存期满"));
    assert!(trust.erasures().record(RecordId([2; 16])).is_none());
}

#[test]
fn an_erasure_out_of_form_is_refused() {
    let mut trust = trust(&[]);
    let long = "长".repeat(erasure::MAX_REASON_LEN + 1);
    for bad in [
        erase(1, &[], "无"),
        erase(1, &[2, 1], "乱序"),
        erase(1, &[1, 1], "重复"),
        erase(1, &[1], " "),
        erase(1, &[1], &long),
        erase(1, &[1], "行\n行"),
    ] {
        assert_eq!(next(&mut trust, &bad), Err(TrustError::Erasure), "{bad:?}");
    }
    assert!(trust.erasures().is_empty());
}
