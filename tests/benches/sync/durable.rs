//! `durable`: signed bundles with their projections per second through `Store::commit`, one site,
//! on a real disk with `synchronous=FULL`.
//!
//! Writers act at the same time, each its next action when the last one was answered: three in
//! four make a new log item, the others add a line to their last one. Every answer comes after
//! the fsync of its group. Anchor: rows of the mean size of a bundle, inserted into a bare table
//! with the same settings, committed in groups of the same mean size, through the same library
//! with one statement a group.
//!
//! The goal is missed: 3,300 to 3,500 /s on two cores that do nothing else, 2,500 beside other
//! work, where actions made one by one came to 1,460 and 1,100. An action costs 0.27 ms of processor time if nothing else runs
//! meanwhile, and up to 0.4 ms with both cores busy: two fifths in Automerge and our own gate, on
//! every core, a fifth on the writer's thread (signature, bundle, rows), a third in SQLite, which
//! takes one round's rows while the next is made. Next: sign a round's bundles on every core, for
//! a bundle's hash needs no signature; decide the next group while this one is synced; write fewer
//! pages a group (`change` and `bundle` are each in several trees, by random keys).

use crate::figure::{Figure, Goal, Size, folder, now, quantile_ms, runtime};
use anyhow::{Result, ensure};
use records::field::Value;
use records::id::{AccountId, ActionId, EntryId, RecordId, TerminalId};
use records::write::Edit;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, QueryBuilder, Sqlite};
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;
use store::{Action, RecordEdit, Store};
use tests::history;

/// Actions under way at the same time.
const WRITERS: u64 = 128;
const SITE: usize = 1;
const CONTENT: &str = "三号楼值班室来电，报告电梯困人，已通知维保单位与保卫处到场处置，家长来访一并登记，\
                       带班领导已知悉，后续情况随时上报。";

/// What the site did.
struct Run {
    per_second: f64,
    group: f64,
    row_bytes: usize,
    waits: Vec<Duration>,
}

pub(crate) fn run(size: Size) -> Result<Vec<Figure>> {
    let each = size.pick(20, 400);
    let folder = folder()?;
    let (run, bare) = runtime()?.block_on(async {
        let run = site(folder.path(), each).await?;
        let bare = bare(folder.path(), &run, WRITERS * each).await?;
        anyhow::Ok((run, bare))
    })?;
    let writers = format!("{WRITERS} writers");
    Ok(vec![
        Figure::new(
            "durable signed bundles with projections",
            run.per_second,
            "/s",
        )
        .goal(Goal::AtLeast(5_000.0))
        .anchor("bare SQLite FULL, same rows and groups", bare),
        Figure::new(
            format!("durable: answer p50, {writers}"),
            quantile_ms(&run.waits, 0.5),
            "ms",
        ),
        Figure::new(
            format!("durable: answer p99, {writers}"),
            quantile_ms(&run.waits, 0.99),
            "ms",
        ),
    ])
}

async fn site(folder: &Path, each: u64) -> Result<Run> {
    let store = Store::open(&folder.join("site")).await?;
    store.admit(history::founding(), history::BEGIN_MS).await?;
    store.start_writer(history::writer(SITE)).await?;
    let before = store.counts().await?.transactions;
    let begun = now();
    let tasks: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(desk(store.clone(), writer, each)))
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await??);
    }
    let took = begun.elapsed().as_secs_f64();
    waits.sort();
    let counts = store.counts().await?;
    #[expect(clippy::cast_precision_loss, reason = "counts of one run")]
    let (actions, groups) = (waits.len() as f64, (counts.transactions - before) as f64);
    ensure!(counts.quarantined == 0, "our own bundles count");
    let journal = history::journal(SITE);
    let sample = store.bundles_after(journal, 0, usize::MAX).await?;
    let bytes: usize = sample
        .iter()
        .map(|bundle| bundle.header.len() + bundle.payload.len() + bundle.signature.len())
        .sum();
    Ok(Run {
        per_second: actions / took,
        group: actions / groups,
        row_bytes: bytes / sample.len(),
        waits,
    })
}

/// One writer: an action, its answer, the next one.
async fn desk(store: Store, writer: u64, each: u64) -> Result<Vec<Duration>> {
    let mut waits = Vec::new();
    for number in 0..each {
        let edit = edit(writer, number);
        let action = action(writer, number);
        let begun = now();
        store
            .commit(action, move |_| Ok::<_, Infallible>(vec![edit]))
            .await?;
        waits.push(begun.elapsed());
    }
    Ok(waits)
}

fn id(writer: u64, number: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&writer.to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

fn action(writer: u64, number: u64) -> Action {
    Action {
        action: ActionId(id(writer, number)),
        account: AccountId([3; 16]),
        terminal: TerminalId([7; 16]),
        wall_ms: history::BEGIN_MS,
        uptime_ms: 1_000,
        hub_offset_ms: Some(12),
        reads: Vec::new(),
        seed: *blake3::hash(&id(writer, number)).as_bytes(),
    }
}

fn edit(writer: u64, number: u64) -> RecordEdit {
    let text = |text: &str| Value::Text(text.to_owned());
    let amends = number % 4 == 3;
    let subject = number - u64::from(amends);
    let local = (writer << 32 | subject).to_be_bytes();
    let edits = match amends {
        true => vec![Edit::AddEntry {
            field: "amendments".to_owned(),
            entry: EntryId(id(writer, number)),
            values: [
                ("type".to_owned(), text("late_entry")),
                ("text".to_owned(), text("维保单位已到场，人员平安。")),
            ]
            .into(),
        }],
        false => vec![
            Edit::Set("happened_at".to_owned(), Value::Int(history::BEGIN_MS)),
            Edit::Set("category".to_owned(), text("call")),
            Edit::Set("content".to_owned(), text(CONTENT)),
        ],
    };
    RecordEdit {
        record: RecordId::new(history::journal(SITE).site, local),
        kind: "log_item",
        edits,
    }
}

/// Rows per second of a table that is nothing but rows.
async fn bare(folder: &Path, run: &Run, rows: u64) -> Result<f64> {
    let mut conn = SqliteConnectOptions::new()
        .filename(folder.join("bare.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await?;
    sqlx::raw_sql("create table row (no integer primary key, bytes blob not null)")
        .execute(&mut conn)
        .await?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a group is at most a few hundred rows"
    )]
    let group = (run.group.round() as u64).max(1);
    let begun = now();
    let mut written = 0;
    while written < rows {
        let mut insert = QueryBuilder::<Sqlite>::new("insert into row(bytes) ");
        insert.push_values(0..group, |mut row, _| {
            row.push_bind(vec![5u8; run.row_bytes]);
        });
        // One statement is one transaction.
        insert.build().execute(&mut conn).await?;
        written += group;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of one run")]
    let written = written as f64;
    Ok(written / begun.elapsed().as_secs_f64())
}
