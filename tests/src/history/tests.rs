use super::*;
use store::{Admission, Options, Store, Synchronous};

async fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        synchronous: Synchronous::Off,
        ..Options::default()
    };
    let store = Store::open_with(folder.path(), options)
        .await
        .expect("a store");
    (folder, store)
}

#[tokio::test]
async fn every_bundle_of_a_connected_history_passes_the_gate() {
    let (_folder, store) = store().await;
    store.admit(founding(), BEGIN_MS).await.expect("admit");
    let bundles: Vec<_> = History::new(Plan::year().with_records(60)).collect();
    assert_eq!(bundles.len(), 240);
    let answers = store.admit(bundles, BEGIN_MS).await.expect("admit");
    for answer in answers {
        assert!(matches!(answer, Admission::Admitted { .. }), "{answer:?}");
    }
    assert_eq!(store.counts().await.expect("counts").records, 60);
}

#[tokio::test]
async fn sites_that_are_cut_off_write_bundles_that_any_order_of_journals_admits() {
    let (_folder, store) = store().await;
    store.admit(founding(), BEGIN_MS).await.expect("admit");
    let plan = Plan {
        changes_per_bundle: 4,
        ..Plan::weeks().with_records(40)
    };
    let mut bundles: Vec<_> = History::new(plan).collect();
    bundles.sort_by_key(|bundle| {
        let header = bundle.decode_header().expect("a header");
        (std::cmp::Reverse(header.site), header.seq)
    });
    for answer in store.admit(bundles, BEGIN_MS).await.expect("admit") {
        assert!(matches!(answer, Admission::Admitted { .. }), "{answer:?}");
    }
}

#[test]
fn the_same_seed_is_the_same_history() {
    let make = |seed| {
        let plan = Plan {
            seed,
            ..Plan::year().with_records(10)
        };
        History::new(plan).collect::<Vec<_>>()
    };
    assert_eq!(make(5), make(5));
    assert_ne!(make(5), make(6));
}
