use super::world::{NOW, founded};
use records::gate::RULES;
use records::payload::InstitutionOp;
use store::{Program, Store};
use sync::rules::{ActivateError, activate};

/// The hub's store of an institution that was founded under rule set 1 and has one campus.
async fn old_institution() -> (tempfile::TempDir, sync::identity::Identity, Store) {
    let (_new, identity) = founded("学院").await;
    let folder = tempfile::tempdir().unwrap();
    let old = Store::open(folder.path()).await.unwrap();
    let authority = identity.authority.as_ref().unwrap();
    let mut campus = identity.enrolment();
    campus.journal.site.0[0] ^= 1;
    campus.code = "E".to_owned();
    campus.sign_key = ed25519_dalek::SigningKey::from_bytes(&[7; 32])
        .verifying_key()
        .to_bytes();
    let ops = [
        InstitutionOp::Found {
            name: "学院".to_owned(),
            root_key: authority.root.verifying_key().to_bytes(),
        },
        InstitutionOp::Enrol(identity.enrolment()),
        InstitutionOp::Enrol(campus),
        InstitutionOp::ActivateRules(1),
    ];
    for op in ops {
        let done = old.commit_institution(op, &authority.root, identity.institution, NOW);
        done.await.unwrap();
    }
    (folder, identity, old)
}

#[tokio::test]
async fn a_rule_set_waits_until_every_sites_program_knows_it_or_the_administrator_insists() {
    let (_folder, identity, store) = old_institution().await;
    let trust = store.trust();
    let campus = trust.enrolments().find(|one| one.code == "E").unwrap();
    let attempt = async |despite| activate(&store, &identity, RULES, despite, NOW).await;
    for knows in [None, Some(1)] {
        if let Some(rules) = knows {
            let program = Program {
                rules,
                seen_ms: NOW,
                ..Program::default()
            };
            store
                .note_program(campus.journal.site, program)
                .await
                .unwrap();
        }
        let Err(ActivateError::Behind(behind)) = attempt(false).await else {
            panic!("the campus is behind");
        };
        assert_eq!((behind.len(), behind[0].knows), (1, knows));
    }
    let unknown = activate(&store, &identity, RULES + 1, true, NOW).await;
    assert!(matches!(unknown, Err(ActivateError::Unknown)));
    assert_eq!(store.trust().rules_at(u64::MAX), 1);
    attempt(true).await.unwrap();
    assert_eq!(store.trust().rules_at(u64::MAX), RULES);
    let again = attempt(true).await;
    assert!(matches!(again, Err(ActivateError::Active(RULES))));
}

#[tokio::test]
async fn a_new_institution_begins_with_the_newest_rule_set() {
    let (dir, _) = founded("学院").await;
    let store = Store::open(dir.path()).await.unwrap();
    assert_eq!(
        (store.trust().rules_at(u64::MAX), store.rules()),
        (RULES, RULES)
    );
}
