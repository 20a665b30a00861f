//! The simulated world by hand:
//! `sim --seeds N [--seed S] [--sites N] [--steps N] [--json] [--replay FILE]`.

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tests::world::founding::Founding;
use tests::world::run::{self, Total};
use tests::world::schedule::Schedule;
use tests::world::shrink::shrink;

/// From so many seeds on, with everything drawn, every kind of fault must have happened.
const ORDINARY: u64 = 200;
/// Failing seeds that are made small; the others are only named.
const SHRUNK: usize = 3;

/// Lives through simulated worlds and checks the promises of the design.
#[derive(Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many sites, instead of 2 to 6 drawn from the seed.
    #[arg(long, value_parser = clap::value_parser!(u8).range(2..=24))]
    sites: Option<u8>,
    /// Happenings in each world.
    #[arg(long, default_value_t = 150)]
    steps: u64,
    /// One line of JSON at the end.
    #[arg(long)]
    json: bool,
    /// Run the schedule in this file instead of seeds.
    #[arg(long)]
    replay: Option<PathBuf>,
    /// Where minimal schedules of failing seeds go.
    #[arg(long, default_value = "target/sim")]
    into: PathBuf,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    let sites = arguments.sites.map(usize::from);
    let founding = runtime.block_on(Founding::new(sites.unwrap_or(6).max(6)))?;
    drop(runtime);
    if let Some(file) = &arguments.replay {
        return replay(&founding, file);
    }
    let seeds = arguments.seed..arguments.seed + arguments.seeds;
    let total = run::many(&founding, seeds, arguments.steps, sites)?;
    for (seed, broken) in &total.failures {
        eprintln!("seed {seed}: {broken}");
    }
    for (seed, _) in total.failures.iter().take(SHRUNK) {
        let schedule = Schedule::draw(*seed, arguments.steps, sites);
        make_small(&founding, &schedule, &arguments.into)?;
    }
    let missing = match arguments.seeds >= ORDINARY && sites.is_none() {
        true => total.faults.missing(),
        false => Vec::new(),
    };
    report(&arguments, &total);
    if !missing.is_empty() {
        bail!("never injected, so nothing is proved about them: {missing:?}");
    }
    Ok(match total.failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn report(arguments: &Arguments, total: &Total) {
    let failures: Vec<u64> = total.failures.iter().map(|(seed, _)| *seed).collect();
    if arguments.json {
        println!(
            "{}",
            json!({"seeds": arguments.seeds, "steps": total.steps,
                   "acknowledged": total.acknowledged,
                   "faults": total.faults, "failures": failures})
        );
    } else {
        println!(
            "{} seeds from {}, {} steps, {} acknowledged actions; {}; {} failed: {failures:?}",
            arguments.seeds,
            arguments.seed,
            total.steps,
            total.acknowledged,
            total.faults,
            failures.len(),
        );
    }
}

fn make_small(founding: &Founding, schedule: &Schedule, into: &Path) -> Result<()> {
    let Some((small, broken)) = shrink(founding, schedule) else {
        eprintln!("seed {} does not fail again: find out why", schedule.seed);
        return Ok(());
    };
    std::fs::create_dir_all(into)?;
    let file = into.join(format!("{}.json", small.seed));
    std::fs::write(&file, serde_json::to_string_pretty(&small)?)?;
    eprintln!(
        "seed {}: {} steps and {} sites are enough ({}): {broken}",
        small.seed,
        small.steps.len(),
        small.sites,
        file.display()
    );
    for step in &small.steps {
        eprintln!("  {:?}", step.happening);
    }
    Ok(())
}

fn replay(founding: &Founding, file: &Path) -> Result<ExitCode> {
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("cannot read {}", file.display()))?;
    let schedule: Schedule = serde_json::from_str(&text).context("not a schedule")?;
    Ok(match run::one(founding, &schedule) {
        Ok(summary) => {
            println!("no promise is broken; trace {}", summary.trace);
            ExitCode::SUCCESS
        }
        Err(broken) => {
            println!("{broken:#}");
            ExitCode::FAILURE
        }
    })
}
