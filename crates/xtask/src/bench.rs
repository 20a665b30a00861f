//! `cargo xtask bench`: figures of the running demo, or of sync alone, each beside an anchor of
//! the same run.

use crate::cargo::cargo;
use crate::node::Node;
use crate::repo;
use crate::suite::browser;
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// Options of the benchmarks.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    suite: Option<Suite>,
    /// Print a line of JSON a figure instead of a table.
    #[arg(long)]
    json: bool,
}

/// What else there is to measure than the demo.
#[derive(clap::Subcommand)]
enum Suite {
    /// Sync without browsers: [NAME…] [--json] [--quick].
    #[command(disable_help_flag = true)]
    Sync {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Measures what was asked for, the demo by default, and prints what came out.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.suite {
        Some(Suite::Sync { arguments }) => sync(arguments),
        None => demo(arguments),
    }
}

/// Sync's own benchmark program, optimised; its output is its own.
fn sync(arguments: &[OsString]) -> anyhow::Result<()> {
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = arguments.iter().all(|argument| {
        let argument = argument.to_string_lossy();
        argument.starts_with('-')
    });
    if all || named("start") {
        // That figure starts the program itself, which lies beside the benchmark.
        let mut build = cargo(&["build", "--quiet", "--release", "-p", "dutyroom"]);
        let built = build.status().context("cannot start cargo")?;
        ensure!(built.success(), "dutyroom does not build, see above");
    }
    let mut bench = cargo(&["bench", "--quiet", "-p", "tests", "--bench", "sync", "--"]);
    let status = bench
        .args(arguments)
        .status()
        .context("cannot start cargo")?;
    ensure!(
        status.success(),
        "a figure could not be measured, see above"
    );
    Ok(())
}

/// Starts the demo and measures it in real browsers.
fn demo(arguments: &Arguments) -> anyhow::Result<()> {
    let node = Node::find()?;
    let folder = repo::root().join("tests/web");
    node.install(&folder, "tests-web-install")?;
    let mut npm = node.npm(&folder, &["run", "--silent", "figures"])?;
    npm.env("CHROMIUM", browser()?).stdout(Stdio::piped());
    let mut child = npm.spawn().context("cannot start npm")?;
    let stdout = child.stdout.take().context("no standard output")?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if arguments.json {
            println!("{line}");
        } else {
            println!("{}", row(&line)?);
        }
    }
    ensure!(
        child.wait()?.success(),
        "a figure could not be measured, see above"
    );
    Ok(())
}

/// A figure as a row of a Markdown table.
fn row(line: &str) -> anyhow::Result<String> {
    let figure: Value = serde_json::from_str(line).context("a figure is a line of JSON")?;
    let text = |name: &str| figure[name].as_str().unwrap_or("–").to_owned();
    let number = |name: &str| {
        figure[name]
            .as_f64()
            .map_or("–".to_owned(), |n| n.to_string())
    };
    Ok(format!(
        "| {} | {} {} | {} | {}: {} |",
        text("figure"),
        number("value"),
        text("unit"),
        number("goal"),
        text("anchor"),
        number("anchor_value"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_becomes_a_row_with_its_goal_and_anchor() {
        let line = r#"{"figure":"first picture","value":287,"unit":"ms","goal":300,"met":true,
            "anchor":"own campus","anchor_value":250,"ratio":1.148}"#;
        let row = row(line).expect("the line is a figure");
        assert_eq!(row, "| first picture | 287 ms | 300 | own campus: 250 |");
    }
}
