//! Bundles that the disk has lost or damaged, found and put back.

use super::support::{EAST, HUB, MORNING, Site, WEST, raw, rows, shared_rows};
use records::bundle::Bundle;
use records::id::{Hash, JournalId};
use std::path::Path;
use store::verify::verify;
use store::{Admission, Checked, Item, Store};

async fn lose(dir: &Path, journal: JournalId, seqs: &[i64]) {
    let mut conn = raw(dir).await;
    for seq in seqs {
        sqlx::query("delete from bundle where site = $1 and seq = $2")
            .bind(journal.site.0.to_vec())
            .bind(seq)
            .execute(&mut conn)
            .await
            .unwrap();
    }
}

async fn damage(dir: &Path, column: &str, journal: JournalId, seq: i64) {
    let mut conn = raw(dir).await;
    let update = format!(
        "update bundle set {column} = substr({column}, 1, length({column}) - 1) || x'5a'
         where site = $1 and seq = $2"
    );
    let done = sqlx::query(sqlx::AssertSqlSafe(update))
        .bind(journal.site.0.to_vec())
        .bind(seq)
        .execute(&mut conn)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
}

async fn check(store: &Store) -> Checked {
    store.check(MORNING, |_| ()).await.unwrap()
}

async fn inventory(store: &Store) -> Vec<Item> {
    let (mut all, mut place) = (Vec::new(), 0);
    loop {
        let (items, last) = store.inventory(place, 3).await.unwrap();
        if last == place {
            all.sort();
            return all;
        }
        all.extend(items);
        place = last;
    }
}

async fn assert_clean(site: &Site) {
    assert_eq!(check(&site.store).await.holes, 0);
    let report = verify(site.path(), |_| ()).await.unwrap();
    assert_eq!(report.first_bad, None);
}

/// A hub that holds the campus' six bundles and depends on them.
async fn two_sites() -> (Site, Site) {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    for number in 1..=6 {
        east.log(number, "巡查正常").await;
        east.send_to(&hub).await;
        hub.log(number, "收悉").await;
    }
    hub.send_to(&east).await;
    (east, hub)
}

#[tokio::test]
async fn a_sound_store_has_no_holes() {
    let (_, hub) = two_sites().await;
    let checked = check(&hub.store).await;
    assert_eq!((checked.bundles, checked.holes), (17, 0));
}

#[tokio::test]
async fn a_row_whose_hash_or_site_has_another_length_is_a_hole_where_it_stood() {
    let (east, hub) = two_sites().await;
    let mut conn = raw(hub.path()).await;
    for cut in [
        "update bundle set hash = x'00' where site = $1 and seq = 2",
        "update bundle set site = x'ff' where site = $1 and seq = 4",
        "update bundle set site = x'0000' where site = $1 and seq = 6",
    ] {
        let cut = sqlx::query(cut).bind(EAST.site().0.to_vec());
        assert_eq!(cut.execute(&mut conn).await.unwrap().rows_affected(), 1);
    }
    drop(conn);
    assert_eq!(check(&hub.store).await.holes, 3);
    let given = hub.store.bundles_after(EAST.journal(), 0, usize::MAX).await;
    assert_eq!(given.unwrap().len(), 1);
    let mut own = east.own().await;
    own.reverse();
    let answers = hub.store.admit(own, MORNING).await.unwrap();
    let mended = |answer: &&Admission| matches!(answer, Admission::Mended { .. });
    assert_eq!(answers.iter().filter(mended).count(), 3, "{answers:?}");
    assert_clean(&hub).await;
}

#[tokio::test]
async fn a_damaged_bundle_is_found_given_to_nobody_and_put_back_by_the_very_bytes() {
    for column in ["header", "payload", "signature", "hash"] {
        let (east, hub) = two_sites().await;
        let before = inventory(&hub.store).await;
        damage(hub.path(), column, EAST.journal(), 3).await;
        assert_eq!(check(&hub.store).await.holes, 1, "{column}");
        let given = hub.store.bundles_after(EAST.journal(), 0, usize::MAX).await;
        assert_eq!(given.unwrap().len(), 2, "{column}");
        assert_eq!(inventory(&hub.store).await.len(), before.len() - 1);
        let third = east.own().await.swap_remove(2);
        let answers = hub.store.admit(vec![third.clone()], MORNING).await.unwrap();
        assert!(
            matches!(answers[..], [Admission::Mended { .. }]),
            "{column}: {answers:?}"
        );
        assert_eq!(inventory(&hub.store).await, before, "{column}");
        assert_clean(&hub).await;
        let again = hub.store.admit(vec![third], MORNING).await.unwrap();
        assert_eq!(again, [Admission::Duplicate]);
    }
}

#[tokio::test]
async fn what_a_link_reads_shows_a_damaged_bundle_before_any_check_does() {
    let (_, hub) = two_sites().await;
    damage(hub.path(), "payload", EAST.journal(), 4).await;
    let given = hub.store.bundles_after(EAST.journal(), 2, usize::MAX).await;
    assert_eq!(given.unwrap().len(), 1);
    let holes = hub.store.holes().await.unwrap();
    assert_eq!((holes.len(), holes[0].seq), (1, 4));
}

