//! `dutyroom backup`: a folder with one consistent state of a site, running or not.
//!
//! In it lie `dutyroom.db`, the attachments, the folder `identity` (the site's keys: whoever has
//! them can sign in its name) and `manifest.json`, which names the heads of all journals. Made
//! under another name and renamed last, so that a folder with this name is a whole backup;
//! `dutyroom verify` checks it like a data directory.

use crate::{cli, copy};
use anyhow::{Context as _, bail};
use serde_json::json;
use server::clock::Clock;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use sync::identity::Identity;

/// Names of the folders that are copied file by file, for files in them only come and go; and of
/// what in them is on its way in and belongs to nothing yet.
pub(crate) const FOLDERS: [(&str, &[&str]); 2] = [("identity", &[]), ("blobs", &["tmp", "part"])];
/// Only a finished backup has it.
pub(crate) const MANIFEST: &str = "manifest.json";

pub(crate) async fn run(args: cli::Backup) -> anyhow::Result<ExitCode> {
    let identity = Identity::load(&args.data)?;
    let target = &args.folder;
    if target.exists() {
        bail!(
            "{} exists: a backup is never written over",
            target.display()
        );
    }
    let staging = staging(target)?;
    if staging.exists() {
        bail!(
            "{} is left of a backup that was broken off; remove it first",
            staging.display()
        );
    }
    private_folder(&staging)?;
    store::backup::copy(&args.data, &staging)
        .await
        .with_context(|| format!("cannot copy the database of {}", args.data.display()))?;
    for (folder, passed_over) in FOLDERS {
        copy::folder(&args.data.join(folder), &staging.join(folder), passed_over)?;
    }
    let heads = heads(&staging).await?;
    let (journals, made_ms) = (heads.len(), Clock::system().now_ms());
    let manifest = json!({
        "format": 1, "version": env!("CARGO_PKG_VERSION"), "made_ms": made_ms,
        "institution": identity.institution.to_string(),
        "site": identity.site().to_string(), "code": identity.code, "heads": heads,
    });
    write(
        &staging.join(MANIFEST),
        format!("{manifest:#}\n").as_bytes(),
    )?;
    copy::flush(&staging)?;
    std::fs::rename(&staging, target)?;
    copy::flush(&copy::parent(target))?;
    if args.json {
        println!("{}", json!({"folder": target, "journals": journals}));
    } else {
        println!("{journals} journal(s) in {}", target.display());
        println!("The site's keys are in it: keep it where only administrators can read it.");
    }
    Ok(ExitCode::SUCCESS)
}

fn staging(target: &Path) -> anyhow::Result<PathBuf> {
    let name = target.file_name().context("the folder needs a name")?;
    let mut name = name.to_owned();
    name.push(".part");
    Ok(target.with_file_name(name))
}

/// A folder for its owner alone.
pub(crate) fn private_folder(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

async fn heads(folder: &Path) -> anyhow::Result<Vec<serde_json::Value>> {
    let store = store::Store::open_read_only(folder).await?;
    let heads = store.frontier();
    let heads = heads.iter().map(|head| {
        json!({
            "site": head.journal.site.to_string(), "incarnation": head.journal.incarnation,
            "seq": head.seq, "hash": head.hash.to_string(),
        })
    });
    Ok(heads.collect())
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = copy::private_file(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
