//! `cargo xtask bench sync [NAME…] [--json] [--quick]`: what sync promises (DESIGN.md section 5),
//! measured, each figure beside an anchor of the same run.
//!
//! A figure is a file with a `//!` page (what is measured, how, against what, and the cause when a
//! goal is missed) and a `run` function, listed in [`FIGURES`].

mod admit;
mod crowd;
mod durable;
mod figure;
mod gate;
mod live;
mod missing;
mod pacing;
mod pair;
mod per_record;
mod raw;
mod reconnect;
mod repo;
mod scrub;
mod start;
mod verify;
mod weeks;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use figure::{Figure, Size};

type Measure = fn(Size) -> Result<Vec<Figure>>;

/// Name on the command line and measurement; each prints one line or several.
const FIGURES: &[(&str, Measure)] = &[
    ("reconnect", reconnect::run),
    ("missing", missing::run),
    ("scrub", scrub::run),
    ("durable", durable::run),
    ("gate", gate::run),
    ("start", start::run),
    ("admit", admit::run),
    ("verify", verify::run),
    ("live", live::run),
    ("crowd", crowd::run),
    ("pacing", pacing::run),
    ("weeks", weeks::run),
];

/// Figures of sync, each beside an anchor.
#[derive(Parser)]
struct Arguments {
    /// Which figures; all of them by default.
    names: Vec<String>,
    /// A line of JSON a figure instead of a table.
    #[arg(long)]
    json: bool,
    /// Small sizes: to see that a figure runs, not to quote it.
    #[arg(long)]
    quick: bool,
    /// Cargo says so to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    for name in &arguments.names {
        let known = FIGURES.iter().any(|(figure, _)| figure == name);
        ensure!(known, "no figure is called {name}; there are {}", names());
    }
    let size = match arguments.quick {
        true => Size::Quick,
        false => Size::Full,
    };
    for (name, run) in FIGURES {
        if !arguments.names.is_empty() && !arguments.names.iter().any(|wanted| wanted == name) {
            continue;
        }
        for figure in run(size).with_context(|| format!("figure {name}"))? {
            match arguments.json {
                true => println!("{}", figure.line()?),
                false => println!("{}", figure.row()),
            }
        }
    }
    Ok(())
}

fn names() -> String {
    let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}
