//! Lists, search, feed.

use super::support::{EAST, HUB, MORNING, Site, WEST, amendment, record, rows};
use std::collections::BTreeSet;
use store::{Filter, StoreError};

async fn found(site: &Site, query: &str) -> Vec<u8> {
    let filter = Filter {
        query: Some(query.to_owned()),
        ..Filter::default()
    };
    let page = site.store.list(&filter).await.unwrap();
    page.rows.iter().map(|row| row.id.0[15]).collect()
}

#[tokio::test]
async fn words_of_one_and_two_characters_are_found() {
    let east = Site::open(EAST).await;
    east.log(1, "三号楼发现火情，值班员已到场").await;
    east.log(2, "接市教委电话，通知汛期值班").await;
    east.log(3, "Fire drill 演练 at gate B2").await;
    assert_eq!(found(&east, "火").await, [1]);
    assert_eq!(found(&east, "火情").await, [1]);
    assert_eq!(found(&east, "值班").await, [2, 1]);
    assert_eq!(found(&east, "值班 汛期").await, [2]);
    assert_eq!(found(&east, "班值").await, []);
    assert_eq!(found(&east, "FIRE").await, [3]);
    assert_eq!(found(&east, "ｂ２").await, [3]);
    assert_eq!(found(&east, "dri").await, [3]);
    assert_eq!(found(&east, "E2026-000002").await, [2]);
    assert_eq!(found(&east, "  ").await, [3, 2, 1]);
}

#[tokio::test]
async fn search_syntax_finds_its_own_words_and_breaks_nothing() {
    let east = Site::open(EAST).await;
    east.log(1, "值班").await;
    for query in [
        "\"",
        "值班\" OR \"x",
        "值班*",
        "-值班",
        "NEAR(值 班)",
        "a:b",
        "(",
        "\u{0}",
        "'; --",
    ] {
        let found = found(&east, query).await;
        assert!(found.len() <= 1, "{query}");
    }
    assert_eq!(found(&east, "，。！").await, []);
}

#[tokio::test]
async fn an_amendment_is_found_too_and_the_old_words_stay() {
    let east = Site::open(EAST).await;
    east.log(1, "二号楼停电").await;
    east.act(2, vec![amendment(record(EAST, 1), 1, "应为三号楼")])
        .await;
    assert_eq!(found(&east, "三号楼").await, [1]);
    assert_eq!(found(&east, "停电").await, [1]);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat_while_items_come_in() {
    let east = Site::open(EAST).await;
    for number in 1..=25 {
        east.log(number, "来电").await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    for _ in 0..3 {
        let filter = Filter {
            after: after.take(),
            limit: 10,
            ..Filter::default()
        };
        let page = east.store.list(&filter).await.unwrap();
        seen.extend(page.rows.iter().map(|row| row.id.0[15]));
        after = page.next;
        let number = u8::try_from(100 + seen.len()).unwrap();
        east.log(number, "又来电").await;
    }
    assert_eq!(after, None);
    assert_eq!(seen, (1..=25).rev().collect::<Vec<u8>>());
    let filter = Filter {
        after: Some("值班".to_owned()),
        ..Filter::default()
    };
    let answer = east.store.list(&filter).await;
    assert!(matches!(answer, Err(StoreError::BadCursor)));
}

#[tokio::test]
async fn filters_narrow_by_site_kind_category_day_and_openness() {
    let (east, west) = (Site::open(EAST).await, Site::open(WEST).await);
    let hub = Site::open(HUB).await;
    east.log(1, "来电").await;
    west.log(1, "来电").await;
    east.send_to(&hub).await;
    west.send_to(&hub).await;
    let count = async |filter: Filter| hub.store.list(&filter).await.unwrap().rows.len();
    let all = Filter::default;
    assert_eq!(count(all()).await, 2);
    assert_eq!(
        count(Filter {
            site: Some(EAST.site()),
            ..all()
        })
        .await,
        1
    );
    assert_eq!(
        count(Filter {
            kinds: vec!["incident".into(), "log_item".into()],
            ..all()
        })
        .await,
        2
    );
    assert_eq!(
        count(Filter {
            kinds: vec!["incident".into()],
            ..all()
        })
        .await,
        0
    );
    assert_eq!(
        count(Filter {
            category: Some("fire".into()),
            ..all()
        })
        .await,
        0
    );
    assert_eq!(
        count(Filter {
            open: Some(true),
            ..all()
        })
        .await,
        2
    );
    assert_eq!(
        count(Filter {
            open: Some(false),
            ..all()
        })
        .await,
        0
    );
    let today = (MORNING + 8 * 3_600_000).div_euclid(86_400_000);
    assert_eq!(
        count(Filter {
            day: Some(today),
            ..all()
        })
        .await,
        2
    );
    assert_eq!(
        count(Filter {
            day: Some(today - 1),
            ..all()
        })
        .await,
        0
    );
}

#[tokio::test]
async fn the_feed_gives_each_changed_record_once_in_its_present_state() {
    let east = Site::open(EAST).await;
    let start = *east.store.changed().borrow();
    east.log(1, "一").await;
    east.log(2, "二").await;
    east.act(3, vec![amendment(record(EAST, 1), 1, "更正")])
        .await;
    let fed = east.store.feed(start, 50).await.unwrap();
    let ids: Vec<u8> = fed.rows.iter().map(|row| row.id.0[15]).collect();
    assert_eq!(ids, [2, 1]);
    assert_eq!(fed.rows[1].rev, 2);
    assert!(
        east.store
            .feed(fed.cursor, 50)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    assert!(
        east.store
            .feed(fed.cursor + 1_000, 50)
            .await
            .unwrap()
            .resync
    );
    // One at a time gives the same.
    let (mut cursor, mut seen) = (start, BTreeSet::new());
    while let [row] = &east.store.feed(cursor, 1).await.unwrap().rows[..] {
        seen.insert(row.id);
        cursor = east.store.feed(cursor, 1).await.unwrap().cursor;
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn the_feed_cursor_never_falls_over_a_restart() {
    let east = Site::open(EAST).await;
    east.log(1, "一").await;
    let before = *east.store.changed().borrow();
    let east = east.reopen(super::support::quick()).await;
    assert_eq!(*east.store.changed().borrow(), before);
    let mut changed = east.store.changed();
    east.log(2, "二").await;
    assert!(changed.has_changed().unwrap());
    assert!(*changed.borrow_and_update() > before);
    assert_eq!(rows(&east.store).await.len(), 2);
}
