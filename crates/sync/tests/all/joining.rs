use super::world::{NOW, founded, hub, rng};
use sync::enrol::{Invitation, InviteError, JoinError, Refusal, invite, join};
use sync::identity::Identity;

async fn attempt(url: &str, code: &str) -> Result<Identity, JoinError> {
    let dir = tempfile::tempdir().unwrap();
    let joined = join(url, code, dir.path(), NOW, &mut rng()).await;
    if joined.is_err() {
        assert!(
            Identity::load(dir.path()).is_err(),
            "a refused site has no identity"
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
    joined
}

#[tokio::test]
async fn a_campus_joins_with_a_code_and_holds_the_institution_journal() {
    let hub = hub().await;
    let code = hub.invite("东校区值班室", "E", 60_000).await;
    let dir = tempfile::tempdir().unwrap();
    let typed = code.to_lowercase().replace('-', " ");
    let joined = join(&hub.url(), &typed, dir.path(), NOW, &mut rng())
        .await
        .unwrap();
    assert_eq!(
        (joined.name.as_str(), joined.code.as_str()),
        ("东校区值班室", "E")
    );
    assert_eq!(joined.hub, hub.id());
    assert_eq!(joined.institution_name, "学院");
    let loaded = Identity::load(dir.path()).unwrap();
    assert_eq!(loaded.enrolment(), joined.enrolment());
    let store = store::Store::open(dir.path()).await.unwrap();
    assert_eq!(store.frontier(), hub.store.frontier());
    assert!(store.trust().enrolment(joined.site()).is_some());
}

#[tokio::test]
async fn a_used_join_code_is_refused() {
    let hub = hub().await;
    let code = hub.invite("东校区值班室", "E", 60_000).await;
    attempt(&hub.url(), &code).await.unwrap();
    let before = hub.store.frontier();
    let again = attempt(&hub.url(), &code).await;
    assert!(
        matches!(again, Err(JoinError::Refused(Refusal::Used))),
        "{again:?}"
    );
    assert_eq!(hub.store.frontier(), before);
}

#[tokio::test]
async fn an_expired_join_code_is_refused() {
    let hub = hub().await;
    let before = hub.store.frontier();
    let code = hub.invite("东校区值班室", "E", -1).await;
    let late = attempt(&hub.url(), &code).await;
    assert!(
        matches!(late, Err(JoinError::Refused(Refusal::Expired))),
        "{late:?}"
    );
    assert_eq!(hub.store.frontier(), before);
}

#[tokio::test]
async fn a_code_the_hub_never_made_is_refused() {
    let hub = hub().await;
    let dir = tempfile::tempdir().unwrap();
    let forgetful = store::Store::open(dir.path()).await.unwrap();
    let invitation = Invitation {
        site_name: "东校区值班室".to_owned(),
        site_code: "E".to_owned(),
        valid_ms: 60_000,
    };
    // The right authority, a secret kept elsewhere.
    let code = invite(&forgetful, &hub.identity, &invitation, NOW, &mut rng())
        .await
        .unwrap();
    let unknown = attempt(&hub.url(), &code).await;
    assert!(
        matches!(unknown, Err(JoinError::Refused(Refusal::Unknown))),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn a_hub_with_another_authority_is_not_told_the_secret() {
    let hub = hub().await;
    let (dir, other) = founded("别的学院").await;
    let other = super::world::start(dir, other, vec![]).await;
    let code = other.invite("东校区值班室", "E", 60_000).await;
    let wrong = attempt(&hub.url(), &code).await;
    assert!(matches!(wrong, Err(JoinError::WrongHub)), "{wrong:?}");
    attempt(&other.url(), &code).await.unwrap();
}

#[tokio::test]
async fn a_mistyped_code_or_address_is_said_before_anything_is_dialled() {
    let hub = hub().await;
    let code = hub.invite("东校区值班室", "E", 60_000).await;
    let mistyped = attempt(&hub.url(), &code[1..]).await;
    assert!(matches!(mistyped, Err(JoinError::Mistyped)), "{mistyped:?}");
    for address in ["hub:1", "https://hub:1", "quic://nohost"] {
        let wrong = attempt(address, &code).await;
        assert!(matches!(wrong, Err(JoinError::Address)), "{wrong:?}");
    }
    assert_eq!(hub.links.counters().refused_joins, 0);
}

#[tokio::test]
async fn guessing_is_throttled() {
    let hub = hub().await;
    let expired = hub.invite("东校区值班室", "E", -1).await;
    let good = hub.invite("西校区值班室", "W", 60_000).await;
    for _ in 0..10 {
        let refused = attempt(&hub.url(), &expired).await;
        assert!(
            matches!(refused, Err(JoinError::Refused(Refusal::Expired))),
            "{refused:?}"
        );
    }
    let refused = attempt(&hub.url(), &good).await;
    assert!(
        matches!(refused, Err(JoinError::Refused(Refusal::Throttled))),
        "{refused:?}"
    );
    assert_eq!(hub.links.counters().refused_joins, 11);
}

#[tokio::test]
async fn a_code_in_use_and_a_campus_that_invites_are_refused() {
    let hub = hub().await;
    let (_dir, east) = hub.joined("东校区值班室", "E").await;
    let invitation = Invitation {
        site_name: "另一个".to_owned(),
        site_code: "E".to_owned(),
        valid_ms: 1,
    };
    let taken = invite(&hub.store, &hub.identity, &invitation, NOW, &mut rng()).await;
    assert!(matches!(taken, Err(InviteError::CodeTaken)), "{taken:?}");
    let campus = invite(&hub.store, &east, &invitation, NOW, &mut rng()).await;
    assert!(matches!(campus, Err(InviteError::NotHub)), "{campus:?}");
}
