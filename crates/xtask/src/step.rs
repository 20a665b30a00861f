//! Running programs as steps: said beforehand, timed, and explained when they fail.

use anyhow::{Context as _, bail};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The clock of this driver.
#[expect(
    clippy::disallowed_methods,
    reason = "a driver that tells how long its steps took"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since the Unix epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "a driver that dates what it seeds"
)]
pub(crate) fn epoch_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ms = since.expect("the clock is after 1970").as_millis();
    i64::try_from(ms).expect("fits for 290 million years")
}

/// Runs a command to its end, its output going to standard error, so that standard output stays
/// for results. `remedy` is what to do when it fails.
pub(crate) fn run(what: &str, command: &mut Command, remedy: &str) -> anyhow::Result<Duration> {
    eprintln!("── {what}");
    let begun = now();
    command.stdin(Stdio::null());
    command.stdout(std::io::stderr());
    let status = command
        .status()
        .with_context(|| format!("{what}: cannot be started; {remedy}"))?;
    if !status.success() {
        bail!("{what} failed ({status}); {remedy}");
    }
    Ok(begun.elapsed())
}

/// Runs a command to its end and gives back its standard output.
pub(crate) fn output(what: &str, command: &mut Command) -> anyhow::Result<String> {
    command.stderr(Stdio::piped()).stdout(Stdio::piped());
    let output = command
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .with_context(|| format!("{what}: cannot be started"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{what} failed ({}): {}", output.status, said.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{what}: not UTF-8"))
}
