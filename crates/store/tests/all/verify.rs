//! Proving a directory from its bytes.

use super::support::{EAST, HUB, MORNING, Site, WEST, decree, forge, raw, record, sections};
use records::bundle::{Bundle, Head};
use records::id::{Hash, JournalId};
use records::payload::{InstitutionOp, Section, encode};
use sqlx::SqliteConnection;
use std::path::Path;
use store::Admission;
use store::verify::{Anchors, BadReason, Compared, Progress, Report, verify, verify_against};

pub(super) async fn report(dir: &Path) -> Report {
    verify(dir, |_| ()).await.unwrap()
}

async fn two_sites() -> Site {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    east.log(1, "一").await;
    east.send_to(&hub).await;
    hub.log(1, "总值班室").await;
    hub.log(2, "总值班室").await;
    hub
}

#[tokio::test]
async fn a_sound_live_directory_verifies() {
    let hub = two_sites().await;
    let mut told = Progress::default();
    let report = verify(hub.path(), |progress| told = progress).await;
    let report = report.unwrap();
    assert_eq!((report.bundles, report.journals), (8, 3));
    assert_eq!((told.done, told.of), (8, 8));
    assert_eq!(report.institution, Some(super::support::institution()));
    assert_eq!(report.first_bad, None);
    hub.log(3, "照常写").await;
}

async fn bytes(conn: &mut SqliteConnection, column: &str, journal: JournalId) -> Vec<u8> {
    let select = format!("select {column} from bundle where site = $1 and seq = 1");
    sqlx::query_scalar(sqlx::AssertSqlSafe(select))
        .bind(journal.site.0.to_vec())
        .fetch_one(conn)
        .await
        .unwrap()
}

async fn put(conn: &mut SqliteConnection, column: &str, journal: JournalId, bytes: &[u8]) {
    let update = format!("update bundle set {column} = $2 where site = $1 and seq = 1");
    sqlx::query(sqlx::AssertSqlSafe(update))
        .bind(journal.site.0.to_vec())
        .bind(bytes.to_vec())
        .execute(conn)
        .await
        .unwrap();
}

#[tokio::test]
async fn any_changed_byte_of_a_header_payload_or_signature_is_found_and_named() {
    let hub = two_sites().await;
    let mut conn = raw(hub.path()).await;
    for (journal, name) in [
        (JournalId::INSTITUTION, "institution incarnation 0 seq 1"),
        (EAST.journal(), "E incarnation 1 seq 1"),
    ] {
        for column in ["header", "payload", "signature"] {
            let sound = bytes(&mut conn, column, journal).await;
            for position in (0..sound.len()).step_by(3) {
                let mut bad = sound.clone();
                bad[position] ^= 1 << (position % 8);
                put(&mut conn, column, journal, &bad).await;
                let found = report(hub.path()).await.first_bad;
                let found = found.unwrap_or_else(|| panic!("{column} byte {position} of {name}"));
                assert_eq!(found.name.seq, 1, "{column} byte {position}");
                assert_eq!(found.name.journal, journal, "{column} byte {position}");
                // Without a founding nobody can be called by a code.
                if journal != JournalId::INSTITUTION {
                    assert_eq!(found.to_string(), name, "{column} byte {position}");
                }
            }
            put(&mut conn, column, journal, &sound).await;
        }
    }
    assert_eq!(report(hub.path()).await.first_bad, None);
}

#[tokio::test]
async fn a_missing_bundle_is_named_by_its_own_place() {
    let hub = two_sites().await;
    let mut conn = raw(hub.path()).await;
    sqlx::query("delete from bundle where site = $1 and seq = 1")
        .bind(HUB.site().0.to_vec())
        .execute(&mut conn)
        .await
        .unwrap();
    let bad = report(hub.path()).await.first_bad.unwrap();
    assert_eq!(bad.to_string(), "Z incarnation 1 seq 1");
    assert_eq!(bad.reason, BadReason::Chain);
}

/// East's journal as it was, with what the hub saw of it after three and after six bundles.
pub(super) async fn honest() -> (Site, Site) {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    for number in 1..=8 {
        east.log(number, &format!("第 {number} 条")).await;
        if number == 3 || number == 6 {
            east.send_to(&hub).await;
            hub.log(number, "总值班室看到了").await;
        }
    }
    east.send_to(&hub).await;
    (east, hub)
}

/// What somebody with East's key and database makes of it: the fifth bundle says something
/// else, and everything after it is signed anew.
pub(super) async fn rewritten() -> Site {
    let east = Site::open(EAST).await;
    for number in 1..=8 {
        let content = match number {
            5 => "从来没有发生过".to_owned(),
            number => format!("第 {number} 条"),
        };
        east.log(number, &content).await;
    }
    east
}

