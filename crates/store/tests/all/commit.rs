//! Local actions.

use super::support::{
    EAST, MORNING, Site, WEST, action, amendment, log_item, officer, person, record, set, text,
};
use records::bundle::decode_header;
use records::field::{FieldFault, Value};
use records::payload::{Section, decode};
use std::convert::Infallible;
use std::panic::panic_any;
use store::{Action, CommitError, Options, RecordEdit, StoreError};

#[tokio::test]
async fn a_saved_item_is_in_the_journal_with_a_valid_signature_before_the_answer() {
    let east = Site::open_with(EAST, Options::default()).await;
    let committed = east.log(1, "三号楼来电").await;
    let own = east.own().await;
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].hash(), committed.head.hash);
    assert!(own[0].signed_by(&EAST.key().verifying_key()));
    let stored = east
        .store
        .record(committed.records[0])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.record.text("content"), "三号楼来电");
    assert_eq!(stored.row.number, "E2026-000001");
    assert_eq!(stored.row.author, officer(EAST));
    assert_eq!(stored.changes.len(), 1);
}

#[tokio::test]
async fn numbers_are_given_without_gaps_and_by_kind() {
    let east = Site::open(EAST).await;
    east.log(1, "一").await;
    // Decided against: takes no number.
    let refused = east
        .store
        .commit(action(EAST, 2), |_| {
            Err::<Vec<RecordEdit>, _>("not on duty")
        })
        .await;
    assert!(matches!(refused, Err(CommitError::Decided("not on duty"))));
    let both = vec![
        log_item(record(EAST, 3), "二"),
        log_item(record(EAST, 4), "三"),
    ];
    east.act(3, both).await;
    let rows = east.rows().await;
    let mut numbers: Vec<&str> = rows.iter().map(|row| row.number.as_str()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ["E2026-000001", "E2026-000002", "E2026-000003"]);
}

#[tokio::test]
async fn invalid_values_are_told_and_nothing_is_written() {
    let east = Site::open(EAST).await;
    let before = east.store.frontier();
    let mut edit = log_item(record(EAST, 1), "");
    edit.edits.push(set("colour", text("red")));
    let answer = east
        .store
        .commit(action(EAST, 1), move |_| Ok::<_, Infallible>(vec![edit]))
        .await;
    let Err(CommitError::Invalid(faults)) = answer else {
        panic!("{answer:?}");
    };
    assert!(faults.contains(&("content".to_owned(), FieldFault::Required)));
    assert!(faults.contains(&("colour".to_owned(), FieldFault::UnknownField)));
    assert_eq!(east.store.frontier(), before);
    assert!(east.rows().await.is_empty());
}

#[tokio::test]
async fn the_same_action_again_gets_the_same_answer_and_writes_nothing() {
    let east = Site::open(EAST).await;
    let first = east.log(1, "一").await;
    let again = east.log(1, "一").await;
    assert!(again.repeated && !first.repeated);
    assert_eq!((again.records, again.head), (first.records, first.head));
    let east = east.reopen(super::support::quick()).await;
    assert!(east.log(1, "一").await.repeated);
    assert_eq!(east.own().await.len(), 1);
}

#[tokio::test]
async fn a_group_keeps_the_order_and_one_failure_harms_nobody_else() {
    let east = Site::open(EAST).await;
    let mut tasks = Vec::new();
    for number in 1..=64u8 {
        let store = east.store.clone();
        let act = action(EAST, number);
        // Queued in this order: the channel is asked before the next task is made.
        let task = tokio::spawn(async move {
            store
                .commit(act, move |_| match number % 8 {
                    0 => Err("no"),
                    1 => Ok(vec![log_item(record(EAST, number), "")]),
                    _ => Ok(vec![log_item(record(EAST, number), "好")]),
                })
                .await
        });
        tasks.push((number, task));
        tokio::task::yield_now().await;
    }
    let mut seqs = Vec::new();
    for (number, task) in tasks {
        let answer = task.await.unwrap();
        match (number % 8, answer) {
            (0, Err(CommitError::Decided("no"))) | (1, Err(CommitError::Invalid(_))) => {}
            (_, Ok(committed)) => seqs.push(committed.head.seq),
            (_, answer) => panic!("{number}: {answer:?}"),
        }
    }
    assert_eq!(seqs, (1..=48).collect::<Vec<u64>>());
    let counts = east.store.counts().await.unwrap();
    assert!(counts.transactions < 64, "{counts:?}");
    assert_eq!(east.rows().await.len(), 48);
}

