//! Two sites without a network exchange files until they are equal.

use super::blobs::content;
use super::forking::{head, put_back};
use super::world::{NOW, Site, hub, rng, start};
use store::verify::verify;
use store::{BlobLimits, BlobState, Store};
use sync::carry::{CarryError, Exporter, Importer, Receivers, Summary};
use sync::decree::close;
use sync::identity::Identity;
use tempfile::{TempDir, tempdir};

async fn export(identity: &Identity, store: &Store, to: &[&str]) -> Vec<u8> {
    let names: Vec<String> = to.iter().map(ToString::to_string).collect();
    let receivers = Receivers::find(&store.trust(), identity.site(), &names).unwrap();
    let mut exporter = Exporter::new(identity, store, &receivers, NOW, &mut rng())
        .await
        .unwrap();
    let mut file = Vec::new();
    while let Some(bytes) = exporter.next().await.unwrap() {
        file.extend(bytes);
    }
    file
}

async fn import(identity: &Identity, store: &Store, file: &[u8]) -> Result<Summary, CarryError> {
    let mut importer = Importer::new(identity, store, NOW);
    importer.take(file).await?;
    importer.finish().await
}

/// A hub and a campus that joined it and then lost the line.
async fn apart() -> (Site, Site) {
    let hub = hub().await;
    let (dir, identity) = hub.joined("东校区值班室", "E").await;
    let campus = start(dir, identity, vec![]).await;
    (hub, campus)
}

