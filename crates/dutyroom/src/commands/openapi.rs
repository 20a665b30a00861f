//! `dutyroom openapi`.

use std::process::ExitCode;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    println!("{}", serde_json::to_string_pretty(&server::openapi())?);
    Ok(ExitCode::SUCCESS)
}
