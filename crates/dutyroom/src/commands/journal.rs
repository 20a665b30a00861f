//! `dutyroom journal`: all journals as one plain file that anyone can verify offline.

use crate::cli;
use anyhow::{Context as _, ensure};
use std::io::{BufWriter, IsTerminal as _, Write as _};
use std::process::ExitCode;
use store::Store;

pub(crate) async fn run(args: cli::Journal) -> anyhow::Result<ExitCode> {
    let stdout = std::io::stdout();
    ensure!(
        !stdout.is_terminal(),
        "the journals are no text: send them to a file, as in `dutyroom journal … > file`"
    );
    let store = Store::open_read_only(&args.data)
        .await
        .with_context(|| format!("cannot read {}", args.data.display()))?;
    let mut to = BufWriter::new(stdout.lock());
    let bundles = store::verify::export(&store, &mut to, |_| {}).await?;
    to.flush()?;
    eprintln!("{bundles} bundle(s); prove them with `dutyroom verify FILE`");
    Ok(ExitCode::SUCCESS)
}
