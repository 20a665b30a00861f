//! `dutyroom record NUMBER > file`: one record as an Automerge document.

use crate::cli;
use anyhow::{Context as _, bail};
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use store::Store;

pub(crate) async fn run(args: cli::Record) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        bail!("a document is no text: send it to a file, as in `dutyroom record … > file`");
    }
    let store = Store::open_read_only(&args.data)
        .await
        .with_context(|| format!("cannot read the site in {}", args.data.display()))?;
    let document = store.document(&args.number).await?;
    let document = document.with_context(|| format!("there is no record {}", args.number))?;
    out.write_all(&document)?;
    Ok(ExitCode::SUCCESS)
}
