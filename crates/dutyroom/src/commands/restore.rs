//! `dutyroom restore`: a data directory out of a backup.
//!
//! The site writes on in a new incarnation from its first start, linked or not: what it wrote
//! after the backup may be held elsewhere, and comes back over the links. The directory appears
//! whole or not at all.

use super::backup::{FOLDERS, MANIFEST, private_folder};
use crate::{cli, copy};
use anyhow::{Context as _, bail};
use serde_json::json;
use server::clock::Clock;
use std::path::Path;
use std::process::ExitCode;
use sync::identity::Identity;

/// Made inside the directory, the only place where the site's user is sure to be let write.
const STAGING: &str = "restore.part";

pub(crate) async fn run(args: cli::Restore) -> anyhow::Result<ExitCode> {
    let data = &args.data;
    let identity = Identity::load(&args.folder)
        .with_context(|| format!("{} is not a backup", args.folder.display()))?;
    if !args.folder.join(MANIFEST).is_file() {
        bail!("{} is not a whole backup", args.folder.display());
    }
    private_folder(data).with_context(|| format!("cannot make {}", data.display()))?;
    let staging = data.join(STAGING);
    if staging.exists() {
        bail!(
            "{} is left of a restore that was broken off; remove it first",
            staging.display()
        );
    }
    if data.read_dir()?.next().is_some() {
        bail!(
            "{} is not empty: nothing is restored over it",
            data.display()
        );
    }
    private_folder(&staging)?;
    for (folder, passed_over) in FOLDERS {
        copy::folder(
            &args.folder.join(folder),
            &staging.join(folder),
            passed_over,
        )?;
    }
    let now_ms = Clock::system().now_ms();
    store::backup::put_back(&args.folder, &staging, identity.journal, now_ms)
        .await
        .with_context(|| format!("cannot restore the database of {}", args.folder.display()))?;
    move_up(&staging, data)?;
    let (site, code) = (identity.site().to_string(), &identity.code);
    if args.json {
        println!("{}", json!({"site": site, "code": code}));
    } else {
        println!(
            "restored {} ({code}) into {}",
            identity.name,
            data.display()
        );
        println!("Its numbers go on with a letter after the year. Never start the old directory.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Moves everything out of `staging` into `data`, the database last: without it nothing starts.
fn move_up(staging: &Path, data: &Path) -> anyhow::Result<()> {
    let entries: std::io::Result<Vec<_>> = staging.read_dir()?.collect();
    let names = entries?.into_iter().map(|entry| entry.file_name());
    let (database, others): (Vec<_>, Vec<_>) = names.partition(|name| name == store::DATABASE);
    for name in others.iter().chain(&database) {
        copy::flush(data)?;
        std::fs::rename(staging.join(name), data.join(name))
            .with_context(|| format!("cannot move {} into place", name.display()))?;
    }
    std::fs::remove_dir(staging)?;
    copy::flush(data)?;
    Ok(copy::flush(&copy::parent(data))?)
}
