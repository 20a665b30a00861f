//! `cargo xtask test`: every check there is, in the order in which they fail fastest.

use crate::cargo::{build_programs, cargo};
use crate::hold::held;
use crate::node::{Node, on_path};
use crate::{api, repo, step, web};
use anyhow::{Context as _, bail};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Options of the test run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave out the scenarios in a real browser.
    #[arg(long)]
    quick: bool,
}

/// Names Debian and others give to a browser Playwright can drive.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The steps done, for the table at the end.
#[derive(Default)]
struct Report(Vec<(String, String)>);

impl Report {
    fn step(&mut self, what: &str, command: &mut Command, remedy: &str) -> anyhow::Result<()> {
        let took = step::run(what, command, remedy).inspect_err(|_| {
            self.note(what, "FAILED");
            self.print();
        })?;
        self.note(what, &seconds(took));
        Ok(())
    }

    fn note(&mut self, what: &str, result: &str) {
        self.0.push((what.to_owned(), result.to_owned()));
    }

    fn print(&self) {
        eprintln!("\n── summary");
        for (what, result) in &self.0 {
            eprintln!("   {what:<44} {result}");
        }
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// Runs everything; the first failure ends it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let begun = step::now();
    let mut report = Report::default();
    let node = Node::find()?;
    web::build(&node)?;
    rust(&mut report)?;
    web_app(&mut report, &node)?;
    interop(&mut report, &node)?;
    let dutyroom = build_programs(&["dutyroom"])?.remove(0);
    let drift = step::now();
    api::check(&node, &dutyroom).inspect_err(|_| report.print())?;
    report.note(
        "API document and types are current",
        &seconds(drift.elapsed()),
    );
    if arguments.quick {
        report.note("scenarios in a real browser", "left out (--quick)");
    } else {
        scenarios(&mut report, &node)?;
    }
    supply_chain(&mut report)?;
    report.note("all", &seconds(begun.elapsed()));
    report.print();
    Ok(())
}

/// The simulated world by hand; its output is the program's own.
pub(crate) fn sim(arguments: &[OsString]) -> anyhow::Result<()> {
    let mut sim = cargo(&["run", "--quiet", "-p", "tests", "--bin", "sim", "--"]);
    let status = sim.args(arguments).status().context("cannot start cargo")?;
    anyhow::ensure!(
        status.success(),
        "a simulated world broke a promise, see above"
    );
    Ok(())
}

fn rust(report: &mut Report) -> anyhow::Result<()> {
    let mut format = cargo(&["fmt", "--all", "--check"]);
    report.step("cargo fmt --check", &mut format, "run `cargo fmt --all`")?;
    let mut clippy = cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]);
    report.step("cargo clippy", &mut clippy, "mend what clippy names above")?;
    // Scenarios in real processes start these.
    let build = step::now();
    build_programs(&["camera-sim", "dutyroom"]).inspect_err(|_| report.print())?;
    report.note("cargo build", &seconds(build.elapsed()));
    let mut test = cargo(&["test", "--workspace"]);
    report.step("cargo test", &mut test, "see the failed test above")
}

fn web_app(report: &mut Report, node: &Node) -> anyhow::Result<()> {
    let folder = web::folder();
    let mut check = node.npm(&folder, &["run", "check"])?;
    report.step(
        "web: types and lints",
        &mut check,
        "`npm run format` in web mends the style",
    )?;
    let mut test = node.npm(&folder, &["test"])?;
    report.step("web: unit tests", &mut test, "see the failed test above")
}

/// Our records in the hands of Automerge's own JavaScript library.
fn interop(report: &mut Report, node: &Node) -> anyhow::Result<()> {
    let folder = repo::root().join("tests/interop");
    node.install(&folder, "tests-interop-install")?;
    let mut npm = node.npm(&folder, &["test"])?;
    report.step(
        "records read by npm @automerge/automerge",
        &mut npm,
        "see tests/tests/all/interop.rs",
    )
}

/// The scenarios on the real demo, driven in Debian's own browser.
fn scenarios(report: &mut Report, node: &Node) -> anyhow::Result<()> {
    let folder = repo::root().join("tests/web");
    if !folder.join("package.json").is_file() {
        report.note("scenarios in a real browser", "none in this tree");
        return Ok(());
    }
    let browser = browser()?;
    node.install(&folder, "tests-web-install")?;
    let mut npm = node.npm(&folder, &["test"])?;
    npm.env("CHROMIUM", browser);
    report.step(
        "scenarios in a real browser",
        &mut npm,
        "logs are named above",
    )
}

/// A browser; fetched when this is Debian and we may.
pub(crate) fn browser() -> anyhow::Result<PathBuf> {
    let installed = || BROWSERS.iter().find_map(|name| on_path(name));
    if let Some(found) = installed() {
        return Ok(found);
    }
    let remedy = "install Chromium (Debian: `apt-get install chromium fonts-noto-cjk`)";
    if !rustix::process::geteuid().is_root() || on_path("apt-get").is_none() {
        bail!("no Chromium here; {remedy}, or use --quick");
    }
    step::run("apt-get update", held("apt-get").arg("update"), remedy)?;
    let mut install = held("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    install.args([
        "install",
        "--yes",
        "--no-install-recommends",
        "chromium",
        "fonts-noto-cjk",
    ]);
    step::run(
        "no Chromium here: installing Debian's",
        &mut install,
        remedy,
    )?;
    installed().context("Chromium was installed but is not on PATH")
}

fn supply_chain(report: &mut Report) -> anyhow::Result<()> {
    if on_path("cargo-deny").is_none() {
        report.note(
            "cargo deny",
            "left out: not installed (`cargo install cargo-deny`)",
        );
        return Ok(());
    }
    // It finds .cargo/deny.toml by itself. Advisories need the network and are left to their day.
    let mut deny = cargo(&["deny", "--offline", "check", "--allow", "duplicate"]);
    deny.args(["bans", "licenses", "sources"]);
    report.step(
        "cargo deny",
        &mut deny,
        ".cargo/deny.toml says what is allowed and why",
    )
}