#[tokio::test]
async fn a_rewritten_past_holds_by_itself_and_contradicts_what_others_signed() {
    let (_, hub) = honest().await;
    let forger = rewritten().await;
    let alone = report(forger.path()).await;
    assert_eq!((alone.bundles, alone.first_bad), (13, None));
    let answers = forger.store.admit(hub.own().await, MORNING).await.unwrap();
    let held = Admission::Held {
        head: hub.store.frontier()[1],
        code: "dep_on_branch",
    };
    assert!(answers.contains(&held), "{answers:?}");
    let report = report(forger.path()).await;
    assert_eq!(
        report.first_bad, None,
        "one word against another is no proof"
    );
    assert!(!report.holds());
    let disputed = &report.disputed[0];
    assert_eq!(disputed.place.to_string(), "E incarnation 1 seq 6");
    assert_eq!(disputed.witness.to_string(), "Z incarnation 1 seq 2");
    assert_eq!(disputed.saw, at(&hub, 6).await.hash());
    assert_eq!(disputed.held, Some(forger.own().await[5].hash()));
    assert_eq!(disputed.agreed, 3, "the hub saw three that still stand");
}

/// West signs that it saw something else of the institution's journal and of East's than there
/// is, and something of its own journal and of a place before the first.
async fn lied_to() -> Site {
    let (east, hub) = honest().await;
    let head = |journal, seq| Head {
        journal,
        seq,
        hash: Hash([0xee; 32]),
    };
    let mut lie = forge(WEST, head(JournalId::INSTITUTION, 2), &[]);
    let mut header = lie.decode_header().unwrap();
    header.deps.push(head(EAST.journal(), 4));
    header.deps.push(head(WEST.journal(), 1));
    header.deps.push(head(HUB.journal(), 0));
    lie = Bundle::sign(&header, lie.payload, &WEST.key());
    let answers = hub.store.admit(vec![lie], MORNING).await.unwrap();
    assert!(
        matches!(
            answers[..],
            [Admission::Held {
                code: "dep_on_branch",
                ..
            }]
        ),
        "{answers:?}"
    );
    drop(east);
    hub
}

#[tokio::test]
async fn a_lying_witness_is_named_and_accuses_nobody() {
    let hub = lied_to().await;
    let report = report(hub.path()).await;
    assert_eq!(report.first_bad, None);
    let told = report.disputed.iter();
    let told: Vec<_> = told
        .map(|word| (word.witness.to_string(), word.place.to_string()))
        .collect();
    let places = [
        "institution incarnation 0 seq 2",
        "Z incarnation 1 seq 0",
        "E incarnation 1 seq 4",
        "W incarnation 1 seq 1",
    ];
    let expected = places.map(|place| ("W incarnation 1 seq 1".to_owned(), place.to_owned()));
    assert_eq!(told, expected);
    assert!(!report.holds());
}

#[tokio::test]
async fn a_lying_witness_hides_no_bad_bundle() {
    let hub = lied_to().await;
    let forger = rewritten().await;
    let bad = compared(hub.path(), forger.path()).await.first_bad.unwrap();
    assert_eq!(bad.to_string(), "E incarnation 1 seq 5");
    let mut conn = raw(hub.path()).await;
    sqlx::query("delete from bundle where site = $1 and seq >= 6")
        .bind(EAST.site().0.to_vec())
        .execute(&mut conn)
        .await
        .unwrap();
    let report = report(hub.path()).await;
    assert_eq!(report.first_bad.unwrap().reason.code(), "dependency");
    assert!(!report.disputed.is_empty());
}

#[tokio::test]
async fn a_row_with_ids_that_cannot_be_is_a_bad_bundle() {
    for (column, value) in [
        ("hash", "x'01'"),
        ("site", "x'020202'"),
        ("incarnation", "-5"),
    ] {
        let (_, hub) = honest().await;
        let mut conn = raw(hub.path()).await;
        let change = format!("update bundle set {column} = {value} where site = $1 and seq = 8");
        sqlx::query(sqlx::AssertSqlSafe(change))
            .bind(EAST.site().0.to_vec())
            .execute(&mut conn)
            .await
            .unwrap();
        let bad = report(hub.path()).await.first_bad;
        let reason = bad.map(|bad| bad.reason.code());
        assert!(
            matches!(reason, Some("signature" | "misplaced")),
            "{column}: {reason:?}"
        );
    }
}

/// A bundle of East's as `site` holds it.
async fn at(site: &Site, seq: usize) -> Bundle {
    let journal = super::support::journal(&site.store, EAST.journal()).await;
    journal[seq - 1].clone()
}

pub(super) async fn compared(here: &Path, there: &Path) -> Report {
    let anchors = Anchors {
        against: Some(there),
        ..Anchors::default()
    };
    verify_against(here, anchors, |_| ()).await.unwrap()
}

#[tokio::test]
async fn another_sites_directory_tells_the_very_bundle_that_was_rewritten() {
    let (east, hub) = honest().await;
    let forger = rewritten().await;
    let bad = compared(forger.path(), hub.path()).await.first_bad.unwrap();
    assert_eq!(bad.to_string(), "E incarnation 1 seq 5");
    let differs = BadReason::Differs {
        held: forger.own().await[4].hash(),
        there: at(&hub, 5).await.hash(),
    };
    assert_eq!(bad.reason, differs);
    let agrees = compared(east.path(), hub.path()).await;
    assert!(agrees.holds());
    let expected = Compared::Agrees {
        common: 13,
        only_here: 0,
        only_there: 2,
    };
    assert_eq!(agrees.compared, Some(expected));
}

