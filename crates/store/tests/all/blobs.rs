//! Blobs at one site: taking them in, naming them, their quota, and what goes again.

use super::blob_fetch::{LARGE, attached, fetch};
use super::erase::erase;
use super::support::{EAST, HUB, MORNING, Site, log_item, quick, record, text};
use records::field::Value;
use records::id::{EntryId, Hash};
use records::write::Edit;
use std::io::Read as _;
use std::sync::Arc;
use store::{
    BlobError, BlobLimits, BlobState, BlobStep, CHUNK_LEN, EAGER_LEN, Options, RecordEdit, Uploaded,
};

pub(crate) const MAX: u64 = 64 << 20;
const DAY: i64 = 24 * 3_600_000;

pub(crate) fn content(len: usize, seed: u8) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[seed]);
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

pub(crate) async fn upload(site: &Site, bytes: &[u8]) -> Result<Uploaded, BlobError> {
    let mut upload = site.store.begin_upload(None, MAX).await?;
    for part in bytes.chunks(70_000) {
        upload.write(part).await?;
    }
    upload.finish(MORNING).await
}

/// Names a blob in an attachment of the record.
pub(crate) fn attach(number: u8, entry: u8, blob: Hash, size: u64) -> RecordEdit {
    let values = [
        ("name", text("现场.jpg")),
        ("mime", text("image/jpeg")),
        ("size", Value::Int(i64::try_from(size).unwrap())),
        ("blob", Value::Blob(blob)),
    ];
    RecordEdit {
        record: record(EAST, number),
        kind: "log_item",
        edits: vec![Edit::AddEntry {
            field: "attachments".to_owned(),
            entry: EntryId([entry; 16]),
            values: values.map(|(name, value)| (name.to_owned(), value)).into(),
        }],
    }
}

pub(crate) async fn bytes_of(site: &Site, hash: Hash) -> Option<Vec<u8>> {
    let mut open = site.store.open_blob(hash, MORNING).await.unwrap()?;
    let mut bytes = Vec::new();
    open.file.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, open.size);
    Some(bytes)
}