#[tokio::test]
async fn a_lost_run_is_mended_from_its_end_and_keeps_the_order_of_judgement() {
    let (east, hub) = two_sites().await;
    lose(hub.path(), EAST.journal(), &[2, 3, 4]).await;
    lose(hub.path(), HUB.journal(), &[3]).await;
    assert_eq!(check(&hub.store).await.holes, 4);
    let east_bundles = east.own().await;
    let first = hub
        .store
        .admit(vec![east_bundles[1].clone()], MORNING)
        .await
        .unwrap();
    assert!(matches!(
        first[..],
        [Admission::Waiting { kept: false, .. }]
    ));
    let backwards: Vec<Bundle> = east_bundles[1..4].iter().rev().cloned().collect();
    let answers = hub.store.admit(backwards, MORNING).await.unwrap();
    let mended = |answer: &Admission| matches!(answer, Admission::Mended { .. });
    assert!(answers.iter().all(mended), "{answers:?}");
    let own = east.store.bundles_after(HUB.journal(), 2, 1).await.unwrap();
    let answers = hub.store.admit(own, MORNING).await.unwrap();
    assert!(answers.iter().all(mended), "{answers:?}");
    assert_clean(&hub).await;
    let before = shared_rows(&hub.store).await;
    hub.store.rebuild().await.unwrap();
    let mut after = shared_rows(&hub.store).await;
    for (row, was) in after.iter_mut().zip(&before) {
        row.rev = was.rev;
    }
    assert_eq!(after, before);
    hub.log(7, "照常写").await;
    hub.send_to(&east).await;
    assert_eq!(rows(&east.store).await.len(), 13);
}

#[tokio::test]
async fn what_was_lost_before_a_rebuild_counts_again_once_it_is_back() {
    let (east, hub) = two_sites().await;
    let whole = rows(&hub.store).await.len();
    lose(hub.path(), EAST.journal(), &[5]).await;
    hub.store.rebuild().await.unwrap();
    assert_eq!(rows(&hub.store).await.len(), whole - 1);
    assert_eq!(check(&hub.store).await.holes, 1);
    east.send_to(&hub).await;
    assert_eq!(rows(&hub.store).await.len(), whole);
    assert_clean(&hub).await;
}

#[tokio::test]
async fn a_damaged_head_keeps_nobody_from_starting_and_is_mended() {
    let (east, hub) = two_sites().await;
    damage(hub.path(), "header", EAST.journal(), 6).await;
    let hub = hub.reopen(super::support::quick()).await;
    assert_eq!(check(&hub.store).await.holes, 1);
    east.send_to(&hub).await;
    assert_clean(&hub).await;
}

#[tokio::test]
async fn another_bundle_never_takes_a_lost_ones_place() {
    let (_, hub) = two_sites().await;
    lose(hub.path(), EAST.journal(), &[6]).await;
    assert_eq!(check(&hub.store).await.holes, 1);
    let other = Site::open(EAST).await;
    for number in 1..=6 {
        other.log(number, "另一份").await;
    }
    let sixth = other.own().await.swap_remove(5);
    let answers = hub.store.admit(vec![sixth], MORNING).await.unwrap();
    assert!(
        matches!(answers[..], [Admission::Fork { .. }]),
        "{answers:?}"
    );
    assert_eq!(hub.store.branch_inventory().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_depends_on_a_lost_bundle_waits_and_disturbs_nobody() {
    let (east, hub) = two_sites().await;
    let west = Site::open(WEST).await;
    hub.send_to(&west).await;
    west.log(1, "西校区").await;
    // West's bundle depends on the hub's last, which the hub then loses.
    lose(hub.path(), HUB.journal(), &[6]).await;
    assert_eq!(check(&hub.store).await.holes, 1);
    let answers = hub.store.admit(west.own().await, MORNING).await.unwrap();
    assert!(
        matches!(answers[..], [Admission::Waiting { kept: false, .. }]),
        "{answers:?}"
    );
    let lost = east.store.bundles_after(HUB.journal(), 5, 1).await.unwrap();
    hub.store.admit(lost, MORNING).await.unwrap();
    let answers = hub.store.admit(west.own().await, MORNING).await.unwrap();
    assert!(
        matches!(answers[..], [Admission::Admitted { .. }]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn bundles_are_read_by_hash_and_in_the_order_of_judgement() {
    let (_, hub) = two_sites().await;
    let items = inventory(&hub.store).await;
    let hashes: Vec<Hash> = items.iter().map(|item| item.hash).collect();
    let bundles = hub.store.bundles_of(&hashes, usize::MAX).await.unwrap();
    let found: Vec<Hash> = bundles.iter().map(Bundle::hash).collect();
    assert_eq!(found, hashes);
    let few = hub.store.bundles_of(&hashes, 1).await.unwrap();
    assert_eq!(few.len(), 1);
    let held = [(EAST.journal(), 4), (HUB.journal(), 6)].into();
    let start = hub.store.place_beyond(&held).await.unwrap();
    let tail = hub
        .store
        .bundles_judged_after(start, false, &held, usize::MAX)
        .await
        .unwrap();
    let seqs: Vec<u64> = tail.iter().map(|stored| stored.head.seq).collect();
    assert_eq!(seqs, [5, 6]);
}
