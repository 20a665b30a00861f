//! Revocation: a cut, and what an unrevoked site has vouched for beyond it.

use super::support::{
    EAST, HUB, MORNING, Site, WEST, action, amendment, decree, journal, log_item, record,
    shared_rows,
};
use records::id::{EntryId, JournalId};
use records::payload::InstitutionOp;
use std::convert::Infallible;
use store::{Admission, CommitError, Moment, StoreError};

async fn revoke_west(hub: &Site, west: &Site, cut: u64) {
    let own = west.own().await;
    let op = InstitutionOp::Revoke {
        journal: WEST.journal(),
        cut_seq: cut,
        cut_hash: own[usize::try_from(cut - 1).unwrap()].hash(),
    };
    decree(&hub.store, op).await;
}

#[tokio::test]
async fn beyond_a_revocations_cut_nothing_counts_whichever_arrives_first() {
    let (west, hub, east) = (
        Site::open(WEST).await,
        Site::open(HUB).await,
        Site::open(EAST).await,
    );
    for number in 1..=3 {
        west.log(number, "来电").await;
    }
    // The hub has all three when it revokes; East hears of the revocation first.
    west.send_to(&hub).await;
    revoke_west(&hub, &west, 1).await;
    let decrees = journal(&hub.store, JournalId::INSTITUTION).await;
    east.store.admit(decrees, MORNING).await.unwrap();
    let answers = east.store.admit(west.own().await, MORNING).await.unwrap();
    assert!(matches!(answers[0], Admission::Admitted { .. }));
    assert!(matches!(
        answers[2],
        Admission::Held {
            code: "beyond_cut",
            ..
        }
    ));
    assert_eq!(hub.rows().await.len(), 1);
    assert_eq!(
        shared_rows(&hub.store).await,
        shared_rows(&east.store).await
    );
    assert_eq!(hub.store.frontier(), east.store.frontier());
    assert_eq!(hub.store.quarantine().await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_an_unrevoked_site_depends_on_counts_even_beyond_the_cut() {
    let (west, hub, east) = (
        Site::open(WEST).await,
        Site::open(HUB).await,
        Site::open(EAST).await,
    );
    for number in 1..=3 {
        west.log(number, "来电").await;
    }
    let own = west.own().await;
    east.store.admit(own[..2].to_vec(), MORNING).await.unwrap();
    east.log(1, "见到两条").await;
    west.send_to(&hub).await;
    revoke_west(&hub, &west, 1).await;
    assert_eq!(hub.rows().await.len(), 1);
    east.send_to(&hub).await;
    assert!(hub.store.row(record(WEST, 2)).await.unwrap().is_some());
    assert!(hub.store.row(record(WEST, 3)).await.unwrap().is_none());
    hub.send_to(&east).await;
    assert_eq!(
        shared_rows(&hub.store).await,
        shared_rows(&east.store).await
    );
    // Only what lies beyond the cut is disputed, at every site and after a rebuild.
    for site in [&hub, &east] {
        for _ in 0..2 {
            let shown = [record(WEST, 1), record(WEST, 2), record(EAST, 1)];
            let mut disputed = Vec::new();
            for id in shown {
                disputed.push(site.store.row(id).await.unwrap().unwrap().disputed);
            }
            assert_eq!(disputed, [false, true, false]);
            site.store.rebuild().await.unwrap();
        }
    }
}

#[tokio::test]
async fn of_a_record_that_several_wrote_only_what_lies_beyond_the_cut_is_disputed() {
    let (west, hub, east) = (
        Site::open(WEST).await,
        Site::open(HUB).await,
        Site::open(EAST).await,
    );
    east.log(1, "来电").await;
    east.send_to(&west).await;
    for number in 1..=2 {
        let words = amendment(record(EAST, 1), number, "更正");
        west.act(number, vec![words]).await;
    }
    west.send_to(&east).await;
    east.log(2, "见到两条更正").await;
    west.send_to(&hub).await;
    revoke_west(&hub, &west, 1).await;
    east.send_to(&hub).await;
    hub.send_to(&east).await;
    for site in [&hub, &east] {
        let shared = site.store.record(record(EAST, 1)).await.unwrap().unwrap();
        assert_eq!(shared.entries.len(), 2);
        let second = ("amendments".to_owned(), EntryId([2; 16]));
        assert_eq!(shared.disputed.entries, [second].into());
        assert!(!shared.disputed.created && shared.disputed.fields.is_empty());
    }
}

#[tokio::test]
async fn a_decision_the_journal_does_not_allow_is_not_signed() {
    let hub = Site::open(HUB).await;
    let before = hub.store.frontier();
    let again = hub
        .store
        .commit_institution(
            InstitutionOp::ActivateRules(1),
            &super::support::root(),
            super::support::institution(),
            MORNING,
        )
        .await;
    assert!(matches!(again, Err(StoreError::Institution(_))));
    let other = hub
        .store
        .commit_institution(
            InstitutionOp::ActivateRules(2),
            &EAST.key(),
            super::support::institution(),
            MORNING,
        )
        .await;
    assert!(matches!(other, Err(StoreError::OtherInstitution)));
    assert_eq!(hub.store.frontier(), before);
}

#[tokio::test]
async fn a_revoked_site_that_writes_is_told_so_and_sync_goes_on() {
    let (west, hub) = (Site::open(WEST).await, Site::open(HUB).await);
    west.log(1, "来电").await;
    west.send_to(&hub).await;
    revoke_west(&hub, &west, 1).await;
    hub.send_to(&west).await;
    let write = async |number| {
        let edit = log_item(record(WEST, number), "来电");
        let action = action(WEST, number);
        let edits = move |_: &_| Ok::<_, Infallible>(vec![edit]);
        west.store.commit(action, edits).await
    };
    let refused = write(2).await;
    assert!(matches!(
        refused,
        Err(CommitError::Store(StoreError::Revoked))
    ));
    // A new incarnation with the same key is no way out.
    let now = Moment {
        wall_ms: MORNING,
        uptime_ms: 1,
    };
    let left = west.store.leave_journal(WEST.journal(), now).await;
    assert!(matches!(left, Err(StoreError::Revoked)));
    let refused = write(3).await;
    assert!(matches!(
        refused,
        Err(CommitError::Store(StoreError::Revoked))
    ));
    hub.log(4, "总值班室").await;
    hub.send_to(&west).await;
    assert!(west.store.row(record(HUB, 4)).await.unwrap().is_some());
    assert_eq!(west.store.witness(action(WEST, 5)).await.unwrap(), None);
}
