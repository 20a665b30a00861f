//! `dutyroom restore`: a data directory out of a backup.
//!
//! The site writes on in a new incarnation from its first start, linked or not: what it wrote
//! after the backup may be held elsewhere, and comes back over the links. The directory appears
//! whole or not at all.

use super::backup::{FOLDERS, MANIFEST, private_folder};
use crate::{cli, copy};
use anyhow::{Context as _, bail};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use sync::identity::Identity;

pub(crate) async fn run(args: cli::Restore) -> anyhow::Result<ExitCode> {
    let data = &args.data;
    let identity = Identity::load(&args.folder)
        .with_context(|| format!("{} is not a backup", args.folder.display()))?;
    if !args.folder.join(MANIFEST).is_file() {
        bail!("{} is not a whole backup", args.folder.display());
    }
    if !is_empty(data)? {
        bail!(
            "{} is not empty: nothing is restored over it",
            data.display()
        );
    }
    let name = data.file_name().context("the directory needs a name")?;
    let mut name = name.to_owned();
    name.push(".part");
    let staging = data.with_file_name(name);
    if staging.exists() {
        bail!(
            "{} is left of a restore that was broken off; remove it first",
            staging.display()
        );
    }
    private_folder(&staging)?;
    for folder in FOLDERS {
        copy::folder(&args.folder.join(folder), &staging.join(folder))?;
    }
    store::backup::put_back(&args.folder, &staging, identity.journal)
        .await
        .with_context(|| format!("cannot restore the database of {}", args.folder.display()))?;
    std::fs::rename(&staging, data)?;
    copy::flush(&copy::parent(data))?;
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

fn is_empty(data: &Path) -> std::io::Result<bool> {
    match data.read_dir() {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}
