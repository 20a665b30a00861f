//! `dutyroom export`: what another site lacks, sealed to it, as a file. Beside a running site too.

use crate::cli;
use anyhow::Context as _;
use server::clock::Clock;
use server::random::Random;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::process::ExitCode;
use store::Store;
use sync::carry::{Exporter, Receivers};
use sync::identity::Identity;

pub(crate) async fn run(args: cli::Export) -> anyhow::Result<ExitCode> {
    if args.output.is_none() && io::stdout().is_terminal() {
        anyhow::bail!("send the output to a file: dutyroom export … > FILE");
    }
    let identity = Identity::load(&args.data)?;
    let store = Store::open_read_only(&args.data)
        .await
        .with_context(|| format!("cannot open the site in {}", args.data.display()))?;
    let names: Vec<String> = args.since.iter().chain(&args.to).cloned().collect();
    let receivers = Receivers::find(&store.trust(), identity.site(), &names)?;
    let (now, mut rng) = (Clock::system().now_ms(), Random::system().generator());
    let mut exporter = Exporter::new(&identity, &store, &receivers, now, &mut rng).await?;
    let mut out: Box<dyn Write> = match &args.output {
        // An existing file may be the only copy of something: never written over.
        Some(path) => Box::new(BufWriter::new(
            File::create_new(path).with_context(|| format!("cannot make {}", path.display()))?,
        )),
        None => Box::new(BufWriter::new(io::stdout())),
    };
    let mut bytes = 0;
    while let Some(piece) = exporter.next().await? {
        bytes += piece.len();
        out.write_all(&piece).context("cannot write the file")?;
    }
    out.flush().context("cannot write the file")?;
    eprintln!(
        "{} bundle(s) for {} site(s), {bytes} bytes",
        exporter.bundles(),
        receivers.sites.len()
    );
    Ok(ExitCode::SUCCESS)
}
