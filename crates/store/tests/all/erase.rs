//! Erasure: content goes everywhere, proof stays, and all sites agree whatever arrived first.

use super::support::{
    EAST, HUB, MORNING, Site, WEST, action, amendment, creation, decree, forge, institution,
    journal, log_item, officer, person, quick, raw, record, root, section, sections, shared_rows,
};
use records::bundle::Bundle;
use records::field::Value;
use records::id::{AccountId, JournalId, RecordId};
use records::payload::{InstitutionOp, Section, encode};
use records::write;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::verify::verify;
use store::{
    Account, Admission, CommitError, Filter, Options, Quarantined, RecordRow, Remains, Store,
    StoreError, WritePoint,
};

/// Words that stand nowhere but in the erased record.
const SECRET: &str = "学生王小明被送往𠮷祥医院";

/// A character of it that stands in no other record, and begins with a byte that no other does:
/// the index stores of each word only what it has not in common with the one before.
const RARE: &str = "𠮷";

/// Names everything the hub holds of a record in one decision.
pub(crate) async fn erase(hub: &Site, id: RecordId) {
    let remains = hub.store.remains(id).await.unwrap();
    decree(&hub.store, erasure_of(id, &remains)).await;
}

fn erasure_of(record: RecordId, remains: &Remains) -> InstitutionOp {
    InstitutionOp::Erase {
        record,
        sections: remains.sections.iter().map(|found| found.section).collect(),
        number: "E2026-000001".to_owned(),
        reason: "保存期满".to_owned(),
    }
}

/// What each cache holds of a record: snapshot, search, entries, changes.
async fn cached(site: &Site, id: RecordId) -> Vec<i64> {
    let mut conn = raw(site.path()).await;
    let mut cached = Vec::new();
    for count in [
        "select count(*) from snapshot where record = $1",
        "select count(*) from search where rowid in (select no from record where id = $1)",
        "select count(*) from entry_origin where record = $1",
        "select count(*) from change where record = $1",
    ] {
        let count = sqlx::query_scalar(count).bind(id.0.to_vec());
        cached.push(count.fetch_one(&mut conn).await.unwrap());
    }
    cached
}

/// How many rows the search index has, and whether a word stands in the blocks of its tree.
async fn indexed(site: &Site, word: &str) -> (i64, bool) {
    let mut conn = raw(site.path()).await;
    let rows = sqlx::query_scalar("select count(*) from search_docsize");
    let blocks = sqlx::query_scalar("select count(*) from search_data where instr(block, $1) > 0");
    let blocks = blocks.bind(word.as_bytes().to_vec());
    let found: i64 = blocks.fetch_one(&mut conn).await.unwrap();
    (rows.fetch_one(&mut conn).await.unwrap(), found > 0)
}

/// Whether the bytes stand in any file of the directory.
fn is_on_disk(dir: &Path, words: &str) -> bool {
    let files = std::fs::read_dir(dir).unwrap();
    files.map(|file| file.unwrap().path()).any(|file| {
        let bytes = std::fs::read(file).unwrap();
        bytes
            .windows(words.len())
            .any(|part| part == words.as_bytes())
    })
}

async fn found(store: &Store, words: &str) -> usize {
    let filter = Filter {
        query: Some(words.to_owned()),
        limit: 50,
        ..Filter::default()
    };
    store.list(&filter).await.unwrap().rows.len()
}

/// What every site must show alike.
async fn state(site: &Site) -> (Vec<RecordRow>, Vec<(String, u64, String)>) {
    let quarantine = site.store.quarantine().await.unwrap();
    let mut quarantine: Vec<_> = quarantine.iter().map(verdict).collect();
    quarantine.sort();
    (shared_rows(&site.store).await, quarantine)
}

fn verdict(kept: &Quarantined) -> (String, u64, String) {
    (
        kept.head.journal.site.to_string(),
        kept.head.seq,
        kept.code.clone(),
    )
}

