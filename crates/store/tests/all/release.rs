//! What has waited is judged a slice at a time, and all of it in the end.

use super::support::{HUB, MORNING, Site, WEST, quick, raw, shared_rows};
use sqlx::Executor as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{Options, StoreError, WritePoint};

const MANY: u8 = 200;

/// A hub at which all but the first of many bundles of West wait, and West.
async fn laid_up(options: Options) -> (Site, Site) {
    let (west, hub) = (Site::open(WEST).await, Site::open_with(HUB, options).await);
    for number in 1..=MANY {
        west.log(number, "来电").await;
    }
    let later = west.own().await.split_off(1);
    hub.store.admit(later, MORNING).await.unwrap();
    let waiting = hub.store.counts().await.unwrap().waiting;
    assert_eq!(waiting, u64::from(MANY) - 1);
    (hub, west)
}

#[tokio::test]
async fn what_one_bundle_releases_is_judged_in_many_transactions_between_others_work() {
    let (hub, west) = laid_up(quick()).await;
    let first = west.own().await.swap_remove(0);
    let before = hub.store.counts().await.unwrap().transactions;
    hub.store.admit(vec![first], MORNING).await.unwrap();
    hub.store.judge_released().await.unwrap();
    let counts = hub.store.counts().await.unwrap();
    assert!(counts.transactions - before >= 4, "{counts:?}");
    assert_eq!(counts.waiting, 0);
    assert_eq!(hub.store.frontier(), west.store.frontier());
    let rows = shared_rows(&west.store).await;
    assert_eq!(shared_rows(&hub.store).await, rows);
}

#[tokio::test]
async fn what_was_released_before_a_crash_is_judged_after_it() {
    let armed = Arc::new(AtomicBool::new(false));
    let fuse = armed.clone();
    let options = Options {
        crash_at: Some(Arc::new(move |point| {
            point == WritePoint::AfterCommit && fuse.load(Ordering::Relaxed)
        })),
        ..quick()
    };
    let (hub, west) = laid_up(options).await;
    armed.store(true, Ordering::Relaxed);
    let first = west.own().await.swap_remove(0);
    let cut_off = hub.store.admit(vec![first], MORNING).await;
    assert!(matches!(cut_off, Err(StoreError::Stopped)));
    let hub = hub.reopen(quick()).await;
    hub.store.judge_released().await.unwrap();
    assert_eq!(hub.store.frontier(), west.store.frontier());
    assert_eq!(hub.store.counts().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn a_waiting_bundle_that_rots_is_dropped_and_holds_nobody_up() {
    for harm in [
        "update waiting set signature = x'00' where seq = 100",
        "update waiting set header = x'00' where seq = 100",
        "update waiting set payload = x'00' where seq = 100",
        "update waiting set hash = x'00' where seq = 100",
    ] {
        let (hub, west) = laid_up(quick()).await;
        raw(hub.path()).await.execute(harm).await.unwrap();
        let first = west.own().await.swap_remove(0);
        hub.store.admit(vec![first], MORNING).await.unwrap();
        hub.store.judge_released().await.unwrap();
        // What is lost is missing from the frontier, so a peer sends it again.
        west.send_to(&hub).await;
        hub.store.judge_released().await.unwrap();
        assert_eq!(hub.store.frontier(), west.store.frontier(), "{harm}");
        assert_eq!(hub.store.counts().await.unwrap().waiting, 0, "{harm}");
    }
}
