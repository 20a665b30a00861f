use super::*;
use std::collections::BTreeMap;
use store::{Admission, Options, Store, Synchronous};
use sync::wire::{self, Frame, Lane, Run, Streams};

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

/// Bytes that the runs of one writer's history take on the line, a bundle.
fn on_the_line(bundles: &[Bundle]) -> usize {
    let (mut bytes, mut rest) = (0, bundles);
    while let Some(first) = rest.first() {
        let mut len = 0;
        let fits = rest.iter().take_while(|bundle| {
            len += bundle.header.len() + bundle.payload.len() + 64;
            len <= wire::BATCH_LEN
        });
        let (batch, later) = rest.split_at(fits.count().max(1));
        let header = first.decode_header().expect("a header");
        let frame = Frame::run(header.journal(), header.seq - 1, batch.to_vec(), Lane::Bulk);
        let sent = wire::encode_frame(&frame).expect("a batch fits a frame");
        assert_eq!(wire::decode_frame(&sent[4..]), Ok(frame));
        bytes += sent.len();
        rest = later;
    }
    bytes / bundles.len()
}

#[test]
fn a_bundle_of_a_real_history_crosses_without_what_the_other_side_can_compute() {
    let plan = Plan {
        writers: vec![1],
        ..Plan::weeks().with_records(300)
    };
    let bundles: Vec<_> = History::new(plan).collect();
    let len = |bundle: &Bundle| bundle.header.len() + bundle.payload.len() + 64;
    let whole = bundles.iter().map(len).sum::<usize>() / bundles.len();
    let sent = on_the_line(&bundles);
    // 64 of them are the signature, 32 the salt and the action's id: those are random.
    assert!(sent <= 170 && whole >= 590, "{sent} of {whole}");
}

/// Bytes that the last bundles of a history take on the line together, a bundle.
fn together(all: &[Bundle], missing: usize) -> usize {
    let (held, missing) = all.split_at(all.len() - missing);
    let head = |bundle: &Bundle| {
        let header = bundle.decode_header().expect("a header");
        let (journal, seq, hash) = (header.journal(), header.seq, bundle.hash());
        (journal, Head { journal, seq, hash })
    };
    let heads: BTreeMap<JournalId, Head> = held.iter().map(head).collect();
    let [mut here, mut there] = [Streams::default(), Streams::default()];
    let frontier = Frame::Frontier(heads.values().copied().collect());
    let sent = there.encode(&frontier).expect("few heads");
    here.decode(Lane::Live, &sent[4..]).expect("a frame");
    let runs = heads.values().map(|head| Run {
        journal: head.journal,
        after: head.seq,
        bundles: missing
            .iter()
            .filter(|bundle| bundle.decode_header().expect("a header").journal() == head.journal)
            .cloned()
            .collect(),
    });
    let runs = runs.collect();
    let lane = Lane::Live;
    let frame = Frame::Bundles { runs, lane };
    let sent = here.encode(&frame).expect("few bundles");
    assert_eq!(there.decode(lane, &sent[4..]), Ok(frame));
    sent.len() / missing.len()
}

#[test]
fn bundles_of_sites_that_name_each_other_cross_without_those_names() {
    let bundles: Vec<_> = History::new(Plan::year().with_records(200)).collect();
    for (missing, most) in [(10, 300), (300, 190)] {
        let sent = together(&bundles, missing);
        assert!(sent <= most, "{sent} of {missing}");
    }
}