async fn same_after_rebuild(site: &Site) {
    let before = state(site).await;
    let heads = site.store.frontier();
    site.store.rebuild().await.unwrap();
    assert_eq!(state(site).await, before);
    assert_eq!(site.store.frontier(), heads);
}

async fn verifies(site: &Site) {
    let report = verify(site.path(), |_| ()).await.unwrap();
    assert_eq!(report.first_bad, None);
}

async fn decrees(hub: &Site) -> Vec<Bundle> {
    journal(&hub.store, JournalId::INSTITUTION).await
}

/// East has written the record and amended it, West and the hub have it.
async fn three_sites() -> (Site, Site, Site) {
    let (east, west, hub) = (
        Site::open(EAST).await,
        Site::open(WEST).await,
        Site::open(HUB).await,
    );
    east.log(1, SECRET).await;
    east.log(2, "不相干的一条").await;
    let more = format!("更正：{SECRET}，已返校");
    let id = record(EAST, 1);
    east.act(3, vec![amendment(id, 1, &more)]).await;
    east.send_to(&west).await;
    east.send_to(&hub).await;
    (east, west, hub)
}

#[tokio::test]
async fn an_erased_record_is_gone_from_lists_search_caches_and_disk() {
    let (east, west, hub) = three_sites().await;
    for number in 10..60 {
        east.log(number, &"值班记事很长，占去一些页面。".repeat(40))
            .await;
        let id = record(EAST, 1);
        let more = format!("第 {number} 次补记：{SECRET}");
        east.act(number + 100, vec![amendment(id, number, &more)])
            .await;
    }
    east.send_to(&hub).await;
    east.send_to(&west).await;
    for site in [&east, &west, &hub] {
        assert!(is_on_disk(site.path(), SECRET));
        assert_eq!(found(&site.store, "王小明").await, 1);
        assert!(cached(site, record(EAST, 1)).await.iter().all(|n| *n > 0));
        assert_eq!(indexed(site, RARE).await, (52, true));
    }
    let cursor = *hub.store.changed().borrow();
    erase(&hub, record(EAST, 1)).await;
    hub.send_to(&east).await;
    hub.send_to(&west).await;
    for site in [&east, &west, &hub] {
        assert!(!is_on_disk(site.path(), SECRET), "{}", site.campus.code);
        assert_eq!(found(&site.store, "王小明").await, 0);
        // Snapshots are packed and the index cuts words up, so the bytes alone prove little.
        assert_eq!(cached(site, record(EAST, 1)).await, [0; 4]);
        assert_eq!(indexed(site, RARE).await, (51, false));
        assert!(site.store.record(record(EAST, 1)).await.unwrap().is_none());
        assert_eq!(site.rows().await.len(), 51);
        let trust = site.store.trust();
        let erasure = trust.erasures().record(record(EAST, 1)).unwrap();
        assert_eq!(erasure.number, "E2026-000001");
        verifies(site).await;
        same_after_rebuild(site).await;
    }
    assert!(hub.store.feed(cursor, 10).await.unwrap().resync);
    let now = *hub.store.changed().borrow();
    assert!(!hub.store.feed(now, 10).await.unwrap().resync);
    assert_eq!(east.store.frontier(), hub.store.frontier());
}

#[tokio::test]
async fn the_original_form_that_comes_after_the_erasure_is_proved_and_stored_erased() {
    let (east, _, hub) = three_sites().await;
    let original = east.own().await;
    erase(&hub, record(EAST, 1)).await;
    let late = Site::open(WEST).await;
    late.store
        .admit(decrees(&hub).await, MORNING)
        .await
        .unwrap();
    let answers = late.store.admit(original.clone(), MORNING).await.unwrap();
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Admission::Admitted { .. }))
    );
    assert!(!is_on_disk(late.path(), SECRET));
    let stored = journal(&late.store, EAST.journal()).await;
    assert!(matches!(sections(&stored[0])[..], [Section::Erased(_)]));
    assert_eq!(stored[0].header, original[0].header);
    assert_eq!(state(&late).await, state(&hub).await);
    verifies(&late).await;
}

