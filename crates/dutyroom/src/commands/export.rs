//! `dutyroom export`: what another site lacks, sealed to it, as a file. Beside a running site too.

use crate::cli;
use anyhow::Context as _;
use server::clock::Clock;
use server::random::Random;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
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
    let mut receivers = Receivers::find(&store.trust(), identity.site(), &names)?;
    receivers.whole = args.whole;
    let (now, mut rng) = (Clock::system().now_ms(), Random::system().generator());
    let mut exporter = Exporter::new(&identity, &store, &receivers, now, &mut rng).await?;
    let file = match &args.output {
        // An existing file may be the only copy of something: never written over.
        Some(path) => {
            File::create_new(path).with_context(|| format!("cannot make {}", path.display()))?
        }
        None => File::from(io::stdout().as_fd().try_clone_to_owned()?),
    };
    let bytes = match write(&mut exporter, file).await {
        Ok(bytes) => bytes,
        Err(error) => {
            if let Some(path) = &args.output {
                std::fs::remove_file(path)?;
            }
            return Err(error);
        }
    };
    eprintln!(
        "{} bundle(s) for {} site(s), {bytes} bytes",
        exporter.bundles(),
        receivers.sites.len()
    );
    Ok(ExitCode::SUCCESS)
}

/// Writes everything and presses it to the medium: a stick is pulled as soon as this is said done.
async fn write(exporter: &mut Exporter, mut file: File) -> anyhow::Result<usize> {
    let mut bytes = 0;
    while let Some(piece) = exporter.next().await? {
        bytes += piece.len();
        file.write_all(&piece).context("cannot write the file")?;
    }
    match file.sync_all() {
        // Not everything that standard output may be can be pressed to a medium: a pipe cannot.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(bytes),
        done => done.map(|()| bytes).context("cannot write the file"),
    }
}
