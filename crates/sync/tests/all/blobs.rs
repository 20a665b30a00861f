use super::world::{Line, Site, hub, start, start_with};
use records::field::Value;
use records::id::{EntryId, Hash, RecordId};
use records::write::Edit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{BlobState, BlobStep, CHUNK_LEN, Options, RecordEdit, Store};

use super::world::{NOW, action, bytes};

pub(super) fn content(len: usize) -> Vec<u8> {
    let mut content = vec![0; len];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes::<16>());
    hasher.finalize_xof().fill(&mut content);
    content
}

impl Site {
    /// Writes a log item with this attachment.
    pub(super) async fn attach(&self, content: &[u8]) -> Hash {
        let mut upload = self.store.begin_upload(None, u64::MAX).await.unwrap();
        upload.write(content).await.unwrap();
        let blob = upload.finish(NOW).await.unwrap();
        let set = |field: &str, value| Edit::Set(field.to_owned(), value);
        let text = |text: &str| Value::Text(text.to_owned());
        let values = [
            ("name", text("现场.jpg")),
            ("mime", text("image/jpeg")),
            ("size", Value::Int(i64::try_from(blob.size).unwrap())),
            ("blob", Value::Blob(blob.hash)),
        ];
        let edit = RecordEdit {
            record: RecordId::new(self.identity.site(), bytes()),
            kind: "log_item",
            edits: vec![
                set("happened_at", Value::Int(NOW)),
                set("category", text("fire")),
                set("content", text("附现场照片")),
                Edit::AddEntry {
                    field: "attachments".to_owned(),
                    entry: EntryId(bytes()),
                    values: values.map(|(name, value)| (name.to_owned(), value)).into(),
                },
            ],
        };
        let written = self
            .store
            .commit(action(), move |_| Ok::<_, ()>(vec![edit]));
        written.await.unwrap();
        blob.hash
    }

    async fn until_whole(&self, hash: Hash) {
        let mut progress = self.links.blob_progress();
        let wait = async {
            loop {
                progress.borrow_and_update();
                let state = self.store.blob_state(hash).await.unwrap();
                if let BlobState::Whole { .. } = state {
                    return;
                }
                progress.changed().await.unwrap();
            }
        };
        if tokio::time::timeout(super::world::PATIENCE, wait)
            .await
            .is_err()
        {
            panic!(
                "{hash} is not here: {:?}",
                *self.links.blob_progress().borrow()
            );
        }
    }

    async fn read(&self, hash: Hash) -> Vec<u8> {
        use std::io::Read as _;
        let mut open = self.store.open_blob(hash, NOW).await.unwrap().unwrap();
        let mut bytes = Vec::new();
        open.file.read_to_end(&mut bytes).unwrap();
        bytes
    }
}

#[tokio::test]
async fn a_photo_reaches_every_site_by_itself() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    let west = hub.campus("西校区值班室", "W").await;
    let photo = content(700_000);
    let hash = east.attach(&photo).await;
    hub.until_whole(hash).await;
    west.until_whole(hash).await;
    assert_eq!(west.read(hash).await, photo);
}

#[tokio::test]
async fn a_video_comes_through_the_hub_when_somebody_asks_and_not_before() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    let west = hub.campus("西校区值班室", "W").await;
    let video = content(9 * CHUNK_LEN + 123);
    let hash = east.attach(&video).await;
    // A photo that came later is here, so the video would be, too, if it came by itself.
    let photo = east.attach(&content(10)).await;
    west.until_whole(photo).await;
    assert_eq!(
        west.store.blob_state(hash).await.unwrap(),
        BlobState::Absent
    );
    west.links.fetch_blob(hash).await.unwrap();
    west.until_whole(hash).await;
    assert_eq!(west.read(hash).await, video);
    // The hub has fetched it to give it on.
    hub.until_whole(hash).await;
}

#[tokio::test]
async fn a_fetch_that_was_cut_goes_on_after_a_restart() {
    let hub = hub().await;
    let line = Line::to(hub.links.local_addr()).await;
    let (dir, identity) = hub.joined("东校区值班室", "E").await;
    let east = start(dir, identity, vec![line.address]).await;
    let video = content(40 * CHUNK_LEN);
    let hash = hub.attach(&video).await;
    east.until_holds(&hub).await;
    east.links.fetch_blob(hash).await.unwrap();
    let mut progress = east.links.blob_progress();
    let some = progress.wait_for(|all| all.get(&hash).is_some_and(|blob| blob.here > 0));
    some.await.unwrap();
    let (dir, identity, _) = east.stop().await;
    hub.until_down(identity.site()).await;
    let east = start(dir, identity, vec![hub.links.local_addr()]).await;
    east.until_whole(hash).await;
    assert_eq!(east.read(hash).await, video);
}

#[tokio::test]
async fn a_blob_asked_for_while_cut_off_comes_once_the_line_is_back() {
    let hub = hub().await;
    let line = Line::to(hub.links.local_addr()).await;
    let (dir, identity) = hub.joined("东校区值班室", "E").await;
    let east = start(dir, identity, vec![line.address]).await;
    let hash = hub.attach(&content(5 * CHUNK_LEN)).await;
    east.until_holds(&hub).await;
    line.swallow(true);
    east.until_down(hub.id()).await;
    east.links.fetch_blob(hash).await.unwrap();
    line.swallow(false);
    east.until_whole(hash).await;
}

#[tokio::test]
async fn a_site_whose_disk_has_no_room_keeps_its_journals_and_takes_the_blob_later() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    let full = store::BlobLimits {
        quota: 10,
        min_free: 0,
    };
    east.store.set_blob_limits(full);
    let hash = hub.attach(&content(1_000)).await;
    let mut progress = east.links.blob_progress();
    let no_room = |blob: &sync::status::BlobProgress| blob.state == sync::status::BlobFetch::NoRoom;
    let refused = progress.wait_for(|all| all.get(&hash).is_some_and(no_room));
    tokio::time::timeout(super::world::PATIENCE, refused)
        .await
        .unwrap()
        .unwrap();
    hub.write(2).await;
    east.until_holds(&hub).await;
    east.store.set_blob_limits(store::BlobLimits::default());
    east.links.fetch_blob(hash).await.unwrap();
    east.until_whole(hash).await;
}

#[tokio::test]
async fn a_blob_that_a_disk_failed_to_take_comes_once_it_takes_it() {
    let hub = hub().await;
    let (dir, identity) = hub.joined("东校区值班室", "E").await;
    let fails = Arc::new(AtomicBool::new(true));
    let failing = fails.clone();
    let options = Options {
        blob_stop_at: Some(Arc::new(move |step| {
            step == BlobStep::Written && failing.load(Ordering::SeqCst)
        })),
        ..Options::default()
    };
    let store = Store::open_with(dir.path(), options).await.unwrap();
    let (listen, dial) = (([127, 0, 0, 1], 0).into(), vec![hub.links.local_addr()]);
    let east = start_with(dir, identity, store, listen, dial).await;
    let hash = hub.attach(&content(3 * CHUNK_LEN)).await;
    let mut progress = east.links.blob_progress();
    let no_room = |blob: &sync::status::BlobProgress| blob.state == sync::status::BlobFetch::NoRoom;
    let refused = progress.wait_for(|all| all.get(&hash).is_some_and(no_room));
    let refused = tokio::time::timeout(super::world::PATIENCE, refused).await;
    refused.unwrap().unwrap();
    fails.store(false, Ordering::SeqCst);
    east.links.fetch_blob(hash).await.unwrap();
    east.until_whole(hash).await;
}