#[tokio::test]
async fn an_erased_form_waits_for_the_decision_that_allows_it() {
    let (_, _, hub) = three_sites().await;
    let before = decrees(&hub).await;
    erase(&hub, record(EAST, 1)).await;
    let erased = journal(&hub.store, EAST.journal()).await;
    let late = Site::bare(WEST, quick()).await;
    late.store.admit(before, MORNING).await.unwrap();
    let answers = late.store.admit(erased, MORNING).await.unwrap();
    let waits = |answer: &Admission| matches!(answer, Admission::Waiting { kept: true, .. });
    assert!(answers.iter().all(waits), "{answers:?}");
    assert_eq!(late.store.frontier().len(), 1);
    late.store
        .admit(decrees(&hub).await, MORNING)
        .await
        .unwrap();
    assert_eq!(late.store.frontier(), hub.store.frontier());
    assert_eq!(state(&late).await, state(&hub).await);
}

#[tokio::test]
async fn content_dropped_without_authority_is_never_taken_for_erased() {
    let (east, _, hub) = three_sites().await;
    let honest = east.own().await;
    let mut stripped = honest[0].clone();
    let hashes: Vec<_> = sections(&stripped).iter().map(Section::hash).collect();
    let bare: Vec<_> = hashes.into_iter().map(Section::Erased).collect();
    stripped.payload = encode(&bare);
    let late = Site::open(WEST).await;
    let answers = late.store.admit(vec![stripped], MORNING).await.unwrap();
    assert!(
        matches!(answers[0], Admission::Waiting { .. }),
        "{answers:?}"
    );
    // Somebody else has the whole bundle, and nothing stands in its way.
    late.store.admit(honest, MORNING).await.unwrap();
    assert_eq!(state(&late).await, state(&hub).await);
    assert_eq!(late.store.counts().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn what_a_cut_off_campus_wrote_on_an_erased_record_counts_nowhere_until_it_goes_too() {
    let (east, west, hub) = three_sites().await;
    let id = record(EAST, 1);
    let words = "西校区补记：王小明的家长已到";
    west.act(1, vec![amendment(id, 9, words)]).await;
    let written = west.own().await;
    erase(&hub, id).await;
    // The hub erases first, West writes first, East gets both at once.
    hub.store.admit(written.clone(), MORNING).await.unwrap();
    west.store
        .admit(decrees(&hub).await, MORNING)
        .await
        .unwrap();
    hub.send_to(&east).await;
    for site in [&east, &west, &hub] {
        let (_, quarantine) = state(site).await;
        let expected = (WEST.site().to_string(), 1, "record_erased".to_owned());
        assert_eq!(quarantine, [expected], "{}", site.campus.code);
        assert!(site.store.record(id).await.unwrap().is_none());
        assert!(is_on_disk(site.path(), words));
        same_after_rebuild(site).await;
        verifies(site).await;
    }
    let remains = hub.store.remains(id).await.unwrap();
    assert_eq!(remains.sections.len(), 1);
    assert_eq!(remains.sections[0].journal, WEST.journal());
    erase(&hub, id).await;
    hub.send_to(&east).await;
    hub.send_to(&west).await;
    for site in [&east, &west, &hub] {
        assert_eq!(state(site).await.1, []);
        assert!(!is_on_disk(site.path(), words), "{}", site.campus.code);
        same_after_rebuild(site).await;
        verifies(site).await;
    }
}

#[tokio::test]
async fn the_other_records_of_a_bundle_live_on() {
    let (east, west, hub) = three_sites().await;
    let id = record(EAST, 1);
    let edits = vec![
        amendment(id, 9, "王小明"),
        log_item(record(WEST, 7), "同一动作写下的另一条"),
    ];
    west.act(1, edits).await;
    erase(&hub, id).await;
    west.send_to(&hub).await;
    hub.send_to(&west).await;
    hub.send_to(&east).await;
    for site in [&east, &west, &hub] {
        let row = site.store.row(record(WEST, 7)).await.unwrap();
        assert!(row.is_some(), "{}", site.campus.code);
        assert_eq!(state(site).await, state(&hub).await);
        same_after_rebuild(site).await;
    }
    erase(&hub, id).await;
    assert!(hub.store.row(record(WEST, 7)).await.unwrap().is_some());
    assert!(!is_on_disk(hub.path(), "王小明"));
    verifies(&hub).await;
}

#[tokio::test]
async fn a_bundle_refused_for_an_erased_records_section_is_judged_by_its_others() {
    let (east, west, hub) = (
        Site::open(EAST).await,
        Site::bare(WEST, quick()).await,
        Site::open(HUB).await,
    );
    let id = record(EAST, 1);
    let head = hub.store.frontier()[0];
    // A creation nobody else may make beside a sound one.
    let bad = section(EAST, id, "log_item", |doc, table| {
        let edits = log_item(id, "假").edits;
        let mut changes = vec![write::create(doc, table, EAST.site(), None, &edits).unwrap()];
        let twice = write::edit(
            doc,
            table,
            &[write::Edit::Set(
                "content".to_owned(),
                Value::Text("改写".to_owned()),
            )],
        );
        changes.push(twice.unwrap());
        changes
    });
    let forged = forge(
        EAST,
        head,
        &[bad, creation(EAST, record(EAST, 2), "log_item")],
    );
    let answers = hub
        .store
        .admit(vec![forged.clone()], MORNING)
        .await
        .unwrap();
    assert!(
        matches!(answers[0], Admission::Refused { .. }),
        "{answers:?}"
    );
    assert_eq!(hub.rows().await.len(), 0);
    erase(&hub, id).await;
    assert_eq!(hub.rows().await.len(), 1);
    // East and West hear of it in the other order.
    for site in [&east, &west] {
        site.store
            .admit(decrees(&hub).await, MORNING)
            .await
            .unwrap();
        site.store
            .admit(vec![forged.clone()], MORNING)
            .await
            .unwrap();
        assert_eq!(state(site).await, state(&hub).await);
    }
    same_after_rebuild(&hub).await;
}

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

#[tokio::test]
async fn nobody_writes_on_an_erased_record_any_more() {
    let (east, _, hub) = three_sites().await;
    let id = record(EAST, 1);
    erase(&hub, id).await;
    hub.send_to(&east).await;
    for edit in [amendment(id, 5, "再补"), log_item(id, "重写")] {
        let refused = east
            .store
            .commit(action(EAST, 90), move |_| Ok::<_, Infallible>(vec![edit]))
            .await;
        let erased: CommitError<Infallible> =
            CommitError::Store(StoreError::Refused("record_erased"));
        assert!(matches!(refused, Err(error) if format!("{error:?}") == format!("{erased:?}")));
    }
    let number = east.log(91, "编号不会再用").await.records[0];
    let row = east.store.row(number).await.unwrap().unwrap();
    assert_eq!(row.number, "E2026-000003");
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

#[tokio::test]
async fn a_decision_understood_only_after_an_upgrade_is_carried_out_on_what_waits_too() {
    let (east, _, hub) = three_sites().await;
    let late = Site::open(WEST).await;
    let mut own = east.own().await;
    let waits = vec![own.remove(2)];
    late.store.admit(waits, MORNING).await.unwrap();
    erase(&hub, record(EAST, 1)).await;
    let decision = decrees(&hub).await.pop().unwrap();
    // An older program has kept the decision without understanding it.
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
    assert_eq!(late.store.rejudge().await.unwrap().accepted, 1);
    assert_eq!(late.store.counts().await.unwrap().waiting, 1);
    assert!(!is_on_disk(late.path(), SECRET));
    verifies(&late).await;
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
