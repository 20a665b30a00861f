//! A file from `dutyroom export`: opened with the keys of a site that it is sealed for, and proved
//! beside all that this site holds. Nothing is written there: the file goes into a copy.

use anyhow::{Context as _, bail};
use server::clock::Clock;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use store::Store;
use sync::carry::{Importer, MAGIC, Summary, header};
use sync::identity::Identity;
use tempfile::TempDir;

const PIECE: usize = 256 * 1024;

/// Whether the file begins like one from `dutyroom export`.
pub(super) fn is_one(path: &Path) -> anyhow::Result<bool> {
    if path.is_dir() {
        return Ok(false);
    }
    let mut magic = [0; MAGIC.len()];
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    match file.read_exact(&mut magic) {
        Ok(()) => Ok(&magic == MAGIC),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Takes the file into a copy of the site in `data`; what came of it, and where the copy is.
pub(super) async fn take(path: &Path, data: Option<&Path>) -> anyhow::Result<(Summary, TempDir)> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Some(data) = data else {
        let mut begin = vec![0; PIECE];
        let read = file.read(&mut begin)?;
        let header = header(&begin[..read])?.context("the file is cut off")?;
        let sites: Vec<String> = header
            .receivers
            .iter()
            .map(|receiver| receiver.site.to_string())
            .collect();
        bail!(
            "{} was written by site {} and is sealed for site(s) {}: give the data directory of \
             one of them with --data",
            path.display(),
            header.from.site,
            sites.join(", ")
        );
    };
    let identity = Identity::load(data)?;
    let copy = tempfile::tempdir().context("cannot make a temporary folder")?;
    store::backup::copy(data, copy.path())
        .await
        .with_context(|| format!("cannot copy the database of {}", data.display()))?;
    let store = Store::open(copy.path()).await?;
    let mut importer = Importer::new(&identity, &store, Clock::system().now_ms());
    let mut piece = vec![0; PIECE];
    let summary = loop {
        let read = file.read(&mut piece).context("cannot read the file")?;
        if read == 0 {
            break importer.finish().await;
        }
        if let Err(error) = importer.take(&piece[..read]).await {
            break Err(error);
        }
    };
    drop(store);
    let summary = summary.with_context(|| format!("{}", path.display()))?;
    Ok((summary, copy))
}

/// Says what the file is.
pub(super) fn print(summary: &Summary) {
    println!(
        "a whole file, signed by site {}: {} bundle(s), {} of them new to this site",
        summary.from, summary.bundles, summary.new
    );
    for (count, what) in [
        (summary.quarantined, "would go to quarantine"),
        (summary.waiting, "would wait for bundles that are not here"),
        (summary.forks, "prove a fork"),
        (summary.strangers, "are signed by no known site"),
    ] {
        if count > 0 {
            println!("{count} of them {what}");
        }
    }
    println!("with them, all that this site holds:");
}
