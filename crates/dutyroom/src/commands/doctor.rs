//! `dutyroom doctor`: looks over a stopped site and says what is wrong, and what to do about it.
//!
//! It only reads, and answers 0 when nothing is wrong and 1 otherwise. With `--rebuild` everything
//! that is derived from the journals is dropped and derived again afterwards.

mod findings;

use crate::cli;
use crate::meter::Meter;
use anyhow::{Context as _, ensure};
use findings::{Finding, State};
use serde_json::{Value, json};
use server::clock::Clock;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use store::Store;
use store::inspect::inspect;
use sync::identity::Identity;

pub(crate) async fn run(args: cli::Doctor) -> anyhow::Result<ExitCode> {
    let now_ms = Clock::system().now_ms();
    let meter = Arc::new(Meter::new(!args.json));
    let mut found = findings::of_keys(&args.data, Identity::load(&args.data), now_ms);
    let inspected = inspect(&args.data, |what| meter.say(&format!("reading {what}"))).await;
    meter.clear();
    // Damaged pages are no ground to build on; everything else a rebuild leaves as it is.
    let sound = matches!(&inspected, Ok(inspected) if inspected.damage.is_empty());
    found.extend(findings::of_store(inspected, now_ms));
    let rebuilt = match args.rebuild && sound {
        true => Some(rebuild(&args.data, &meter).await?),
        false => None,
    };
    let well = found.iter().all(|finding| finding.state != State::Bad);
    if args.json {
        let found: Vec<Value> = found.iter().map(Finding::json).collect();
        println!(
            "{}",
            json!({"well": well, "findings": found, "rebuilt": rebuilt})
        );
    } else {
        for finding in &found {
            println!("{finding}");
        }
        match rebuilt {
            Some(rows) => println!("rebuilt: the same heads, {rows} record(s)"),
            None if args.rebuild => println!("not rebuilt: see above"),
            None => {}
        }
    }
    Ok(match well && rebuilt.is_some() == args.rebuild {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Replays all journals into new caches; how many records they came to.
async fn rebuild(data: &Path, meter: &Arc<Meter>) -> anyhow::Result<u64> {
    let store = Store::open(data)
        .await
        .with_context(|| format!("cannot open the site in {}", data.display()))?;
    let before = store.frontier();
    let told = Arc::clone(meter);
    let rebuilt = store.rebuild_telling(move |done, of| told.show(done, of));
    let rebuilt = rebuilt.await;
    meter.clear();
    rebuilt.context("the caches are as they were")?;
    ensure!(
        store.frontier() == before,
        "the journals' heads are not the same: this is a fault of the program"
    );
    Ok(store.counts().await?.records)
}
