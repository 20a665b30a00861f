//! Erasure: content goes everywhere, proof stays, and all sites agree whatever arrived first.

use super::support::{
    EAST, HUB, MORNING, Site, WEST, action, amendment, creation, decree, forge, journal, log_item,
    quick, raw, record, section, sections, shared_rows,
};
use records::bundle::Bundle;
use records::field::Value;
use records::id::{JournalId, RecordId};
use records::payload::{InstitutionOp, Section, encode};
use records::write;
use std::convert::Infallible;
use std::path::Path;
use store::verify::verify;
use store::{Admission, CommitError, Filter, Quarantined, RecordRow, Remains, Store, StoreError};

/// Words that stand nowhere but in the erased record.
pub(super) const SECRET: &str = "学生王小明被送往𠮷祥医院";

/// A character of it that stands in no other record, and begins with a byte that no other does:
/// the index stores of each word only what it has not in common with the one before.
const RARE: &str = "𠮷";

/// Names everything the hub holds of a record in one decision.
pub(crate) async fn erase(hub: &Site, id: RecordId) {
    let remains = hub.store.remains(id).await.unwrap();
    decree(&hub.store, erasure_of(id, &remains)).await;
}

pub(super) fn erasure_of(record: RecordId, remains: &Remains) -> InstitutionOp {
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
pub(super) fn is_on_disk(dir: &Path, words: &str) -> bool {
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
pub(super) async fn state(site: &Site) -> (Vec<RecordRow>, Vec<(String, u64, String)>) {
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

pub(super) async fn verifies(site: &Site) {
    let report = verify(site.path(), |_| ()).await.unwrap();
    assert_eq!(report.first_bad, None);
}

pub(super) async fn decrees(hub: &Site) -> Vec<Bundle> {
    journal(&hub.store, JournalId::INSTITUTION).await
}

/// East has written the record and amended it, West and the hub have it.
pub(super) async fn three_sites() -> (Site, Site, Site) {
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
