//! Erasure beside the journals: what waits, what is lost or restored, what signs people in, and the
//! log of the database.

use super::erase::{SECRET, decrees, erase, erasure_of, is_on_disk, state, three_sites, verifies};
use super::support::{
    EAST, HUB, MORNING, Site, WEST, institution, officer, person, quick, raw, record, root,
    sections,
};
use records::id::{AccountId, RecordId};
use records::payload::{Section, encode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{Account, Admission, Options, Remains, Store, StoreError, WritePoint};

#[tokio::test]
async fn a_backup_that_still_had_the_content_loses_it_with_the_first_decisions_it_hears() {
    let (east, _, hub) = three_sites().await;
    let backup = tempfile::tempdir().unwrap();
    let Site { store, dir, campus } = east;
    drop(store);
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), backup.path().join(file.file_name())).unwrap();
    }
    erase(&hub, record(EAST, 1)).await;
    assert!(is_on_disk(backup.path(), SECRET));
    let store = Store::open_with(backup.path(), quick()).await.unwrap();
    store.admit(decrees(&hub).await, MORNING).await.unwrap();
    let restored = Site {
        store,
        dir: backup,
        campus,
    };
    assert!(!is_on_disk(restored.path(), SECRET));
    assert_eq!(state(&restored).await, state(&hub).await);
    verifies(&restored).await;
}

fn killed_after_a_commit_once_armed() -> (Arc<AtomicBool>, Options) {
    let crash = Arc::new(AtomicBool::new(false));
    let armed = crash.clone();
    let options = Options {
        crash_at: Some(Arc::new(move |point| {
            point == WritePoint::AfterCommit && armed.load(Ordering::SeqCst)
        })),
        ..quick()
    };
    (crash, options)
}

async fn erase_and_be_killed(hub: &Site, remains: &Remains) {
    let (op, key) = (erasure_of(record(EAST, 1), remains), root());
    let killed = hub
        .store
        .commit_institution(op, &key, institution(), MORNING);
    assert!(matches!(killed.await, Err(StoreError::Stopped)));
}

#[tokio::test]
async fn a_kill_right_after_the_erasure_leaves_nothing_in_the_log() {
    let (_, _, hub) = three_sites().await;
    let (crash, options) = killed_after_a_commit_once_armed();
    let hub = hub.reopen(options).await;
    let remains = hub.store.remains(record(EAST, 1)).await.unwrap();
    crash.store(true, Ordering::SeqCst);
    erase_and_be_killed(&hub, &remains).await;
    let hub = hub.reopen(quick()).await;
    assert!(!is_on_disk(hub.path(), SECRET));
    assert_eq!(hub.rows().await.len(), 1);
}

#[tokio::test]
async fn a_lost_bundle_comes_back_without_what_was_erased_and_not_stripped_by_anybody_else() {
    let (east, _, hub) = three_sites().await;
    let original = east.own().await;
    erase(&hub, record(EAST, 1)).await;
    let lost = "delete from bundle where site = $1 and seq <= 2";
    let mut conn = raw(hub.path()).await;
    sqlx::query(lost)
        .bind(EAST.site().0.to_vec())
        .execute(&mut conn)
        .await
        .unwrap();
    assert_eq!(hub.store.check(MORNING, |_| ()).await.unwrap().holes, 2);
    let mut stripped = original[1].clone();
    let bare = sections(&stripped);
    let bare: Vec<_> = bare.iter().map(|s| Section::Erased(s.hash())).collect();
    stripped.payload = encode(&bare);
    let answers = hub.store.admit(vec![stripped], MORNING).await.unwrap();
    assert!(
        !matches!(answers[0], Admission::Mended { .. }),
        "{answers:?}"
    );
    // A lost run is mended from its end.
    let both = vec![original[1].clone(), original[0].clone()];
    let answers = hub.store.admit(both, MORNING).await.unwrap();
    let mended = |answer: &Admission| matches!(answer, Admission::Mended { .. });
    assert!(answers.iter().all(mended), "{answers:?}");
    assert!(!is_on_disk(hub.path(), SECRET));
    assert_eq!(hub.store.check(MORNING, |_| ()).await.unwrap().holes, 0);
    assert_eq!(hub.rows().await.len(), 1);
    verifies(&hub).await;
}