/// The hub holds one side of a fork, the forger made the other, and West wrote on the latter.
pub(super) async fn forked_where_west_saw_the_other_side() -> (Site, Site) {
    let (_, hub) = honest().await;
    let (forger, west) = (rewritten().await, Site::open(WEST).await);
    forger.send_to(&west).await;
    west.log(1, "西校区看到另一支").await;
    forger.send_to(&hub).await;
    west.send_to(&hub).await;
    (hub, forger)
}

#[tokio::test]
async fn a_known_fork_is_listed_and_what_depends_on_its_branch_contradicts_nothing() {
    let (hub, forger) = forked_where_west_saw_the_other_side().await;
    let report = report(hub.path()).await;
    assert_eq!(report.first_bad, None);
    let fork = &report.forks.iter().find(|fork| fork.name.seq == 5).unwrap();
    assert_eq!(fork.name.to_string(), "E incarnation 1 seq 5");
    assert_eq!(fork.branch, forger.own().await[4].hash());
    assert_eq!(fork.held, Some(at(&hub, 5).await.hash()));
}

#[tokio::test]
async fn waiting_bundles_and_branches_are_proved_too() {
    let (east, hub) = honest().await;
    let forger = rewritten().await;
    let late = Site::open(WEST).await;
    let own = east.own().await;
    late.store.admit(own[..4].to_vec(), MORNING).await.unwrap();
    late.store.admit(own[6..].to_vec(), MORNING).await.unwrap();
    assert_eq!(report(late.path()).await.waiting, 2);
    forger.send_to(&hub).await;
    assert!(report(hub.path()).await.branches > 0);
    for (site, table) in [(&late, "waiting"), (&hub, "branch")] {
        let mut conn = raw(site.path()).await;
        let change = format!(
            "update {table} set payload = x'80' where hash = (select min(hash) from {table})"
        );
        let change = sqlx::query(sqlx::AssertSqlSafe(change));
        change.execute(&mut conn).await.unwrap();
        let bad = report(site.path()).await.first_bad.unwrap();
        assert_eq!(bad.reason, BadReason::Payload, "{table}");
        assert_eq!(bad.name.code, "E", "{table}");
    }
}

#[tokio::test]
async fn a_journal_cut_short_lacks_what_others_depend_on() {
    let (_, hub) = honest().await;
    let mut conn = raw(hub.path()).await;
    sqlx::query("delete from bundle where site = $1 and seq >= 6")
        .bind(EAST.site().0.to_vec())
        .execute(&mut conn)
        .await
        .unwrap();
    let bad = report(hub.path()).await.first_bad.unwrap();
    assert_eq!(bad.to_string(), "Z incarnation 1 seq 2");
    assert_eq!(bad.reason.code(), "dependency");
    assert!(bad.reason.to_string().contains("E incarnation 1 seq 6"));
}

/// Erases East's first item at the hub.
pub(super) async fn erase(hub: &Site) {
    let id = record(EAST, 1);
    let remains = hub.store.remains(id).await.unwrap();
    let op = InstitutionOp::Erase {
        record: id,
        sections: remains.sections.iter().map(|found| found.section).collect(),
        number: String::new(),
        reason: "保存期满".to_owned(),
    };
    decree(&hub.store, op).await;
}

#[tokio::test]
async fn erased_content_is_named_with_the_decision_that_took_it() {
    let (east, hub) = honest().await;
    let original = east.own().await[0].payload.clone();
    erase(&hub).await;
    let report = report(hub.path()).await;
    assert_eq!(report.first_bad, None);
    let erased: Vec<_> = report.erased.iter().collect();
    assert_eq!(erased.len(), 1);
    assert_eq!((erased[0].institution_seq, erased[0].sections), (6, 1));
    // Somebody puts the content back.
    let mut conn = raw(hub.path()).await;
    put(&mut conn, "payload", EAST.journal(), &original).await;
    let bad = self::report(hub.path()).await.first_bad.unwrap();
    assert_eq!(bad.to_string(), "E incarnation 1 seq 1");
    assert_eq!(bad.reason, BadReason::NotErased(6));
}

#[tokio::test]
async fn content_dropped_without_authority_is_a_bad_bundle() {
    let (east, hub) = honest().await;
    let sections = sections(&east.own().await[0]);
    let bare: Vec<_> = sections.iter().map(|s| Section::Erased(s.hash())).collect();
    let mut conn = raw(hub.path()).await;
    put(&mut conn, "payload", EAST.journal(), &encode(&bare)).await;
    let bad = report(hub.path()).await.first_bad.unwrap();
    assert_eq!(bad.to_string(), "E incarnation 1 seq 1");
    assert_eq!(bad.reason, BadReason::NotAuthorised);
}
