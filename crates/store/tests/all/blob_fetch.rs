//! Blobs that come from another site: what is asked for, verified, kept and dropped again.

use super::blobs::{MAX, attach, bytes_of, content, files, upload};
use super::support::{EAST, MORNING, Site, WEST, log_item, quick, record};
use records::field::Value;
use records::id::Hash;
use records::write::Edit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{
    BlobError, BlobLimits, BlobState, BlobStep, CHUNK_LEN, EAGER_LEN, Manifest, Options, Progress,
    Store,
};

pub(crate) const LARGE: usize = 5 * CHUNK_LEN + 17;

/// A blob attached at the eastern campus, which the western one knows of.
pub(crate) async fn attached(west: &Site, number: u8, bytes: &[u8]) -> (Site, Hash) {
    let east = Site::open(EAST).await;
    let blob = upload(&east, bytes).await.unwrap();
    let new = log_item(record(EAST, number), "附照片");
    east.act(
        number,
        vec![new, attach(number, number, blob.hash, blob.size)],
    )
    .await;
    east.send_to(west).await;
    (east, blob.hash)
}

pub(crate) async fn fetch(
    from: &Store,
    to: &Store,
    hash: Hash,
    chunks: usize,
) -> Result<Progress, BlobError> {
    to.ask_for_blob(hash, MORNING).await?;
    let manifest = from.blob_manifest(hash).await?.unwrap();
    let mut incoming = to.begin_fetch(hash, manifest, MORNING).await?;
    let missing: Vec<_> = incoming.missing().take(chunks).collect();
    let mut progress = Progress::Goes;
    for index in missing {
        let bytes = from.blob_chunk(hash, index).await?.unwrap();
        progress = incoming.put(index, bytes, MORNING).await?;
    }
    incoming.save().await?;
    Ok(progress)
}

