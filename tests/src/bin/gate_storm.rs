//! Hostile changes through the gate: `gate-storm --changes N [--seed S] [--json]`.

use anyhow::Result;
use clap::Parser;
use peak_alloc::PeakAlloc;
use std::process::ExitCode;
use tests::storm::storm;

/// Memory the gate may take for one change, and may be left with after all of them, bytes.
const MAX_MEMORY: usize = 64 * 1024 * 1024;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

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
    let report = storm(arguments.seed, arguments.changes, &HEAP, |report| {
        eprintln!("{} tried, {} accepted", report.tried, report.accepted);
    })?;
    let refused: u64 = report.refused.values().sum();
    let held: u64 = report.held.values().sum();
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!(
            "{} tried ({} mutated), {} accepted, {refused} refused, {held} held, {} panics caught, \
             {} escaped, {} unusable, at most {} kB of memory for one, +{} kB in the end\nrefused {:?}\nheld {:?}",
            report.tried,
            report.mutated,
            report.accepted,
            report.panics_caught,
            report.panics_escaped,
            report.unusable,
            report.judging / 1024,
            report.growth / 1024,
            report.refused,
            report.held,
        );
    }
    let sound = report.panics_escaped == 0 && report.unusable == 0;
    let bounded = report.judging.max(report.growth) <= MAX_MEMORY;
    Ok(match sound && bounded {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
