//! Logs to standard error.
//!
//! Never logged, at any level: passwords, tokens, cookies, names of people, telephone numbers,
//! text of records, camera addresses. Messages read alone; fields repeat what is searched for.

use crate::config::{Log, LogFormat};
use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

/// Whether the filter can be understood.
///
/// # Errors
/// Says which directive cannot.
pub(crate) fn check(log: &Log) -> anyhow::Result<()> {
    filter(log).map(drop)
}

fn filter(log: &Log) -> anyhow::Result<EnvFilter> {
    EnvFilter::builder()
        .parse(&log.filter)
        .with_context(|| format!("log.filter {:?} is not understood", log.filter))
}

/// Starts logging, panics included: their place only, since a message may quote what was read.
///
/// # Errors
/// When the filter cannot be understood or logging was started before.
pub(crate) fn start(log: &Log) -> anyhow::Result<()> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(log)?)
        .with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(panic.place = %place, "a defect: the program panicked");
    }));
    Ok(())
}