#[tokio::test]
async fn small_blobs_are_wanted_at_once_and_large_ones_when_somebody_asks() {
    let west = Site::open(WEST).await;
    let (_, small) = attached(&west, 1, &content(1_000, 1)).await;
    let (_, large) = attached(&Site::open(WEST).await, 2, &content(LARGE, 2)).await;
    let wanted = west.store.wanted_blobs(9).await.unwrap();
    assert_eq!((wanted.len(), wanted[0].hash), (1, small));
    assert_eq!((wanted[0].asked, wanted[0].size), (false, 1_000));
    assert_eq!(wanted[0].sites, [EAST.site()]);
    let west = Site::open(WEST).await;
    let (_, again) = attached(&west, 2, &content(LARGE, 2)).await;
    assert_eq!(again, large);
    assert!(west.store.wanted_blobs(9).await.unwrap().is_empty());
    west.store.ask_for_blob(large, MORNING).await.unwrap();
    let west = west.reopen(quick()).await;
    let wanted = west.store.wanted_blobs(9).await.unwrap();
    assert_eq!(
        (wanted.len(), wanted[0].hash, wanted[0].asked),
        (1, large, true)
    );
    west.store.stop_asking_for_blob(large).await.unwrap();
    assert!(west.store.wanted_blobs(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_site_that_names_many_keeps_no_other_site_waiting_and_what_nobody_has_comes_last() {
    let west = Site::open(WEST).await;
    let (east, oldest) = attached(&west, 1, &content(100, 1)).await;
    for number in 2..6 {
        let blob = Hash([number; 32]);
        let new = log_item(record(EAST, number), "附照片");
        east.act(number, vec![new, attach(number, number, blob, 100)])
            .await;
    }
    east.send_to(&west).await;
    let own = Hash([9; 32]);
    west.act(10, vec![attach(5, 9, own, 100)]).await;
    let wanted = async || {
        let wanted = west.store.wanted_blobs(2).await.unwrap();
        let hashes = wanted.into_iter().map(|want| want.hash);
        hashes.collect::<std::collections::BTreeSet<_>>()
    };
    let newest = [Hash([4; 32]), Hash([5; 32])];
    assert_eq!(wanted().await, [newest[0], newest[1], own].into());
    let missed = (2..6).map(|number| Hash([number; 32])).collect();
    west.store.note_missed_blobs(missed, MORNING).await.unwrap();
    assert_eq!(wanted().await, [oldest, newest[1], own].into());
}

#[tokio::test]
async fn a_blob_that_no_record_names_is_neither_asked_for_nor_given() {
    let (east, west) = (Site::open(EAST).await, Site::open(WEST).await);
    let blob = upload(&east, &content(10, 1)).await.unwrap();
    assert_eq!(east.store.blob_manifest(blob.hash).await.unwrap(), None);
    assert!(matches!(
        east.store.blob_chunk(blob.hash, 0).await,
        Ok(None)
    ));
    let asked = west.store.ask_for_blob(blob.hash, MORNING).await;
    assert!(matches!(asked, Err(BlobError::Unnamed)));
}

#[tokio::test]
async fn a_fetch_goes_on_where_it_was_cut_and_ends_with_the_same_bytes() {
    let bytes = content(LARGE, 1);
    let west = Site::open(WEST).await;
    let (east, hash) = attached(&west, 1, &bytes).await;
    let done = fetch(&east.store, &west.store, hash, 2).await.unwrap();
    assert_eq!(done, Progress::Goes);
    assert_eq!(bytes_of(&west, hash).await, None);
    let west = west.reopen(quick()).await;
    let incoming = west.store.resume_fetch(hash).await.unwrap().unwrap();
    assert_eq!(incoming.missing().collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert_eq!(incoming.bytes_here(), 2 * CHUNK_LEN as u64);
    // What is here can be given on while the rest is coming.
    let relayed = west.store.blob_chunk(hash, 1).await.unwrap().unwrap();
    assert_eq!(relayed, bytes[CHUNK_LEN..2 * CHUNK_LEN]);
    let done = fetch(&east.store, &west.store, hash, 9).await.unwrap();
    assert_eq!(done, Progress::Whole);
    assert_eq!(bytes_of(&west, hash).await, Some(bytes));
    assert_eq!(files(&west).len(), 1);
    assert!(west.store.wanted_blobs(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_fetch_killed_at_any_step_goes_on_and_never_shows_a_half_blob() {
    for step in BlobStep::ALL {
        let armed = Arc::new(AtomicBool::new(false));
        let stop = armed.clone();
        let options = Options {
            blob_stop_at: Some(Arc::new(move |at| {
                at == step && stop.load(Ordering::SeqCst)
            })),
            ..quick()
        };
        let west = Site::open_with(WEST, options).await;
        let bytes = content(10 * CHUNK_LEN + 3, 1);
        let (east, hash) = attached(&west, 1, &bytes).await;
        armed.store(true, Ordering::SeqCst);
        let killed = fetch(&east.store, &west.store, hash, 99).await.is_err();
        assert_eq!(killed, step != BlobStep::Unlisted, "{step:?}");
        let west = west.reopen(quick()).await;
        if let Some(found) = bytes_of(&west, hash).await {
            assert_eq!(found, bytes, "{step:?}");
        } else {
            fetch(&east.store, &west.store, hash, 99).await.unwrap();
        }
        assert_eq!(bytes_of(&west, hash).await, Some(bytes), "{step:?}");
        west.store.tidy_blobs(MORNING).await.unwrap();
        assert_eq!(files(&west).len(), 1, "{step:?}: {:?}", files(&west));
    }
}

#[tokio::test]
async fn bytes_that_rotted_in_a_part_are_fetched_again() {
    use std::os::unix::fs::FileExt as _;
    let bytes = content(LARGE, 1);
    let west = Site::open(WEST).await;
    let (east, hash) = attached(&west, 1, &bytes).await;
    fetch(&east.store, &west.store, hash, 3).await.unwrap();
    let part = std::fs::File::options()
        .write(true)
        .open(&files(&west)[0])
        .unwrap();
    part.write_all_at(&[1, 2, 3, 4, 5, 6, 7, 8], CHUNK_LEN as u64 + 100)
        .unwrap();
    let west = west.reopen(quick()).await;
    let incoming = west.store.resume_fetch(hash).await.unwrap().unwrap();
    assert_eq!(incoming.missing().collect::<Vec<_>>(), [1, 3, 4, 5]);
    assert!(matches!(west.store.blob_chunk(hash, 1).await, Ok(None)));
    fetch(&east.store, &west.store, hash, 9).await.unwrap();
    assert_eq!(bytes_of(&west, hash).await, Some(bytes));
}

#[tokio::test]
async fn wrong_chunks_and_wrong_manifests_are_refused() {
    let west = Site::open(WEST).await;
    let bytes = content(LARGE, 1);
    let (east, hash) = attached(&west, 1, &bytes).await;
    west.store.ask_for_blob(hash, MORNING).await.unwrap();
    let manifest = east.store.blob_manifest(hash).await.unwrap().unwrap();
    // Proves itself, but no record speaks of that length.
    let shorter = Manifest::from_bytes(hash, LARGE as u64 - 1, &manifest.to_bytes()).unwrap();
    let refused = west.store.begin_fetch(hash, shorter, MORNING).await;
    assert!(matches!(refused, Err(BlobError::WrongManifest)));
    let mut incoming = west
        .store
        .begin_fetch(hash, manifest, MORNING)
        .await
        .unwrap();
    let other = content(CHUNK_LEN, 9);
    for (index, lie) in [
        (0, other),
        (1, bytes[..CHUNK_LEN].to_vec()),
        (0, Vec::new()),
        (77, vec![1]),
    ] {
        let refused = incoming.put(index, lie, MORNING).await;
        assert!(matches!(refused, Err(BlobError::WrongChunk)), "{index}");
    }
    assert_eq!(incoming.missing().count(), 6);
}

#[tokio::test]
async fn the_least_used_large_copy_makes_room_and_small_ones_stay() {
    let west = Site::open(WEST).await;
    let east = Site::open(EAST).await;
    let mut blobs = Vec::new();
    for (number, len) in [(1, 1_000), (2, LARGE), (3, LARGE), (4, LARGE)] {
        let blob = upload(&east, &content(len, number)).await.unwrap();
        let new = log_item(record(EAST, number), "附照片");
        east.act(
            number,
            vec![new, attach(number, number, blob.hash, blob.size)],
        )
        .await;
        blobs.push(blob.hash);
    }
    east.send_to(&west).await;
    west.store.set_blob_limits(BlobLimits {
        quota: 2 * LARGE as u64 + 2_000,
        min_free: 0,
    });
    for hash in &blobs[..3] {
        fetch(&east.store, &west.store, *hash, 9).await.unwrap();
    }
    west.store.use_blob(blobs[1], MORNING + 1).await.unwrap();
    fetch(&east.store, &west.store, blobs[3], 9).await.unwrap();
    let here = |hash| west.store.blob_state(hash);
    assert_eq!(here(blobs[2]).await.unwrap(), BlobState::Absent);
    for kept in [0, 1, 3] {
        assert!(bytes_of(&west, blobs[kept]).await.is_some(), "{kept}");
    }
    // One that a person here has given, too, is this site's own and is never dropped.
    let full = west.store.blob_limits();
    west.store.set_blob_limits(BlobLimits::default());
    upload(&west, &content(LARGE, 2)).await.unwrap();
    upload(&west, &content(LARGE, 4)).await.unwrap();
    west.store.set_blob_limits(full);
    let refused = west.store.begin_upload(Some(EAGER_LEN), MAX).await;
    assert!(matches!(refused, Err(BlobError::Quota)));
    assert!(bytes_of(&west, blobs[1]).await.is_some());
}

#[tokio::test]
async fn a_large_blob_that_a_record_calls_small_is_fetched_only_when_somebody_asks() {
    let (east, west) = (Site::open(EAST).await, Site::open(WEST).await);
    let bytes = content(LARGE, 1);
    let blob = upload(&east, &bytes).await.unwrap();
    // One record tells the truth, a newer one makes the video a picture.
    for (number, size) in [(1, blob.size), (2, 1_000)] {
        let new = log_item(record(EAST, number), "附视频");
        let edits = vec![new, attach(number, number, blob.hash, size)];
        east.act(number, edits).await;
    }
    east.send_to(&west).await;
    let wanted = west.store.wanted_blobs(9).await.unwrap();
    assert_eq!((wanted.len(), wanted[0].asked), (1, false));
    let manifest = east.store.blob_manifest(blob.hash).await.unwrap().unwrap();
    let refused = west.store.begin_fetch(blob.hash, manifest, MORNING).await;
    assert!(matches!(refused, Err(BlobError::Unasked)));
    assert!(west.store.wanted_blobs(9).await.unwrap().is_empty());
    assert!(files(&west).is_empty());
    fetch(&east.store, &west.store, blob.hash, 99)
        .await
        .unwrap();
    assert_eq!(bytes_of(&west, blob.hash).await, Some(bytes));
}

#[tokio::test]
async fn a_blob_without_a_size_is_wanted_by_nobody() {
    let (east, west) = (Site::open(EAST).await, Site::open(WEST).await);
    let mut below = attach(1, 1, Hash([1; 32]), 10);
    if let Edit::AddEntry { values, .. } = &mut below.edits[0] {
        values.insert("size".to_owned(), Value::Int(-1));
    }
    let none = attach(2, 2, Hash([2; 32]), 0);
    for (number, edit) in [(1, below), (2, none)] {
        let new = log_item(record(EAST, number), "附照片");
        east.act(number, vec![new, edit]).await;
    }
    east.send_to(&west).await;
    assert_eq!(west.rows().await.len(), 2);
    assert!(west.store.wanted_blobs(9).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_never_takes_a_fetch_that_has_just_begun() {
    let (east, west) = (Site::open(EAST).await, Site::open(WEST).await);
    let mut hashes = Vec::new();
    let mut edit = log_item(record(EAST, 1), "附照片");
    for number in 0..40 {
        let blob = upload(&east, &content(100, number)).await.unwrap();
        edit.edits
            .extend(attach(1, number, blob.hash, blob.size).edits);
        hashes.push(blob.hash);
    }
    east.act(1, vec![edit]).await;
    east.send_to(&west).await;
    let done = Arc::new(AtomicBool::new(false));
    let (store, stop) = (west.store.clone(), done.clone());
    let sweeping = tokio::spawn(async move {
        while !stop.load(Ordering::SeqCst) {
            store.tidy_blobs(MORNING).await.unwrap();
        }
    });
    for hash in hashes {
        let whole = fetch(&east.store, &west.store, hash, 9).await;
        assert!(matches!(whole, Ok(Progress::Whole)), "{whole:?}");
    }
    done.store(true, Ordering::SeqCst);
    sweeping.await.unwrap();
}
