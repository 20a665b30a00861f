//! The fast lane: what another site shows is read, marked, until it is proved here.

use super::support::{EAST, HUB, MORNING, Site, decree, record};
use records::id::Hash;
use records::payload::InstitutionOp;
use store::{Filter, Page, Verified};

/// Each record's number and whether it is marked, in list order.
fn shown(page: &Page) -> Vec<(u8, bool)> {
    let rows = page.rows.iter();
    rows.map(|row| (row.id.0[15], row.provisional)).collect()
}

async fn list(site: &Site, query: &str) -> Page {
    let filter = Filter {
        query: Some(query.to_owned()),
        ..Filter::default()
    };
    site.store.list_shown(&filter).await.unwrap()
}

/// A site with three records, and one that knows them by its word alone.
async fn told() -> (Site, Site) {
    let (hub, east) = (Site::open(HUB).await, Site::open(EAST).await);
    hub.log(1, "三号楼电梯困人").await;
    hub.log(2, "接市教委电话").await;
    hub.log(3, "二号楼停电").await;
    let (until, rows) = (hub.store.frontier(), hub.rows().await);
    let told = east.store.take_provisional(HUB.site(), until, rows);
    told.await.unwrap();
    (hub, east)
}

#[tokio::test]
async fn what_another_site_shows_is_read_marked_until_the_replay_has_passed_it() {
    let (hub, east) = told().await;
    let founded = east.bundles().await.len() as u64;
    assert_eq!(
        shown(&list(&east, "").await),
        [(3, true), (2, true), (1, true)]
    );
    let verified = |to| {
        Some(Verified {
            to,
            of: founded + 3,
        })
    };
    assert_eq!(east.store.verified(), verified(founded));
    assert_eq!(east.rows().await, [], "nothing is proved");
    let bundles = hub.own().await;
    east.store
        .admit(bundles[..1].to_vec(), MORNING)
        .await
        .unwrap();
    assert_eq!(
        shown(&list(&east, "").await),
        [(3, true), (2, true), (1, false)]
    );
    assert_eq!(east.store.verified(), verified(founded + 1));
    hub.send_to(&east).await;
    assert_eq!(east.store.verified(), None);
    let page = list(&east, "").await;
    assert_eq!(shown(&page), [(3, false), (2, false), (1, false)]);
    assert_eq!(page.rows, east.rows().await);
}

#[tokio::test]
async fn marked_rows_are_searched_filtered_and_paged_like_the_others() {
    let (hub, east) = told().await;
    let second = hub.own().await[0].clone();
    east.store.admit(vec![second], MORNING).await.unwrap();
    assert_eq!(shown(&list(&east, "电梯").await), [(1, false)]);
    assert_eq!(shown(&list(&east, "停电 二号").await), [(3, true)]);
    let mut filter = Filter {
        limit: 1,
        ..Filter::default()
    };
    let mut read = Vec::new();
    loop {
        let page = east.store.list_shown(&filter).await.unwrap();
        read.extend(shown(&page));
        filter.after = page.next;
        if filter.after.is_none() {
            break;
        }
    }
    assert_eq!(read, [(3, true), (2, true), (1, false)]);
    filter.site = Some(EAST.site());
    assert_eq!(east.store.list_shown(&filter).await.unwrap().rows, []);
}

#[tokio::test]
async fn marked_rows_outlive_a_restart_and_go_when_their_site_holds_nothing_more() {
    let (_hub, east) = told().await;
    let before = (list(&east, "").await, east.store.verified());
    let east = east.reopen(super::support::quick()).await;
    assert_eq!((list(&east, "").await, east.store.verified()), before);
    east.store.end_provisional(EAST.site()).await.unwrap();
    assert!(
        east.store.verified().is_some(),
        "only the site that was asked ends it"
    );
    east.store.end_provisional(HUB.site()).await.unwrap();
    assert_eq!(east.store.verified(), None);
    assert_eq!(list(&east, "").await.rows, []);
}

#[tokio::test]
async fn a_row_of_an_erased_record_goes_and_does_not_come_back() {
    let (hub, east) = told().await;
    let rows = hub.rows().await;
    let erase = InstitutionOp::Erase {
        record: record(HUB, 2),
        sections: vec![Hash([9; 32])],
        number: String::new(),
        reason: "到期".to_owned(),
    };
    decree(&east.store, erase).await;
    assert_eq!(shown(&list(&east, "").await), [(3, true), (1, true)]);
    let again = east
        .store
        .take_provisional(HUB.site(), hub.store.frontier(), rows);
    again.await.unwrap();
    assert_eq!(shown(&list(&east, "").await), [(3, true), (1, true)]);
}