#[tokio::test]
async fn a_decision_sees_what_the_one_before_it_wrote() {
    let east = Site::open(EAST).await;
    east.log(1, "一").await;
    let mut tasks = Vec::new();
    for number in 2..12u8 {
        let store = east.store.clone();
        let act = Action {
            reads: vec![record(EAST, 1)],
            ..action(EAST, number)
        };
        tasks.push(tokio::spawn(async move {
            store
                .commit(act, move |reads| {
                    let seen = reads[&record(EAST, 1)].record.entries("amendments").count();
                    let words = format!("第{seen}次更正");
                    Ok::<_, Infallible>(vec![amendment(record(EAST, 1), number, &words)])
                })
                .await
                .unwrap()
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let stored = east.store.record(record(EAST, 1)).await.unwrap().unwrap();
    let mut words: Vec<&str> = stored
        .record
        .entries("amendments")
        .map(|(_, values)| values["text"].as_text().unwrap())
        .collect();
    words.sort_unstable();
    let wanted: Vec<String> = (0..10).map(|seen| format!("第{seen}次更正")).collect();
    assert_eq!(words, wanted);
    assert_eq!(stored.entries.len(), 10);
    assert_eq!(stored.row.rev, 11);
    assert_eq!(stored.row.amended.as_deref(), Some("correction"));
}

#[tokio::test]
async fn a_decision_that_panics_writes_nothing_and_the_writer_goes_on() {
    let east = Site::open(EAST).await;
    let answer = east
        .store
        .commit(
            action(EAST, 1),
            |_| -> Result<Vec<RecordEdit>, Infallible> { panic_any("a bug of the caller") },
        )
        .await;
    assert!(matches!(
        answer,
        Err(CommitError::Store(StoreError::DecisionFailed))
    ));
    east.log(2, "二").await;
    assert_eq!(east.rows().await.len(), 1);
}

#[tokio::test]
async fn an_action_that_changes_nothing_makes_no_bundle() {
    let east = Site::open(EAST).await;
    let first = east.log(1, "一").await;
    let nothing = east.act(2, Vec::new()).await;
    assert_eq!(nothing.head, first.head);
    assert_eq!(east.own().await.len(), 1);
}

#[tokio::test]
async fn salts_differ_between_sections_and_come_from_the_seed() {
    let east = Site::open(EAST).await;
    let both = vec![
        log_item(record(EAST, 1), "同"),
        log_item(record(EAST, 2), "同"),
    ];
    east.act(1, both).await;
    let own = east.own().await;
    let sections = decode(&own[0].payload).unwrap();
    let salts: Vec<[u8; 16]> = sections
        .iter()
        .map(|section| match section {
            Section::Present { salt, .. } => *salt,
            Section::Erased(_) => panic!("nothing was erased"),
        })
        .collect();
    assert_eq!(salts.len(), 2);
    assert_ne!(salts[0], salts[1]);
}

#[tokio::test]
async fn a_bundle_names_the_heads_admitted_since_the_one_before() {
    let east = Site::open(EAST).await;
    let institution = east.store.frontier()[0];
    east.log(1, "一").await;
    east.log(2, "二").await;
    let own = east.own().await;
    let first = decode_header(&own[0].header).unwrap();
    let second = decode_header(&own[1].header).unwrap();
    assert_eq!(first.deps, [institution]);
    assert_eq!(second.deps, []);
    assert_eq!(second.prev, own[0].hash());
    assert!(second.hlc > first.hlc);
}

#[tokio::test]
async fn a_bundle_says_how_far_the_sites_clock_was_from_the_hubs() {
    let east = Site::open(EAST).await;
    east.log(1, "一").await;
    let header = decode_header(&east.own().await[0].header).unwrap();
    assert_eq!(
        (header.uptime_ms, header.hub_offset_ms),
        (1_000, Some(-250))
    );
}

#[tokio::test]
async fn an_authors_name_comes_from_the_person_record() {
    let east = Site::open(EAST).await;
    east.log(1, "一").await;
    assert_eq!(east.rows().await[0].author_name, "");
    east.act(2, vec![person(EAST, "王老师")]).await;
    let row = east.store.row(record(EAST, 1)).await.unwrap().unwrap();
    assert_eq!(row.author_name, "王老师");
}

#[tokio::test]
async fn two_records_that_begin_with_the_very_same_change_can_both_be_edited() {
    let east = Site::open(EAST).await;
    for number in [1, 2] {
        let mut namesake = person(EAST, "王芳");
        namesake.record = record(EAST, number);
        east.act(number, vec![namesake]).await;
    }
    for number in [1, 2] {
        let mut renamed = person(EAST, "王芳芳");
        renamed.record = record(EAST, number);
        east.act(number + 2, vec![renamed]).await;
    }
    let names: Vec<_> = east.rows().await.into_iter().map(|row| row.title).collect();
    assert_eq!(names, ["王芳芳", "王芳芳"]);
}

#[tokio::test]
async fn a_change_our_own_gate_refuses_is_not_signed() {
    let east = Site::open(EAST).await;
    east.log(1, "一").await;
    // Content is written once.
    let edit = RecordEdit {
        record: record(EAST, 1),
        kind: "log_item",
        edits: vec![set("content", text("改写"))],
    };
    let answer = east
        .store
        .commit(action(EAST, 2), move |_| Ok::<_, Infallible>(vec![edit]))
        .await;
    assert!(matches!(
        answer,
        Err(CommitError::Store(StoreError::Refused("once_field")))
    ));
    assert_eq!(east.own().await.len(), 1);
}

#[tokio::test]
async fn a_record_under_another_sites_id_is_not_signed() {
    let east = Site::open(EAST).await;
    let edit = log_item(record(WEST, 1), "来电");
    let answer = east
        .store
        .commit(action(EAST, 1), move |_| Ok::<_, Infallible>(vec![edit]))
        .await;
    assert!(matches!(
        answer,
        Err(CommitError::Store(StoreError::Refused("foreign_record_id")))
    ));
    assert!(east.own().await.is_empty());
}

#[tokio::test]
async fn without_a_started_writer_nothing_is_signed() {
    let east = Site::bare(EAST, super::support::quick()).await;
    let answer = east
        .store
        .commit(action(EAST, 1), |_| Ok::<_, Infallible>(Vec::new()))
        .await;
    assert!(matches!(
        answer,
        Err(CommitError::Store(StoreError::NoWriter))
    ));
}

#[tokio::test]
async fn links_are_found_from_the_record_they_name() {
    let east = Site::open(EAST).await;
    east.log(1, "火警").await;
    let incident = RecordEdit {
        record: record(EAST, 9),
        kind: "incident",
        edits: vec![
            set("title", text("三号楼火警")),
            set("happened_at", Value::Int(MORNING)),
            set("known_at", Value::Int(MORNING)),
            set("class", text("fire")),
            set("state", text("received")),
            set("source", Value::Record(record(EAST, 1))),
        ],
    };
    east.act(2, vec![incident]).await;
    let linked = east.store.linked(record(EAST, 1)).await.unwrap();
    assert_eq!(linked.len(), 1);
    assert_eq!(linked[0].relation, "source");
    assert_eq!(linked[0].row.number, "EJ2026-000001");
}
