//! Local actions that wait for the writer together.

use super::support::{EAST, Site, action, amendment, log_item, record, text};
use records::write::Edit;
use std::convert::Infallible;
use std::sync::mpsc;
use store::{Action, CommitError, Committed, RecordEdit};

type Told = Result<Committed, CommitError<Infallible>>;

/// The answers to edits that the writer finds all at once.
async fn together(east: &Site, asked: Vec<(Action, Vec<RecordEdit>)>) -> Vec<Told> {
    let (go, wait) = mpsc::channel::<()>();
    let ask = |action, decide: Box<dyn FnOnce() -> Vec<RecordEdit> + Send>| {
        let store = east.store.clone();
        tokio::spawn(async move { store.commit(action, move |_| Ok(decide())).await })
    };
    let holds = Box::new(move || {
        wait.recv().unwrap();
        Vec::new()
    });
    let held = ask(action(EAST, 255), holds);
    // A task is queued once it was run for the first time, in the order they were made; the
    // runtime comes back here after a few dozen of them.
    tokio::task::yield_now().await;
    let mut tasks = Vec::new();
    for (action, edits) in asked {
        tasks.push(ask(action, Box::new(move || edits)));
        tokio::task::yield_now().await;
    }
    go.send(()).unwrap();
    held.await.unwrap().unwrap();
    let mut told = Vec::new();
    for task in tasks {
        told.push(task.await.unwrap());
    }
    told
}

fn item(number: u8) -> (Action, Vec<RecordEdit>) {
    let edit = log_item(record(EAST, number), "三号楼来电");
    (action(EAST, number), vec![edit])
}

/// Passes everything but the value itself.
fn too_long(number: u8) -> (Action, Vec<RecordEdit>) {
    let (action, mut edits) = item(number);
    let content = Edit::Set("content".to_owned(), text(&"值".repeat(20_001)));
    edits[0].edits.push(content);
    (action, edits)
}

#[tokio::test]
async fn those_that_fail_leave_no_gap_in_numbers_or_places() {
    let east = Site::open(EAST).await;
    let bad = |number: u8| number % 7 == 3;
    let all = (1..=150).map(|number| match bad(number) {
        true => too_long(number),
        false => item(number),
    });
    let before = east.store.counts().await.unwrap().transactions;
    let told = together(&east, all.collect()).await;
    let groups = east.store.counts().await.unwrap().transactions - before;
    assert!(groups <= 2, "{groups} transactions");
    let mut places = Vec::new();
    for (number, told) in (1..=150).zip(told) {
        match told {
            Ok(committed) => places.push(committed.head.seq),
            Err(CommitError::Invalid(_)) if bad(number) => {}
            Err(error) => panic!("{number}: {error}"),
        }
    }
    let written = (1..=150).filter(|number| !bad(*number)).count();
    assert_eq!(places, (1..=written as u64).collect::<Vec<_>>());
    let rows = east.rows().await;
    let mut numbers: Vec<&str> = rows.iter().map(|row| row.number.as_str()).collect();
    numbers.sort_unstable();
    let wanted: Vec<String> = (1..=written).map(|n| format!("E2026-{n:06}")).collect();
    assert_eq!(numbers, wanted);
    assert!(
        east.own()
            .await
            .iter()
            .all(|bundle| bundle.signed_by(&EAST.key().verifying_key()))
    );
}

#[tokio::test]
async fn the_same_action_twice_at_once_is_done_once() {
    let east = Site::open(EAST).await;
    let all = (1..=20).flat_map(|number| [item(number), item(number)]);
    let told = together(&east, all.collect()).await;
    for pair in told.chunks(2) {
        let [Ok(first), Ok(again)] = pair else {
            panic!("{pair:?}");
        };
        assert_eq!((first.repeated, again.repeated), (false, true));
        assert_eq!((first.head, &first.records), (again.head, &again.records));
    }
    assert_eq!(east.own().await.len(), 20);
}

#[tokio::test]
async fn all_that_write_one_record_at_once_are_in_it() {
    let east = Site::open(EAST).await;
    let mut all = vec![item(1)];
    for number in 2..=40 {
        let edit = amendment(record(EAST, 1), number, "更正");
        all.push((action(EAST, number), vec![edit]));
        all.push(item(number + 100));
    }
    for told in together(&east, all).await {
        told.unwrap();
    }
    let stored = east.store.record(record(EAST, 1)).await.unwrap().unwrap();
    assert_eq!(stored.record.entries("amendments").count(), 39);
    assert_eq!(stored.row.rev, 40);
    assert_eq!(east.rows().await.len(), 40);
}
