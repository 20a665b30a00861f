//! A site whose journal was continued elsewhere writes on in a new one, by itself.

use super::support::{
    EAST, HUB, MORNING, Site, WEST, action, decree, journal, log_item, quick, record, shared_rows,
};
use records::id::JournalId;
use records::payload::InstitutionOp;
use records::trust::MAX_OPENED;
use std::collections::BTreeSet;
use std::convert::Infallible;
use store::{Admission, CommitError, Moment, StoreError};

const NOW: Moment = Moment {
    wall_ms: MORNING,
    uptime_ms: 1,
};

fn later(incarnation: u32) -> JournalId {
    JournalId {
        incarnation,
        ..EAST.journal()
    }
}

#[tokio::test]
async fn a_site_that_gets_its_own_bundles_back_writes_on_in_a_new_incarnation() {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    east.log(1, "一").await;
    east.log(2, "二").await;
    east.send_to(&hub).await;
    // The same identity on an empty disk.
    let restored = Site::open(EAST).await;
    hub.send_to(&restored).await;
    assert_eq!(restored.store.own_journal(), Some(later(2)));
    restored.log(3, "三").await;
    let row = restored.store.row(record(EAST, 3)).await.unwrap().unwrap();
    assert_eq!(row.number, "E2026b-000001");
    restored.send_to(&hub).await;
    assert_eq!(hub.store.frontier(), restored.store.frontier());
    assert_eq!(
        shared_rows(&hub.store).await,
        shared_rows(&restored.store).await
    );
    assert!(hub.store.quarantine().await.unwrap().is_empty());
    let heads = hub.store.frontier();
    assert!(heads.iter().any(|head| head.journal == EAST.journal()));
    // It stays so over a restart with the identity as it was enrolled.
    let restored = restored.reopen(quick()).await;
    assert_eq!(restored.store.own_journal(), Some(later(2)));
    restored.log(4, "四").await;
    let row = restored.store.row(record(EAST, 4)).await.unwrap().unwrap();
    assert_eq!(row.number, "E2026b-000002");
}

#[tokio::test]
async fn a_new_incarnation_begins_with_a_witness_of_all_that_is_held() {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    hub.log(1, "总值班室").await;
    east.log(1, "一").await;
    hub.send_to(&east).await;
    let before = east.store.frontier();
    let left = east.store.leave_journal(EAST.journal(), NOW).await.unwrap();
    assert_eq!(
        left.map(|head| (head.journal, head.seq)),
        Some((later(2), 1))
    );
    // Told again by a second peer, nothing more is to be done.
    let again = east.store.leave_journal(EAST.journal(), NOW).await.unwrap();
    assert_eq!(again, None);
    let opening = &journal(&east.store, later(2)).await[0];
    let header = opening.decode_header().unwrap();
    assert_eq!(header.deps, before);
    assert!(super::support::sections(opening).is_empty());
    east.send_to(&hub).await;
    assert_eq!(hub.store.frontier(), east.store.frontier());
}

#[tokio::test]
async fn an_incarnation_is_above_everything_known_of_the_site() {
    let east = Site::open(EAST).await;
    let told = east.store.leave_journal(later(7), NOW).await.unwrap();
    assert_eq!(told.map(|head| head.journal), Some(later(8)));
    let older = east.store.leave_journal(later(7), NOW).await.unwrap();
    assert_eq!(older, None);
}

#[tokio::test]
async fn who_used_up_its_incarnations_is_told_so_and_sync_goes_on() {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    let last = later(1 + MAX_OPENED);
    let refused = east.store.leave_journal(last, NOW).await;
    assert!(matches!(refused, Err(StoreError::Restored)));
    let edit = log_item(record(EAST, 1), "一");
    let refused = east
        .store
        .commit(action(EAST, 1), move |_| Ok::<_, Infallible>(vec![edit]))
        .await;
    assert!(matches!(
        refused,
        Err(CommitError::Store(StoreError::Restored))
    ));
    hub.log(1, "总值班室").await;
    let answers = east.store.admit(hub.own().await, MORNING).await.unwrap();
    assert!(matches!(answers[..], [Admission::Admitted { .. }]));
}

#[tokio::test]
async fn a_revoked_site_cannot_go_on_in_a_new_incarnation() {
    let (west, hub) = (Site::open(WEST).await, Site::open(HUB).await);
    west.log(1, "一").await;
    west.send_to(&hub).await;
    let own = west.own().await;
    let op = InstitutionOp::Revoke {
        journal: WEST.journal(),
        cut_seq: 1,
        cut_hash: own[0].hash(),
    };
    decree(&hub.store, op).await;
    west.store
        .leave_journal(WEST.journal(), NOW)
        .await
        .unwrap()
        .unwrap();
    west.log(2, "二").await;
    west.send_to(&hub).await;
    assert_eq!(hub.rows().await.len(), 1);
    let codes: Vec<_> = hub.store.quarantine().await.unwrap();
    assert!(codes.len() == 2 && codes.iter().all(|held| held.code == "beyond_cut"));
}

/// What two copies of a site hold crosses at the same moment, so neither hears of what the other
/// does about it.
async fn cross(one: &Site, other: &Site) {
    let (from_one, from_other) = (one.bundles().await, other.bundles().await);
    one.store.admit(from_other, MORNING).await.unwrap();
    other.store.admit(from_one, MORNING).await.unwrap();
}

#[tokio::test]
async fn two_copies_that_hear_of_each_other_at_once_do_not_drive_each_other_on() {
    // Which of the two wrote the lower hash is different from pair to pair.
    for pair in 0..4 {
        let (one, other) = (Site::open(EAST).await, Site::open(EAST).await);
        one.log(10 + pair, "甲").await;
        other.log(20 + pair, "乙").await;
        for _ in 0..5 {
            cross(&one, &other).await;
        }
        let own = [&one, &other].map(|site| site.store.own_journal().unwrap());
        assert_ne!(own[0], own[1]);
        assert!(own.iter().all(|own| own.incarnation <= 3), "{own:?}");
        // Each writes on for itself.
        one.log(30, "丙").await;
        other.log(31, "丁").await;
        cross(&one, &other).await;
        assert_eq!(
            own,
            [&one, &other].map(|site| site.store.own_journal().unwrap())
        );
    }
}

#[tokio::test]
async fn three_copies_come_to_rest_as_well() {
    let sites = [
        Site::open(EAST).await,
        Site::open(EAST).await,
        Site::open(EAST).await,
    ];
    for (number, site) in (1..).zip(&sites) {
        site.log(number, "各写各的").await;
    }
    for _ in 0..8 {
        let [one, two, three] = &sites;
        let all = [
            one.bundles().await,
            two.bundles().await,
            three.bundles().await,
        ];
        for site in &sites {
            site.store.admit(all.concat(), MORNING).await.unwrap();
        }
    }
    let own: BTreeSet<_> = sites.iter().map(|site| site.store.own_journal()).collect();
    assert_eq!(own.len(), 3, "each has a journal of its own: {own:?}");
    let before = own.clone();
    let [one, two, three] = &sites;
    cross(one, two).await;
    cross(two, three).await;
    let own: BTreeSet<_> = sites.iter().map(|site| site.store.own_journal()).collect();
    assert_eq!(own, before);
}
