//! Scrubs between real sites: what a disk has lost comes back from a peer.

use super::world::{Site, hub};
use records::id::JournalId;
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};
use std::path::Path;
use std::time::Duration;
use store::verify::verify;
use sync::scrub::Report;

/// Waits for the next scrub of `site` with `peer`.
async fn scrub(site: &Site, peer: &Site) -> Report {
    let mut status = site.links.scrubs();
    let before = status.borrow_and_update().count;
    site.links.scrub();
    let ended = status.wait_for(|status| status.count > before);
    let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
    let status = ended.expect("the scrub ends").unwrap();
    status.peers[&peer.id()]
}

async fn damage(dir: &Path, sql: &'static str, journal: JournalId) {
    let options = SqliteConnectOptions::new().filename(dir.join("dutyroom.db"));
    let mut conn = options.connect().await.unwrap();
    let done = sqlx::query(sql)
        .bind(journal.site.0.to_vec())
        .execute(&mut conn)
        .await
        .unwrap();
    assert!(done.rows_affected() > 0);
}

async fn assert_clean(site: &Site) {
    let report = verify(site.dir.path(), |_| ()).await.unwrap();
    assert_eq!(report.first_bad, None);
    assert_eq!(site.store.holes().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_sites_prove_it_in_one_question() {
    let hub = hub().await;
    let campus = hub.campus("东校区值班室", "E").await;
    campus.until_up(hub.id()).await;
    campus.write(20).await;
    hub.until_holds(&campus).await;
    let report = scrub(&campus, &hub).await;
    assert!(report.complete, "{report:?}");
    assert_eq!(
        (report.rounds, report.missing_here, report.missing_there),
        (1, 0, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_lost_and_damaged_on_both_disks_come_back_and_verify_is_clean() {
    let hub = hub().await;
    let campus = hub.campus("东校区值班室", "E").await;
    campus.until_up(hub.id()).await;
    campus.write(30).await;
    hub.write(10).await;
    hub.until_holds(&campus).await;
    campus.until_holds(&hub).await;
    let (of_campus, of_hub) = (campus.identity.journal, hub.identity.journal);
    damage(
        hub.dir.path(),
        "delete from bundle where site = $1 and seq between 5 and 20",
        of_campus,
    )
    .await;
    damage(
        hub.dir.path(),
        "update bundle set payload = zeroblob(length(payload)) where site = $1 and seq = 4",
        of_hub,
    )
    .await;
    damage(
        campus.dir.path(),
        "update bundle set signature = zeroblob(64) where site = $1 and seq in (2, 30)",
        of_campus,
    )
    .await;
    let report = scrub(&hub, &campus).await;
    assert!(report.complete, "{report:?}");
    assert_eq!(
        (report.missing_here, report.mended_here),
        (17, 17),
        "{report:?}"
    );
    let report = scrub(&campus, &hub).await;
    assert_eq!(
        (report.missing_here, report.mended_here),
        (2, 2),
        "{report:?}"
    );
    assert_clean(&hub).await;
    assert_clean(&campus).await;
    let report = scrub(&hub, &campus).await;
    assert_eq!(
        (report.missing_here, report.missing_there),
        (0, 0),
        "{report:?}"
    );
}
