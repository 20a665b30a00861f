//! What goes when blobs need more room than there is, and what only seems to be in use.

use super::blob_fetch::{LARGE, attached, fetch};
use super::blobs::{MAX, attach, bytes_of, content, files, upload};
use super::support::{EAST, MORNING, Site, WEST, log_item, raw, record};
use store::{BlobError, BlobLimits, BlobState, EAGER_LEN, Progress};

/// Lists copies that nobody has asked for, each of two megabytes, without their files.
async fn pretend_copies(site: &Site, count: i64) {
    let mut conn = raw(site.path()).await;
    sqlx::query(
        "insert into blob(hash, size, chunks, had, fetched, added_ms, used_ms)
         with recursive n(i) as (select 1 union all select i + 1 from n where i < $1)
         select cast(printf('%032d', i) as blob), $2, zeroblob(0), null, 1, i, i from n",
    )
    .bind(count)
    .bind(i64::try_from(2 * EAGER_LEN).unwrap())
    .execute(&mut conn)
    .await
    .unwrap();
}

/// A site whose quota is used up by seventy copies.
async fn full_of_copies() -> Site {
    let west = Site::open(WEST).await;
    pretend_copies(&west, 70).await;
    west.store.set_blob_limits(BlobLimits {
        quota: 140 * EAGER_LEN,
        min_free: 0,
    });
    west
}

#[tokio::test]
async fn a_disk_that_no_dropping_can_help_refuses_at_once_and_keeps_every_copy() {
    let west = Site::open(WEST).await;
    let bytes = content(LARGE, 1);
    let (east, hash) = attached(&west, 1, &bytes).await;
    fetch(&east.store, &west.store, hash, 99).await.unwrap();
    west.store.set_blob_limits(BlobLimits {
        min_free: u64::MAX / 2,
        ..BlobLimits::default()
    });
    for expected in [None, Some(1), Some(EAGER_LEN)] {
        let refused = west.store.begin_upload(expected, MAX).await;
        assert!(matches!(refused, Err(BlobError::DiskFull)), "{expected:?}");
        assert_eq!(bytes_of(&west, hash).await, Some(bytes.clone()));
    }
}

#[tokio::test]
async fn room_is_made_from_as_many_copies_as_it_takes() {
    let west = full_of_copies().await;
    let upload = west
        .store
        .begin_upload(Some(131 * EAGER_LEN), 2 * MAX * MAX);
    upload.await.unwrap();
    let left = west.store.blob_counts().await.unwrap();
    assert_eq!((left.whole, left.bytes), (4, 8 * EAGER_LEN));
}

#[tokio::test]
async fn more_than_all_copies_together_drops_none() {
    let west = full_of_copies().await;
    let refused = west
        .store
        .begin_upload(Some(141 * EAGER_LEN), MAX * MAX)
        .await;
    assert!(matches!(refused, Err(BlobError::Quota)));
    assert_eq!(west.store.blob_counts().await.unwrap().whole, 70);
}

#[tokio::test]
async fn a_fetch_that_was_given_up_makes_room_before_any_whole_copy() {
    let west = Site::open(WEST).await;
    let east = Site::open(EAST).await;
    let mut hashes = Vec::new();
    for number in 1..=3 {
        let blob = upload(&east, &content(LARGE, number)).await.unwrap();
        let new = log_item(record(EAST, number), "附视频");
        let edits = vec![new, attach(number, number, blob.hash, blob.size)];
        east.act(number, edits).await;
        hashes.push(blob.hash);
    }
    east.send_to(&west).await;
    west.store.set_blob_limits(BlobLimits {
        quota: 2 * LARGE as u64 + 1_000,
        min_free: 0,
    });
    for (hash, chunks) in [(hashes[0], 99), (hashes[1], 2)] {
        fetch(&east.store, &west.store, hash, chunks).await.unwrap();
    }
    // While somebody waits for it, it stays.
    west.store.use_blob(hashes[0], MORNING + 1).await.unwrap();
    let refused = west.store.begin_upload(Some(2 * LARGE as u64), MAX).await;
    assert!(matches!(refused, Err(BlobError::Quota)));
    west.store.stop_asking_for_blob(hashes[1]).await.unwrap();
    let done = fetch(&east.store, &west.store, hashes[2], 99)
        .await
        .unwrap();
    assert_eq!(done, Progress::Whole);
    let gone = west.store.blob_state(hashes[1]).await.unwrap();
    assert_eq!(gone, BlobState::Absent);
    assert!(bytes_of(&west, hashes[0]).await.is_some());
    assert_eq!(files(&west).len(), 2);
}
