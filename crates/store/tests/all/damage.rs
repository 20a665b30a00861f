//! One damaged row keeps nobody from opening, replaying, erasing or syncing; another site mends it.

use super::closure::{exchange, fork_that_west_hears_of};
use super::order::derived;
use super::support::{
    EAST, HUB, MORNING, Site, amendment, decree, institution, quick, raw, record, root,
};
use records::id::{JournalId, SiteId};
use records::payload::InstitutionOp;
use sqlx::Executor as _;
use std::path::Path;
use store::{Moment, StoreError};

async fn harm(dir: &Path, set: &str, site: SiteId, seq: i64) {
    let update = format!("update bundle set {set} where site = $1 and seq = $2");
    let done = sqlx::query(sqlx::AssertSqlSafe(update))
        .bind(site.0.to_vec())
        .bind(seq)
        .execute(&mut raw(dir).await)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
}

#[tokio::test]
async fn a_damaged_piece_of_a_branch_is_dropped_by_the_check_and_fetched_again() {
    let (fork, west) = fork_that_west_hears_of().await;
    exchange(&fork.hub.store, &west.store).await;
    let ends = west.store.branches();
    assert_eq!(ends.len(), 2);
    for harm in [
        "update branch set payload = x'00' where seq = 3",
        "update branch set hash = x'00' where seq = 4",
    ] {
        raw(west.path()).await.execute(harm).await.unwrap();
        let checked = west.store.check(MORNING, |_| ()).await.unwrap();
        assert_eq!((checked.dropped, checked.holes), (1, 0), "{harm}");
        assert_ne!(west.store.branches(), ends, "{harm}");
        exchange(&fork.hub.store, &west.store).await;
        assert_eq!(west.store.branches(), ends, "{harm}");
        let checked = west.store.check(MORNING, |_| ()).await.unwrap();
        assert_eq!(checked.dropped, 0, "{harm}");
    }
}

/// A hub that holds three items of East, the second amended by itself, and East with the same.
async fn two_sites() -> (Site, Site) {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    for number in 1..=3 {
        east.log(number, "巡查正常").await;
    }
    east.send_to(&hub).await;
    hub.act(1, vec![amendment(record(EAST, 2), 1, "更正")])
        .await;
    hub.send_to(&east).await;
    (east, hub)
}

async fn harmed(site: Site, set: &str, of: SiteId, seq: i64) -> Site {
    let Site { store, dir, campus } = site;
    drop(store);
    harm(dir.path(), set, of, seq).await;
    let store = store::Store::open_with(dir.path(), quick()).await.unwrap();
    Site { store, dir, campus }.reopen(quick()).await
}

#[tokio::test]
async fn a_replay_passes_over_a_damaged_bundle_and_notes_it() {
    for set in [
        "payload = substr(payload, 1, length(payload) - 1) || x'5a'",
        "header = x'00'",
        "hash = x'00'",
        "past = x'00'",
    ] {
        let (east, hub) = two_sites().await;
        harm(hub.path(), set, EAST.site(), 1).await;
        hub.store.rebuild().await.unwrap();
        assert_eq!(hub.store.holes_known(), 1, "{set}");
        assert_eq!(hub.rows().await.len(), 2, "{set}");
        east.send_to(&hub).await;
        assert_eq!(hub.store.holes_known(), 0, "{set}");
        assert_eq!(derived(&hub.store).await, derived(&east.store).await);
    }
}

#[tokio::test]
async fn what_is_left_of_a_record_is_found_beside_a_damaged_bundle() {
    let (_, hub) = two_sites().await;
    harm(hub.path(), "payload = x'ff'", EAST.site(), 1).await;
    let remains = hub.store.remains(record(EAST, 2)).await.unwrap();
    assert_eq!(remains.sections.len(), 2);
    assert_eq!(hub.store.holes_known(), 1);
}

#[tokio::test]
async fn a_site_opens_with_a_damaged_decision_and_gets_it_back_from_another() {
    for (set, seq) in [
        ("payload = x'00'", 1),
        ("header = x'00'", 3),
        ("hash = x'00'", 3),
        (
            "payload = substr(payload, 1, length(payload) - 1) || x'5a'",
            4,
        ),
        ("header = x'00'", 5),
    ] {
        let (east, hub) = two_sites().await;
        let hub = harmed(hub, set, SiteId::INSTITUTION, seq).await;
        assert_eq!(hub.store.holes_known(), 1, "{set}");
        assert!(
            hub.store.trust().seq() < u64::try_from(seq).unwrap(),
            "{set}"
        );
        let op = InstitutionOp::ActivateRules(2);
        let refused = hub
            .store
            .commit_institution(op, &root(), institution(), MORNING)
            .await;
        assert!(matches!(refused, Err(StoreError::InstitutionDamaged)));
        let refused = hub.store.rebuild().await;
        assert!(matches!(refused, Err(StoreError::InstitutionDamaged)));
        assert_eq!(hub.rows().await.len(), 3, "nothing is forgotten meanwhile");
        east.send_to(&hub).await;
        assert_eq!(hub.store.holes_known(), 0, "{set}");
        assert_eq!(derived(&hub.store).await, derived(&east.store).await);
        hub.store.rebuild().await.unwrap();
        assert_eq!(derived(&hub.store).await, derived(&east.store).await);
        let op = InstitutionOp::Revoke {
            journal: super::support::WEST.journal(),
            cut_seq: 0,
            cut_hash: records::id::Hash::default(),
        };
        decree(&hub.store, op).await;
    }
}

#[tokio::test]
async fn a_site_opens_with_a_damaged_newest_bundle_and_goes_on() {
    for set in [
        "header = x'00'",
        "hash = x'00'",
        "hash = substr(hash, 1, 31) || x'5a'",
        "past = x'00'",
        "signature = x'00'",
    ] {
        let (east, hub) = two_sites().await;
        let hub = harmed(hub, set, EAST.site(), 3).await;
        hub.store.check(MORNING, |_| ()).await.unwrap();
        assert_eq!(hub.store.holes_known(), 1, "{set}");
        east.log(4, "照常").await;
        east.send_to(&hub).await;
        assert_eq!(hub.store.holes_known(), 0, "{set}");
        assert_eq!(
            derived(&hub.store).await,
            derived(&east.store).await,
            "{set}"
        );
        assert_eq!(hub.store.branches(), []);
    }
}

#[tokio::test]
async fn a_site_that_lost_its_own_newest_bundle_does_not_sign_another_in_its_place() {
    let (east, hub) = two_sites().await;
    let east = harmed(east, "header = x'00', hash = x'00'", EAST.site(), 3).await;
    let now = Moment {
        wall_ms: MORNING,
        uptime_ms: 1,
    };
    let opened = east.store.leave_if_due(now).await.unwrap();
    assert_eq!(opened.map(|head| head.journal.incarnation), Some(2));
    east.log(4, "照常").await;
    hub.send_to(&east).await;
    east.send_to(&hub).await;
    assert_eq!(east.store.frontier().len(), hub.store.frontier().len());
    for own in [EAST.journal(), JournalId::INSTITUTION] {
        let journals = [&east, &hub].map(|site| {
            let frontier = site.store.frontier();
            frontier.into_iter().find(|head| head.journal == own)
        });
        assert_eq!(journals[0], journals[1]);
    }
    assert_eq!(hub.store.branches(), []);
}
