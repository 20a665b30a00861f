//! Cargo, called from a program that Cargo itself started.

use crate::hold::held;
use crate::repo;
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A cargo command in this repository.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = held(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(repo::root()).args(arguments);
    // `cargo run` tells this program about its own package. Build scripts that look at such
    // variables (ring's does) would run again, and everything above them with it, each time
    // someone changes between `cargo xtask` and plain cargo.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&*name);
        }
    }
    cargo
}

/// Builds programs of the workspace and says where they are, in the order asked for.
pub(crate) fn build_programs(names: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let mut cargo = cargo(&["build", "--message-format=json-render-diagnostics"]);
    // Always the same packages, so that dependencies always have the same features.
    cargo.args(["-p", "dutyroom", "-p", "tests"]);
    cargo.args(names.iter().flat_map(|name| ["--bin", name]));
    // Cargo tells its progress on standard error by itself.
    let mut child = cargo
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let stdout = child.stdout.take().context("cargo has no output")?;
    let mut found = HashMap::new();
    for line in BufReader::new(stdout).lines() {
        let message: Value = serde_json::from_str(&line?).unwrap_or_default();
        let name = message["target"]["name"].as_str();
        if let Some((name, path)) = name.zip(message["executable"].as_str()) {
            found.insert(name.to_owned(), PathBuf::from(path));
        }
    }
    if !child.wait()?.success() {
        bail!("cargo build failed; see its messages above");
    }
    let path = |name: &&str| {
        found
            .remove(*name)
            .with_context(|| format!("cargo built no {name}"))
    };
    names.iter().map(path).collect()
}