/// Every file under the blobs' folder.
pub(crate) fn files(site: &Site) -> Vec<std::path::PathBuf> {
    fn walk(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(&path, found),
                false => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    walk(&site.path().join("blobs"), &mut found);
    found
}

#[tokio::test]
async fn what_is_uploaded_reads_the_same_and_is_named_by_its_content() {
    let east = Site::open(EAST).await;
    for len in [1, CHUNK_LEN, 2 * CHUNK_LEN + 5] {
        let bytes = content(len, 1);
        let blob = upload(&east, &bytes).await.unwrap();
        assert_eq!(blob.hash.0, *blake3::hash(&bytes).as_bytes());
        assert_eq!(bytes_of(&east, blob.hash).await, Some(bytes));
    }
    assert!(matches!(upload(&east, b"").await, Err(BlobError::Empty)));
}

#[tokio::test]
async fn the_same_content_twice_is_one_file() {
    let east = Site::open(EAST).await;
    let bytes = content(CHUNK_LEN + 1, 1);
    let first = upload(&east, &bytes).await.unwrap();
    assert_eq!(upload(&east, &bytes).await.unwrap(), first);
    assert_eq!(files(&east).len(), 1);
    let counts = east.store.blob_counts().await.unwrap();
    assert_eq!((counts.whole, counts.bytes), (1, bytes.len() as u64));
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing_and_takes_no_room() {
    let east = Site::open(EAST).await;
    let mut upload = east.store.begin_upload(Some(1 << 20), MAX).await.unwrap();
    upload.write(&content(CHUNK_LEN, 1)).await.unwrap();
    drop(upload);
    assert!(files(&east).is_empty());
    assert_eq!(east.store.blob_counts().await.unwrap().bytes, 0);
}

#[tokio::test]
async fn a_crash_between_any_two_steps_leaves_no_half_blob() {
    for step in BlobStep::ALL {
        let options = Options {
            blob_stop_at: Some(Arc::new(move |at| at == step)),
            ..quick()
        };
        let east = Site::open_with(EAST, options).await;
        let bytes = content(2 * CHUNK_LEN + 9, 7);
        let answer = upload(&east, &bytes).await;
        let uploads = [
            BlobStep::Written,
            BlobStep::Synced,
            BlobStep::Renamed,
            BlobStep::Rowed,
        ];
        assert_eq!(answer.is_err(), uploads.contains(&step), "{step:?}");
        let east = east.reopen(quick()).await;
        let hash = Hash(*blake3::hash(&bytes).as_bytes());
        if let Some(found) = bytes_of(&east, hash).await {
            assert_eq!(found, bytes, "{step:?}");
        }
        upload(&east, &bytes).await.unwrap();
        assert_eq!(bytes_of(&east, hash).await, Some(bytes), "{step:?}");
        east.store.tidy_blobs(MORNING).await.unwrap();
        assert_eq!(files(&east).len(), 1, "{step:?}: {:?}", files(&east));
    }
}

#[tokio::test]
async fn a_file_that_no_row_lists_is_swept() {
    let options = Options {
        blob_stop_at: Some(Arc::new(|step| step == BlobStep::Renamed)),
        ..quick()
    };
    let east = Site::open_with(EAST, options).await;
    assert!(upload(&east, &content(99, 1)).await.is_err());
    assert_eq!(files(&east).len(), 1);
    assert_eq!(east.store.tidy_blobs(MORNING).await.unwrap(), 1);
    assert!(files(&east).is_empty());
}

#[tokio::test]
async fn what_is_never_attached_goes_after_a_day_and_what_is_attached_stays() {
    let east = Site::open(EAST).await;
    east.log(1, "东门").await;
    let kept = upload(&east, &content(10, 1)).await.unwrap();
    let orphan = upload(&east, &content(10, 2)).await.unwrap();
    east.act(2, vec![attach(1, 1, kept.hash, kept.size)]).await;
    assert_eq!(east.store.tidy_blobs(MORNING + DAY).await.unwrap(), 0);
    assert_eq!(east.store.tidy_blobs(MORNING + DAY + 1).await.unwrap(), 1);
    assert!(bytes_of(&east, kept.hash).await.is_some());
    assert_eq!(bytes_of(&east, orphan.hash).await, None);
    assert_eq!(files(&east).len(), 1);
}

#[tokio::test]
async fn a_full_quota_refuses_uploads_and_never_drops_what_only_this_site_has() {
    let east = Site::open(EAST).await;
    let limits = BlobLimits {
        quota: 3 * EAGER_LEN,
        min_free: 0,
    };
    east.store.set_blob_limits(limits);
    let len = usize::try_from(2 * EAGER_LEN).unwrap();
    let first = upload(&east, &content(len, 1)).await.unwrap();
    let refused = east.store.begin_upload(Some(2 * EAGER_LEN), MAX).await;
    assert!(matches!(refused, Err(BlobError::Quota)));
    // Nobody said how long it would be: refused while it comes in.
    let refused = upload(&east, &content(len, 2)).await;
    assert!(matches!(refused, Err(BlobError::Quota)));
    assert_eq!(files(&east).len(), 1);
    assert!(bytes_of(&east, first.hash).await.is_some());
    // Duty goes on.
    east.log(1, "附件已满，值班照常").await;
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_takes_no_blob_and_a_long_one_is_refused() {
    let east = Site::open(EAST).await;
    let limits = BlobLimits {
        min_free: u64::MAX,
        ..BlobLimits::default()
    };
    east.store.set_blob_limits(limits);
    let refused = upload(&east, &content(10, 1)).await;
    assert!(matches!(refused, Err(BlobError::DiskFull)));
    east.store.set_blob_limits(BlobLimits {
        min_free: 0,
        ..limits
    });
    let refused = east.store.begin_upload(Some(MAX + 1), MAX).await;
    assert!(matches!(refused, Err(BlobError::TooLong)));
    let mut sly = east.store.begin_upload(Some(5), 8).await.unwrap();
    assert!(matches!(sly.write(&[0; 9]).await, Err(BlobError::TooLong)));
}

#[tokio::test]
async fn a_record_names_its_blobs_in_rows_and_through_a_rebuild() {
    let east = Site::open(EAST).await;
    let blob = upload(&east, &content(10, 1)).await.unwrap();
    let new = log_item(record(EAST, 1), "附照片");
    east.act(1, vec![new, attach(1, 1, blob.hash, blob.size)])
        .await;
    let refs = east.store.blob_refs(blob.hash).await.unwrap();
    assert_eq!((refs.len(), refs[0].record), (1, record(EAST, 1)));
    assert_eq!(east.rows().await[0].attachments, 1);
    east.store.rebuild().await.unwrap();
    assert_eq!(east.store.blob_refs(blob.hash).await.unwrap(), refs);
    assert!(east.store.wanted_blobs(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn blobs_follow_an_erased_record_whole_or_half_here_unless_another_names_them() {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    let mut hashes = Vec::new();
    for (seed, records) in [(1, vec![1]), (2, vec![1]), (3, vec![1, 2])] {
        let blob = upload(&east, &content(LARGE, seed)).await.unwrap();
        for number in records {
            let new = log_item(record(EAST, number), "附照片");
            let edits = vec![new, attach(number, seed, blob.hash, blob.size)];
            east.act(seed * 10 + number, edits).await;
        }
        hashes.push(blob.hash);
    }
    east.send_to(&hub).await;
    for (hash, chunks) in hashes.iter().zip([99, 2, 99]) {
        fetch(&east.store, &hub.store, *hash, chunks).await.unwrap();
    }
    erase(&hub, record(EAST, 1)).await;
    hub.send_to(&east).await;
    for site in [&east, &hub] {
        site.store.tidy_blobs(MORNING).await.unwrap();
        for gone in &hashes[..2] {
            let state = site.store.blob_state(*gone).await.unwrap();
            assert_eq!(state, BlobState::Absent);
        }
        assert!(bytes_of(site, hashes[2]).await.is_some());
        assert_eq!(files(site).len(), 1);
        assert!(site.store.wanted_blobs(9).await.unwrap().is_empty());
    }
    erase(&hub, record(EAST, 2)).await;
    hub.store.tidy_blobs(MORNING).await.unwrap();
    assert!(files(&hub).is_empty());
}

#[tokio::test]
async fn the_last_chunk_of_an_erased_blob_does_not_bring_it_back() {
    let hub = Site::open(HUB).await;
    let (east, hash) = attached(&hub, 1, &content(LARGE, 1)).await;
    hub.store.ask_for_blob(hash, MORNING).await.unwrap();
    let manifest = east.store.blob_manifest(hash).await.unwrap().unwrap();
    let known = manifest.clone();
    let mut incoming = hub
        .store
        .begin_fetch(hash, manifest, MORNING)
        .await
        .unwrap();
    let last = known.len() - 1;
    for index in 0..last {
        let chunk = east.store.blob_chunk(hash, index).await.unwrap().unwrap();
        incoming.put(index, chunk, MORNING).await.unwrap();
    }
    erase(&hub, record(EAST, 1)).await;
    let chunk = east.store.blob_chunk(hash, last).await.unwrap().unwrap();
    let refused = incoming.put(last, chunk, MORNING).await;
    assert!(matches!(refused, Err(BlobError::Unnamed)), "{refused:?}");
    // Nor does the manifest of one that came too late.
    let again = hub.store.begin_fetch(hash, known, MORNING).await;
    assert!(matches!(again, Err(BlobError::Unnamed)));
    assert!(files(&hub).is_empty());
    let state = hub.store.blob_state(hash).await.unwrap();
    assert_eq!(state, BlobState::Absent);
}

#[tokio::test]
async fn a_file_that_has_gone_is_asked_for_again() {
    let east = Site::open(EAST).await;
    east.log(1, "附照片").await;
    let blob = upload(&east, &content(10, 1)).await.unwrap();
    east.act(2, vec![attach(1, 1, blob.hash, blob.size)]).await;
    std::fs::remove_file(&files(&east)[0]).unwrap();
    assert_eq!(bytes_of(&east, blob.hash).await, None);
    let state = east.store.blob_state(blob.hash).await.unwrap();
    assert_eq!(state, BlobState::Absent);
    assert_eq!(east.store.wanted_blobs(9).await.unwrap()[0].hash, blob.hash);
}

#[tokio::test]
async fn an_attachment_needs_name_type_size_and_blob() {
    let east = Site::open(EAST).await;
    east.log(1, "附照片").await;
    let mut edit = attach(1, 1, Hash([1; 32]), 10);
    if let Edit::AddEntry { values, .. } = &mut edit.edits[0] {
        values.remove("blob");
    }
    let action = super::support::action(EAST, 2);
    let refused = east.store.commit(action, move |_| Ok::<_, ()>(vec![edit]));
    assert!(matches!(refused.await, Err(store::CommitError::Invalid(_))));
}
