//! `dutyroom check-config`.

use crate::cli;
use crate::config::Config;
use server::listener::Tls;
use std::process::ExitCode;

pub(crate) fn run(args: &cli::CheckConfig) -> anyhow::Result<ExitCode> {
    let config = Config::read(&args.file)?;
    if let Some(files) = &config.http.tls {
        Tls::of_files(&files.certificate, &files.key)?;
    }
    println!(
        "{} is valid: {} camera(s), browsers on {}",
        args.file.display(),
        config.cameras.len(),
        config.http.listen
    );
    Ok(ExitCode::SUCCESS)
}
