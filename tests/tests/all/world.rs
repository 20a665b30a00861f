//! The simulated world, for as many seeds as an ordinary run can take.

use anyhow::{Context as _, Result, ensure};
use tests::world::founding::Founding;
use tests::world::run;
use tests::world::schedule::{Happening, Schedule};
use tests::world::shrink::shrink;

const SEEDS: u64 = 2_000;
const STEPS: u64 = 100;

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

#[test]
fn a_world_that_breaks_a_promise_fails_alike_each_time_and_is_made_small() -> Result<()> {
    let founding = founding()?;
    let mut schedule = Schedule::draw(7, STEPS, Some(4));
    for place in [STEPS / 2, STEPS - 1] {
        let mut planted = schedule.steps[0].clone();
        planted.happening = Happening::LoseDisk { site: 1 };
        schedule.steps.insert(usize::try_from(place)?, planted);
    }
    let broken = |schedule: &Schedule| {
        let lived = run::one(&founding, schedule);
        lived.err().map(|error| format!("{error:#}"))
    };
    let first = broken(&schedule).context("nobody noticed")?;
    ensure!(first.contains("forgot"), "it fails otherwise: {first}");
    ensure!(
        broken(&schedule).as_ref() == Some(&first),
        "it fails otherwise the second time"
    );
    let (small, why) = shrink(&founding, &schedule).context("it did not fail again")?;
    ensure!(
        small.steps.len() <= 3,
        "this is not small: {:#?}",
        small.steps
    );
    ensure!(small.sites == 2, "{} sites are left", small.sites);
    let written = serde_json::to_string(&small)?;
    ensure!(
        broken(&serde_json::from_str(&written)?) == Some(why),
        "the small one fails otherwise"
    );
    Ok(())
}

/// Schedules that once broke a promise, as small as they got.
const FOUND: [(&str, &str); 2] = [
    (
        "a site that got its own bundles back thought that it alone held them",
        include_str!("worlds/own_bundles_back.json"),
    ),
    (
        "a bundle waited for ever for one that had waited itself and became part of a branch",
        include_str!("worlds/waits_for_a_branch.json"),
    ),
];

#[test]
fn no_world_that_once_broke_a_promise_breaks_it_again() -> Result<()> {
    let founding = founding()?;
    for (what, schedule) in FOUND {
        run::one(&founding, &serde_json::from_str(schedule)?).context(what)?;
    }
    Ok(())
}
