//! Proving a directory from its bytes.

use super::support::{EAST, HUB, Site};
use records::id::JournalId;
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;
use store::verify::{BadReason, Report, verify};

async fn raw(dir: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(dir.join("dutyroom.db"))
        .connect()
        .await
        .unwrap()
}

async fn report(dir: &Path) -> Report {
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
    let mut told = 0;
    let report = verify(hub.path(), |count| told = count).await.unwrap();
    assert_eq!((report.bundles, report.journals, told), (8, 3, 8));
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
                assert_eq!(found.seq, 1, "{column} byte {position}");
                assert_eq!(found.journal, journal, "{column} byte {position}");
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

#[tokio::test]
async fn a_rewritten_past_contradicts_what_others_signed() {
    let hub = two_sites().await;
    // East signs another first bundle, and somebody puts it in the place of the first.
    let east = Site::open(EAST).await;
    east.log(2, "改写的过去").await;
    let other = &east.own().await[0];
    let mut conn = raw(hub.path()).await;
    sqlx::query(
        "update bundle set hash = $2, header = $3, payload = $4, signature = $5 where site = $1",
    )
    .bind(EAST.site().0.to_vec())
    .bind(other.hash().0.to_vec())
    .bind(other.header.clone())
    .bind(other.payload.clone())
    .bind(other.signature.to_vec())
    .execute(&mut conn)
    .await
    .unwrap();
    let bad = report(hub.path()).await.first_bad.unwrap();
    assert_eq!(bad.reason, BadReason::Contradiction);
    assert_eq!(bad.to_string(), "Z incarnation 1 seq 1");
}
