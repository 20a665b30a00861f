//! The simulated world, for as many seeds as an ordinary run can take.

use anyhow::{Context as _, Result, ensure};
use tests::world::founding::Founding;
use tests::world::run;
use tests::world::schedule::Schedule;

const SEEDS: u64 = 2_000;
const STEPS: u64 = 120;

fn founding() -> Result<Founding> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(Founding::new(6))
}

#[test]
fn no_world_breaks_a_promise() -> Result<()> {
    let total = run::many(&founding()?, 1..SEEDS + 1, STEPS, None)?;
    println!("{SEEDS} seeds, {} steps, {}", total.steps, total.faults);
    ensure!(
        total.failures.is_empty(),
        "`cargo xtask sim --steps {STEPS} --seed` makes these small: {:#?}",
        total.failures
    );
    let missing = total.faults.missing();
    ensure!(missing.is_empty(), "these never happened: {missing:?}");
    Ok(())
}

#[test]
fn the_same_seed_is_the_same_world() -> Result<()> {
    let founding = founding()?;
    for seed in 1..=5 {
        let schedule = Schedule::draw(seed, STEPS, None);
        let written = serde_json::to_string(&schedule)?;
        let first = run::one(&founding, &schedule)?;
        let again = run::one(&founding, &serde_json::from_str(&written)?)?;
        ensure!(first == again, "seed {seed} went otherwise the second time");
    }
    Ok(())
}

/// Schedules that once broke a promise, as small as they got.
const FOUND: [(&str, &str); 1] = [(
    "a site that got its own bundles back thought that it alone held them",
    include_str!("worlds/own_bundles_back.json"),
)];

#[test]
fn no_world_that_once_broke_a_promise_breaks_it_again() -> Result<()> {
    let founding = founding()?;
    for (what, schedule) in FOUND {
        run::one(&founding, &serde_json::from_str(schedule)?).context(what)?;
    }
    Ok(())
}