#[tokio::test]
async fn an_erased_person_signs_in_no_more() {
    let hub = Site::open(HUB).await;
    let id = officer(HUB);
    hub.act(1, vec![person(HUB, "王小明")]).await;
    for (id, login) in [(id, "wangxm"), (AccountId([9; 16]), "lisi")] {
        let verifier = "$argon2id$…".to_owned();
        let login = login.to_owned();
        let account = Account {
            id,
            login,
            verifier,
        };
        hub.store.add_account(account).await.unwrap();
    }
    let mut conn = raw(hub.path()).await;
    for statement in [
        "insert into session(token_hash, account, created_ms, idle_expires_ms, expires_ms)
         select id, id, 1, 2, 3 from account",
    ] {
        sqlx::query(statement).execute(&mut conn).await.unwrap();
    }
    assert!(is_on_disk(hub.path(), "wangxm"));
    drop(conn);
    erase(&hub, RecordId(id.0)).await;
    let mut conn = raw(hub.path()).await;
    for left in [
        "select count(*) from account",
        "select count(*) from session",
    ] {
        let left: i64 = sqlx::query_scalar(left).fetch_one(&mut conn).await.unwrap();
        assert_eq!(left, 1);
    }
    assert!(!is_on_disk(hub.path(), "wangxm"));
}

/// A bundle that waits at the site, with content of the record, and what it says of its size.
async fn waiting_sizes(site: &Site) -> Vec<(i64, i64)> {
    let mut conn = raw(site.path()).await;
    sqlx::query_as("select bytes, length(header) + length(payload) from waiting")
        .fetch_all(&mut conn)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_waits_loses_its_content_and_takes_less_room() {
    let (east, _, hub) = three_sites().await;
    let late = Site::open(WEST).await;
    let mut own = east.own().await;
    let waits = vec![own.remove(2)];
    late.store.admit(waits, MORNING).await.unwrap();
    let before = waiting_sizes(&late).await;
    erase(&hub, record(EAST, 1)).await;
    late.store
        .admit(decrees(&hub).await, MORNING)
        .await
        .unwrap();
    let after = waiting_sizes(&late).await;
    assert!(after[0].0 < before[0].0, "{before:?} {after:?}");
    assert_eq!(after[0].0, after[0].1);
    assert!(!is_on_disk(late.path(), SECRET));
}

/// West with a bundle that waits, and a decision to erase its record that an older program has
/// kept without understanding it.
async fn unread_decision() -> Site {
    let (east, _, hub) = three_sites().await;
    let late = Site::open(WEST).await;
    let mut own = east.own().await;
    let waits = vec![own.remove(2)];
    late.store.admit(waits, MORNING).await.unwrap();
    erase(&hub, record(EAST, 1)).await;
    let decision = decrees(&hub).await.pop().unwrap();
    let mut conn = raw(late.path()).await;
    sqlx::query("attach database $1 as hub")
        .bind(hub.path().join("dutyroom.db").to_str().unwrap().to_owned())
        .execute(&mut conn)
        .await
        .unwrap();
    for statement in [
        "insert into bundle
         select b.* from hub.bundle b where b.hash = $1",
        "insert into quarantine(site, incarnation, seq, hash, verdict, code, received_ms)
         select site, incarnation, seq, hash, 'held', 'unknown_section', received_ms
         from bundle where hash = $1",
    ] {
        let done = sqlx::query(statement).bind(decision.hash().0.to_vec());
        assert_eq!(done.execute(&mut conn).await.unwrap().rows_affected(), 1);
    }
    drop(conn);
    let late = late.reopen(quick()).await;
    assert!(is_on_disk(late.path(), SECRET));
    late
}

#[tokio::test]
async fn a_decision_understood_only_after_an_upgrade_is_carried_out_on_what_waits_too() {
    for whole in [false, true] {
        let late = unread_decision().await;
        match whole {
            true => late.store.rebuild().await.unwrap(),
            false => assert_eq!(late.store.rejudge().await.unwrap().accepted, 1),
        }
        assert_eq!(late.store.counts().await.unwrap().waiting, 1);
        assert!(!is_on_disk(late.path(), SECRET));
        assert_eq!(late.store.quarantine().await.unwrap(), []);
        verifies(&late).await;
    }
}

#[tokio::test]
async fn a_reader_in_the_log_while_a_store_opens_only_delays_its_emptying() {
    let (crash, options) = killed_after_a_commit_once_armed();
    let (east, hub) = (Site::open(EAST).await, Site::open_with(HUB, options).await);
    east.log(1, SECRET).await;
    east.send_to(&hub).await;
    let remains = hub.store.remains(record(EAST, 1)).await.unwrap();
    let mut reader = raw(hub.path()).await;
    let begin = sqlx::raw_sql("begin; select count(*) from bundle");
    begin.execute(&mut reader).await.unwrap();
    crash.store(true, Ordering::SeqCst);
    erase_and_be_killed(&hub, &remains).await;
    let hub = hub.reopen(quick()).await;
    assert!(is_on_disk(hub.path(), SECRET));
    sqlx::Connection::close(reader).await.unwrap();
    hub.log(1, "值班照常").await;
    assert!(!is_on_disk(hub.path(), SECRET));
}
