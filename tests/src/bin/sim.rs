//! The simulated world by hand: `sim --seeds N [--seed S] [--steps N] [--json]`.

use anyhow::Result;
use clap::Parser;
use serde_json::json;
use std::process::ExitCode;
use tests::world::faults::Faults;
use tests::world::founding::Founding;
use tests::world::live;

/// Lives through simulated worlds and checks the promises of the design.
#[derive(Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Happenings in each world.
    #[arg(long, default_value_t = 200)]
    steps: u64,
    /// One line of JSON at the end.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let founding = Founding::new().await?;
    let (mut faults, mut acknowledged, mut failures) = (Faults::default(), 0, Vec::new());
    for seed in arguments.seed..arguments.seed + arguments.seeds {
        match live(&founding, seed, arguments.steps).await {
            Ok(summary) => {
                faults += summary.faults;
                acknowledged += summary.acknowledged;
            }
            Err(error) => {
                eprintln!("{error:#}");
                failures.push(seed);
            }
        }
    }
    let steps = arguments.seeds * arguments.steps;
    if arguments.json {
        let seeds = arguments.seeds;
        println!(
            "{}",
            json!({"seeds": seeds, "steps": steps, "acknowledged": acknowledged,
                   "faults": faults, "failures": failures})
        );
    } else {
        println!(
            "{} seeds from {}, {steps} steps, {acknowledged} acknowledged actions, \
             {} cuts, {} kills, {} kills at a write point, {} clock steps; {} failed: {failures:?}",
            arguments.seeds,
            arguments.seed,
            faults.cuts,
            faults.kills,
            faults.write_point_kills,
            faults.clock_steps,
            failures.len(),
        );
    }
    Ok(if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
