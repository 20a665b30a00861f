//! `dutyroom import`: takes a file from `dutyroom export` in, while the site is stopped.

use crate::cli;
use crate::config::{Blobs, Config};
use anyhow::Context as _;
use serde_json::{Value, json};
use server::clock::Clock;
use std::fs::File;
use std::io::Read as _;
use std::process::ExitCode;
use store::{OpenError, Store};
use sync::carry::{Importer, Summary};
use sync::identity::Identity;

const PIECE: usize = 256 * 1024;

pub(crate) async fn run(args: cli::Import) -> anyhow::Result<ExitCode> {
    let identity = Identity::load(&args.data)?;
    let mut file =
        File::open(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let store = match Store::open(&args.data).await {
        Err(OpenError::Held) => anyhow::bail!(
            "the site is running: import the file on its page Status (运行状态 → 从U盘导入), \
             signed in as administrator, or stop the site first"
        ),
        opened => opened.with_context(|| format!("cannot open {}", args.data.display()))?,
    };
    let blobs = match &args.config {
        Some(file) => Config::read(file)?.blobs,
        None => Blobs::default(),
    };
    store.set_blob_limits(blobs.limits());
    let mut importer = Importer::new(&identity, &store, Clock::system().now_ms());
    let mut piece = vec![0; PIECE];
    let done = loop {
        let read = file.read(&mut piece).context("cannot read the file")?;
        if read == 0 {
            break importer.finish().await;
        }
        if let Err(error) = importer.take(&piece[..read]).await {
            let so_far = importer.summary();
            eprintln!(
                "{} bundle(s) before it were taken",
                so_far.new + so_far.mended
            );
            break Err(error);
        }
    };
    let summary = done.with_context(|| format!("{}", args.file.display()))?;
    print(&summary, args.json);
    Ok(ExitCode::SUCCESS)
}

/// The summary as it is printed for programs.
pub(super) fn json(summary: &Summary) -> Value {
    json!({
        "from": summary.from.to_string(), "created_at": summary.created_ms,
        "bundles": summary.bundles, "new": summary.new, "known": summary.known,
        "quarantined": summary.quarantined, "mended": summary.mended,
        "blobs": summary.blobs, "blobs_without_room": summary.blobs_without_room,
        "forks": summary.forks, "waiting": summary.waiting,
        "strangers": summary.strangers,
    })
}

fn print(summary: &Summary, json: bool) {
    if json {
        println!("{}", self::json(summary));
        return;
    }
    let Summary {
        bundles,
        new,
        known,
        ..
    } = summary;
    println!("{bundles} bundle(s): {new} new, {known} already here");
    for (count, what) in [
        (summary.mended, "put back where this disk had lost them"),
        (summary.blobs, "attachment(s) taken"),
        (
            summary.blobs_without_room,
            "attachment(s) for which there is no room here",
        ),
        (summary.quarantined, "in quarantine"),
        (
            summary.forks,
            "kept as evidence of a fork: see the status page",
        ),
        (
            summary.waiting,
            "waiting for bundles that the file does not hold: link the sites, or export with --whole",
        ),
        (summary.strangers, "signed by no known site and not kept"),
    ] {
        if count > 0 {
            println!("{count} {what}");
        }
    }
}
