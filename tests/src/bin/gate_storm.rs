//! Hostile changes through the gate: `gate-storm --changes N [--seed S] [--json]`.

use anyhow::Result;
use clap::Parser;
use std::process::ExitCode;
use tests::storm::storm;

/// Memory the gate may take beyond its corpus, bytes.
const MAX_GROWTH: u64 = 64 * 1024 * 1024;

/// Sends damaged and hostile changes through the gate and says what became of them.
#[derive(Parser)]
struct Arguments {
    /// How many changes.
    #[arg(long, default_value_t = 20_000)]
    changes: u64,
    /// The same seed is the same storm.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    // Panics are counted, not told one by one.
    std::panic::set_hook(Box::new(|_| {}));
    let report = storm(arguments.seed, arguments.changes, |report| {
        eprintln!("{} tried, {} accepted", report.tried, report.accepted);
    })?;
    let refused: u64 = report.refused.values().sum();
    let held: u64 = report.held.values().sum();
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!(
            "{} tried ({} mutated), {} accepted, {refused} refused, {held} held, {} panics caught, \
             {} escaped, {} unusable, +{} kB of memory\nrefused {:?}\nheld {:?}",
            report.tried,
            report.mutated,
            report.accepted,
            report.panics_caught,
            report.panics_escaped,
            report.unusable,
            report.memory_growth / 1024,
            report.refused,
            report.held,
        );
    }
    let sound = report.panics_escaped == 0 && report.unusable == 0;
    Ok(match sound && report.memory_growth <= MAX_GROWTH {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
