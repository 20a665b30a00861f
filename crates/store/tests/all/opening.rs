//! Opening a data directory, and what a full or damaged one says.

use super::support::{EAST, HUB, MORNING, Site, action, log_item, quick, raw, record};
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{CommitError, OpenError, Options, Store, StoreError};

async fn sql(dir: &Path, statement: &'static str) {
    let mut conn = raw(dir).await;
    sqlx::raw_sql(statement).execute(&mut conn).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();
}

#[tokio::test]
async fn a_second_opening_of_the_same_directory_is_refused() {
    let east = Site::open(EAST).await;
    let second = Store::open(east.path()).await;
    assert!(matches!(second, Err(OpenError::Held)));
    east.log(1, "一").await;
    east.reopen(quick()).await;
}

#[tokio::test]
async fn a_directory_of_a_later_version_is_refused_untouched() {
    let east = Site::open(EAST).await;
    let Site { store, dir, .. } = east;
    drop(store);
    sql(dir.path(), "pragma user_version = 99").await;
    let answer = Store::open(dir.path()).await;
    assert!(matches!(
        answer,
        Err(OpenError::NewerSchema { found: 99, .. })
    ));
    let answer = Store::open_read_only(dir.path()).await;
    assert!(matches!(answer, Err(OpenError::NewerSchema { .. })));
    sql(dir.path(), "pragma user_version = 1").await;
    Store::open(dir.path()).await.unwrap();
}

#[tokio::test]
async fn what_is_no_database_or_another_programs_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("dutyroom.db");
    let garbage = vec![0x5a; 8_192];
    std::fs::write(&file, &garbage).unwrap();
    assert!(matches!(
        Store::open(dir.path()).await,
        Err(OpenError::Damaged)
    ));
    assert_eq!(std::fs::read(&file).unwrap(), garbage);
    let dir = tempfile::tempdir().unwrap();
    sql(dir.path(), "create table photos(id)").await;
    assert!(matches!(
        Store::open(dir.path()).await,
        Err(OpenError::Foreign)
    ));
    let dir = tempfile::tempdir().unwrap();
    let answer = Store::open_read_only(dir.path()).await;
    assert!(matches!(answer, Err(OpenError::Missing)));
}

#[tokio::test]
async fn a_new_directory_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let store = Store::open(&data).await.unwrap();
    let mode = std::fs::metadata(&data).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    drop(store);
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let answer = Store::open(&file.join("data")).await;
    assert!(matches!(answer, Err(OpenError::Io(_))));
}

#[tokio::test]
async fn a_full_disk_keeps_everything_and_writing_works_again_once_there_is_room() {
    let pages = Arc::new(AtomicU64::new(1_000_000));
    let options = Options {
        max_pages: Some(pages.clone()),
        ..quick()
    };
    let east = Site::open_with(EAST, options).await;
    east.log(1, "一").await;
    // SQLite takes at least the pages in use: from now on there is no room for more.
    pages.store(1, Ordering::Relaxed);
    let long = "值班".repeat(9_000);
    let (mut stored, mut full) = (1, false);
    for number in 2..=40 {
        let edit = log_item(record(EAST, number), &long);
        let answer = east
            .store
            .commit(action(EAST, number), move |_| {
                Ok::<_, Infallible>(vec![edit])
            })
            .await;
        match answer {
            Ok(_) => stored += 1,
            Err(CommitError::Store(StoreError::Full)) => full = true,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(full);
    assert_eq!(east.rows().await.len(), stored);
    assert_eq!(east.store.frontier()[1].seq, stored as u64);
    pages.store(1_000_000, Ordering::Relaxed);
    east.log(50, "又有地方了").await;
    assert_eq!(east.rows().await.len(), stored + 1);
    let report = store::verify::verify(east.path(), |_| ()).await.unwrap();
    assert_eq!(report.first_bad, None);
}

#[tokio::test]
async fn a_read_only_store_reads_a_live_directory_and_writes_nothing() {
    let east = Site::open(EAST).await;
    east.log(1, "一").await;
    let reader = Store::open_read_only(east.path()).await.unwrap();
    assert_eq!(reader.frontier(), east.store.frontier());
    assert_eq!(super::support::rows(&reader).await, east.rows().await);
    let answer = reader.admit(east.own().await, MORNING).await;
    assert!(answer.is_ok(), "duplicates write nothing: {answer:?}");
    let answer = reader.rebuild().await;
    assert!(matches!(answer, Err(StoreError::ReadOnly)), "{answer:?}");
    east.log(2, "二").await;
}

#[tokio::test]
async fn a_damaged_snapshot_is_a_typed_error_and_the_writer_mends_it() {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    east.log(1, "一").await;
    let Site { store, dir, campus } = east;
    drop(store);
    sql(dir.path(), "update snapshot set bytes = x'00112233'").await;
    let store = Store::open_with(dir.path(), quick()).await.unwrap();
    store.start_writer(campus.writer()).await.unwrap();
    let east = Site { store, dir, campus };
    let answer = east.store.record(record(EAST, 1)).await;
    assert!(matches!(answer, Err(StoreError::Damaged(_))));
    let edit = super::support::amendment(record(EAST, 1), 1, "更正");
    let answer = east
        .store
        .commit(action(EAST, 2), move |_| Ok::<_, Infallible>(vec![edit]))
        .await;
    assert!(matches!(
        answer,
        Err(CommitError::Store(StoreError::Damaged(_)))
    ));
    // The writer mends it from the journals before it goes on.
    east.log(3, "别的照常").await;
    assert!(east.store.record(record(EAST, 1)).await.unwrap().is_some());
    east.send_to(&hub).await;
    assert_eq!(hub.rows().await.len(), 2);
}
