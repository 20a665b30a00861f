//! The writer is stopped at every write point: nothing is left half.

use super::support::{
    EAST, HUB, MORNING, Site, WEST, action, amendment, institution_journal, log_item, quick,
    record, rows,
};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use store::{CommitError, CrashAt, Options, StoreError, WritePoint};

/// Stops the writer the `nth` time it passes `point` after `armed` was set.
fn at(point: WritePoint, nth: u32, armed: &Arc<AtomicBool>) -> CrashAt {
    let (armed, passed) = (armed.clone(), AtomicU32::new(0));
    Arc::new(move |reached| {
        armed.load(Ordering::SeqCst)
            && reached == point
            && passed.fetch_add(1, Ordering::SeqCst) + 1 == nth
    })
}

fn crashing(point: WritePoint, nth: u32, armed: &Arc<AtomicBool>) -> Options {
    Options {
        crash_at: Some(at(point, nth, armed)),
        ..quick()
    }
}

#[tokio::test]
async fn a_local_action_is_whole_or_absent_after_a_crash_at_any_write_point() {
    for point in WritePoint::ALL {
        for nth in 1..=2 {
            let armed = Arc::new(AtomicBool::new(false));
            let east = Site::open_with(EAST, crashing(point, nth, &armed)).await;
            east.log(1, "先前").await;
            let before = (east.store.frontier(), east.rows().await);
            armed.store(true, Ordering::SeqCst);
            // Two records in one action, so that each point is passed twice where it can be.
            let edits = vec![
                log_item(record(EAST, 2), "新的"),
                amendment(record(EAST, 1), 1, "更正"),
            ];
            let answer = east
                .store
                .commit(action(EAST, 2), move |_| Ok::<_, Infallible>(edits))
                .await;
            let crashed = answer.is_err();
            if crashed {
                assert!(matches!(
                    answer,
                    Err(CommitError::Store(StoreError::Stopped))
                ));
                let again = east.store.record_ack(HUB.site(), &[]).await;
                assert!(matches!(again, Err(StoreError::Stopped)));
            }
            armed.store(false, Ordering::SeqCst);
            let east = east.reopen(quick()).await;
            let now = (east.store.frontier(), east.rows().await);
            if crashed && point != WritePoint::AfterCommit {
                assert_eq!(now, before, "{point:?} {nth}");
            } else {
                assert_eq!((now.0[1].seq, now.1.len()), (2, 2), "{point:?} {nth}");
            }
            let shown = rows(&east.store).await;
            east.store.rebuild().await.unwrap();
            assert_eq!(rows(&east.store).await, shown, "{point:?} {nth}");
            // The client asks again and gets one answer, whichever way it went.
            let edits = vec![
                log_item(record(EAST, 2), "新的"),
                amendment(record(EAST, 1), 1, "更正"),
            ];
            let again = east.act(2, edits).await;
            assert_eq!(again.head.seq, 2, "{point:?} {nth}");
            assert_eq!(east.rows().await.len(), 2);
        }
    }
}

#[tokio::test]
async fn an_admitted_batch_is_whole_or_absent_after_a_crash_at_any_write_point() {
    let (east, west) = (Site::open(EAST).await, Site::open(WEST).await);
    for number in 1..=3 {
        east.log(number, "来电").await;
    }
    east.send_to(&west).await;
    west.act(1, vec![amendment(record(EAST, 1), 1, "更正")])
        .await;
    // The amendment comes first and has to wait; the last one is missing.
    let own = east.own().await;
    let mut batch = west.own().await;
    batch.extend([own[2].clone(), own[0].clone(), own[1].clone()]);
    for point in WritePoint::ALL {
        for nth in 1..=3 {
            let armed = Arc::new(AtomicBool::new(false));
            let hub = Site::bare(HUB, crashing(point, nth, &armed)).await;
            hub.store
                .admit(institution_journal().await, MORNING)
                .await
                .unwrap();
            armed.store(true, Ordering::SeqCst);
            let answer = hub.store.admit(batch.clone(), MORNING).await;
            armed.store(false, Ordering::SeqCst);
            let hub = hub.reopen(quick()).await;
            let counts = hub.store.counts().await.unwrap();
            if answer.is_err() && point != WritePoint::AfterCommit {
                assert_eq!((counts.bundles, counts.waiting), (5, 0), "{point:?} {nth}");
            }
            hub.store.admit(batch.clone(), MORNING).await.unwrap();
            let counts = hub.store.counts().await.unwrap();
            assert_eq!((counts.bundles, counts.waiting), (9, 0), "{point:?} {nth}");
            assert_eq!(hub.rows().await.len(), 3);
        }
    }
}
