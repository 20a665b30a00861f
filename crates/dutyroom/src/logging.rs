//! Logs to standard error.
//!
//! Never logged, at any level: passwords, tokens, cookies, names of people, telephone numbers,
//! text of records, camera addresses. Messages read alone; fields repeat what is searched for.
//! Other people's crates keep no such promise, so a level without a module means ours only.

use crate::config::{Log, LogFormat};
use anyhow::Context as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The crates of this program, whose log lines are written with the rule above in mind.
const OURS: [&str; 7] = [
    "dutyroom", "media", "records", "rules", "server", "store", "sync",
];

/// Whether the filter can be understood.
///
/// # Errors
/// Says which directive cannot.
pub(crate) fn check(log: &Log) -> anyhow::Result<()> {
    filter(log).map(drop)
}

fn filter(log: &Log) -> anyhow::Result<EnvFilter> {
    let directives: Vec<_> = log.filter.split(',').map(directive).collect();
    EnvFilter::builder()
        .parse(directives.join(","))
        .with_context(|| format!("log.filter {:?} is not understood", log.filter))
}

/// A bare level holds for our crates; the others then say no more than warnings.
fn directive(directive: &str) -> String {
    let directive = directive.trim();
    let Ok(level) = directive.parse::<LevelFilter>() else {
        return directive.to_owned();
    };
    let others = level.min(LevelFilter::WARN);
    // It warns of every extension of every browser's hello that it does not know.
    let dtls = level.min(LevelFilter::ERROR);
    let ours = OURS.map(|name| format!("{name}={level}"));
    format!("{others},rtc_dtls={dtls},{}", ours.join(","))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_holds_for_our_own_crates_only() {
        let debug = directive("debug");
        assert!(
            debug.starts_with("warn,rtc_dtls=error,dutyroom=debug,"),
            "{debug}"
        );
        assert!(debug.ends_with(",sync=debug"), "{debug}");
        assert!(directive("off").starts_with("off,rtc_dtls=off,dutyroom=off,"));
    }

    #[test]
    fn a_module_that_is_named_is_logged_as_asked() {
        assert_eq!(directive(" retina=trace"), "retina=trace");
    }
}