#[tokio::test]
async fn files_in_both_directions_make_two_sites_equal_and_acknowledge() {
    let (hub, campus) = apart().await;
    hub.write(30).await;
    campus.write(40).await;
    let to_hub = export(&campus.identity, &campus.store, &["Z"]).await;
    let summary = import(&hub.identity, &hub.store, &to_hub).await.unwrap();
    assert_eq!(
        (summary.new, summary.from),
        (40, campus.id()),
        "{summary:?}"
    );
    let to_campus = export(&hub.identity, &hub.store, &["E"]).await;
    let summary = import(&campus.identity, &campus.store, &to_campus)
        .await
        .unwrap();
    assert_eq!((summary.new, summary.waiting), (30, 0), "{summary:?}");
    assert_eq!(hub.store.frontier(), campus.store.frontier());
    assert_eq!(campus.store.held_only_here(), 0);
    // The hub has not heard yet that the campus has its bundles.
    assert_eq!(hub.store.held_only_here(), 30);
    let back = export(&campus.identity, &campus.store, &["Z"]).await;
    let summary = import(&hub.identity, &hub.store, &back).await.unwrap();
    assert_eq!(
        (summary.bundles, summary.new),
        (0, 0),
        "nothing is sent twice: {summary:?}"
    );
    assert_eq!(hub.store.held_only_here(), 0);
    let report = verify(campus.dir.path(), |_| ()).await.unwrap();
    assert_eq!(report.first_bad, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_without_a_line_gets_the_adopted_branches_of_a_closed_journal_too() {
    let hub = hub().await;
    let (dir, identity) = hub.joined("西校区值班室", "W").await;
    let west = start(dir, identity, vec![]).await;
    let (dir, identity, branch) = put_back(&hub).await;
    let main = head(&hub, identity.journal);
    let east = start(dir, identity, vec![hub.links.local_addr()]).await;
    let arrived = |store: &Store| store.branches().contains(&branch);
    hub.until_store("the other side did not come", arrived)
        .await;
    let heads = vec![main, branch];
    let journal = main.journal;
    close(&hub.store, &hub.identity, journal, heads, NOW)
        .await
        .unwrap();
    east.stop().await;
    let file = export(&hub.identity, &hub.store, &["W"]).await;
    import(&west.identity, &west.store, &file).await.unwrap();
    // What came before the branch it depends on was held meanwhile.
    assert_eq!(west.store.quarantine().await.unwrap(), []);
    assert_eq!(west.store.frontier(), hub.store.frontier());
    assert_eq!(west.store.branches(), hub.store.branches());
    let counts = west.store.counts().await.unwrap();
    let at_hub = hub.store.counts().await.unwrap();
    assert_eq!(
        (counts.bundles, counts.changes, counts.records),
        (at_hub.bundles, at_hub.changes, at_hub.records)
    );
}

/// The hub's directory out of a backup, restored at `restored_ms`.
async fn restored(hub: &Site, restored_ms: i64) -> (TempDir, Store) {
    let (backup, dir) = (tempdir().unwrap(), tempdir().unwrap());
    store::backup::copy(hub.dir.path(), backup.path())
        .await
        .unwrap();
    let (journal, from) = (hub.identity.journal, backup.path());
    store::backup::put_back(from, dir.path(), journal, restored_ms)
        .await
        .unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    (dir, store)
}

#[tokio::test]
async fn a_restored_hub_without_a_line_decides_again_once_a_campus_has_sent_it_a_file() {
    let (hub, campus) = apart().await;
    campus.write(2).await;
    let to_campus = export(&hub.identity, &hub.store, &["E"]).await;
    import(&campus.identity, &campus.store, &to_campus)
        .await
        .unwrap();
    let file = export(&campus.identity, &campus.store, &["Z"]).await;
    for (restored_ms, unconfirmed) in [(NOW + 1, true), (NOW - 1, false)] {
        let (_dir, store) = restored(&hub, restored_ms).await;
        assert!(store.is_unconfirmed());
        import(&hub.identity, &store, &file).await.unwrap();
        assert_eq!(store.is_unconfirmed(), unconfirmed);
    }
}

#[tokio::test]
async fn a_restored_hub_that_is_alone_waits_for_nobody() {
    let hub = hub().await;
    let (_dir, store) = restored(&hub, NOW).await;
    assert!(!store.is_unconfirmed());
}

#[tokio::test]
async fn photos_come_with_the_records_that_name_them_and_a_video_waits_for_a_link() {
    let (hub, campus) = apart().await;
    let photo = campus.attach(&content(600_000)).await;
    let video = campus.attach(&content(3_000_000)).await;
    let file = export(&campus.identity, &campus.store, &["Z"]).await;
    let summary = import(&hub.identity, &hub.store, &file).await.unwrap();
    assert_eq!((summary.new, summary.blobs), (2, 1), "{summary:?}");
    let whole = BlobState::Whole { size: 600_000 };
    assert_eq!(hub.store.blob_state(photo).await.unwrap(), whole);
    assert_eq!(
        hub.store.blob_state(video).await.unwrap(),
        BlobState::Absent
    );
    let again = import(&hub.identity, &hub.store, &file).await.unwrap();
    assert_eq!((again.new, again.blobs), (0, 0), "{again:?}");
}

#[tokio::test]
async fn a_photo_without_room_is_said_and_its_record_comes_all_the_same() {
    let (hub, campus) = apart().await;
    let photo = campus.attach(&content(600_000)).await;
    let file = export(&campus.identity, &campus.store, &["Z"]).await;
    hub.store.set_blob_limits(BlobLimits {
        quota: 100_000,
        ..BlobLimits::default()
    });
    let summary = import(&hub.identity, &hub.store, &file).await.unwrap();
    let counts = (summary.new, summary.blobs, summary.blobs_without_room);
    assert_eq!(counts, (1, 0, 1), "{summary:?}");
    assert_eq!(
        hub.store.blob_state(photo).await.unwrap(),
        BlobState::Absent
    );
}

#[tokio::test]
async fn a_link_that_comes_up_after_the_files_sends_nothing_twice() {
    let (hub, campus) = apart().await;
    hub.write(200).await;
    campus.write(200).await;
    let file = export(&campus.identity, &campus.store, &["Z"]).await;
    import(&hub.identity, &hub.store, &file).await.unwrap();
    let file = export(&hub.identity, &hub.store, &["E"]).await;
    import(&campus.identity, &campus.store, &file)
        .await
        .unwrap();
    let (dir, identity, _) = campus.stop().await;
    drop_until_unlocked(&dir).await;
    let campus = start(dir, identity, vec![hub.links.local_addr()]).await;
    campus.until_up(hub.id()).await;
    campus.write(1).await;
    hub.until_holds(&campus).await;
    let sent = campus.links.sync_bytes_since_connect(hub.id()).unwrap();
    assert!(sent.sent + sent.received < 4_096, "{sent:?}");
}

/// Dropping the store joins its writer, so the directory is free once this returns.
async fn drop_until_unlocked(dir: &TempDir) {
    let store = Store::open(dir.path()).await.unwrap();
    drop(store);
}

#[tokio::test]
async fn the_same_file_twice_changes_nothing() {
    let (hub, campus) = apart().await;
    campus.write(10).await;
    let file = export(&campus.identity, &campus.store, &["all"]).await;
    import(&hub.identity, &hub.store, &file).await.unwrap();
    let heads = hub.store.frontier();
    let again = import(&hub.identity, &hub.store, &file).await.unwrap();
    assert_eq!(
        (again.new, again.forks, again.waiting),
        (0, 0, 0),
        "{again:?}"
    );
    assert_eq!(again.known, again.bundles);
    assert_eq!(hub.store.frontier(), heads);
}

#[tokio::test]
async fn what_came_before_a_cut_stands_and_the_whole_file_completes_it() {
    let (hub, campus) = apart().await;
    campus.write(300).await;
    let file = export(&campus.identity, &campus.store, &["Z"]).await;
    let half = import(&hub.identity, &hub.store, &file[..file.len() * 9 / 10]).await;
    assert!(matches!(half, Err(CarryError::Cut(_))), "{half:?}");
    let report = verify(hub.dir.path(), |_| ()).await.unwrap();
    assert_eq!(report.first_bad, None);
    import(&hub.identity, &hub.store, &file).await.unwrap();
    assert_eq!(hub.store.frontier(), campus.store.frontier());
}

#[tokio::test]
async fn a_site_beside_which_another_file_is_written_reads_on() {
    let (hub, campus) = apart().await;
    campus.write(5).await;
    let beside = Store::open_read_only(campus.dir.path()).await.unwrap();
    let file = export(&campus.identity, &beside, &["Z"]).await;
    campus.write(5).await;
    let summary = import(&hub.identity, &hub.store, &file).await.unwrap();
    assert_eq!(summary.new, 5);
}

#[tokio::test]
async fn an_unknown_receiver_is_named() {
    let (hub, _campus) = apart().await;
    let found = Receivers::find(&hub.store.trust(), hub.id(), &["Q".to_owned()]);
    assert!(matches!(found, Err(CarryError::UnknownSite(name)) if name == "Q"));
}
