//! `cargo xtask bench`: figures of the running demo, each beside an anchor of the same run.

use crate::node::Node;
use crate::repo;
use crate::suite::browser;
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// Options of the benchmarks.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print a line of JSON a figure instead of a table.
    #[arg(long)]
    json: bool,
}

/// Starts the demo, measures it in real browsers, and prints what came out.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
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
