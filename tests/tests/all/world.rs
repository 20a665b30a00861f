//! The simulated world, for as many seeds as an ordinary run can take.

use anyhow::{Result, ensure};
use tests::world::faults::Faults;
use tests::world::founding::Founding;
use tests::world::live;

const SEEDS: u64 = 300;
const STEPS: u64 = 120;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_world_breaks_a_promise() -> Result<()> {
    let founding = Founding::new().await?;
    let mut faults = Faults::default();
    for seed in 1..=SEEDS {
        faults += live(&founding, seed, STEPS).await?.faults;
    }
    println!("{SEEDS} seeds, {STEPS} steps each, {faults:?}");
    let all_kinds = [
        faults.cuts,
        faults.kills,
        faults.write_point_kills,
        faults.clock_steps,
    ];
    ensure!(
        all_kinds.iter().all(|count| *count > 0),
        "a kind of fault never happened"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_is_the_same_world() -> Result<()> {
    let founding = Founding::new().await?;
    let first = live(&founding, 7, STEPS).await?;
    let again = live(&founding, 7, STEPS).await?;
    ensure!(first.faults == again.faults && first.acknowledged == again.acknowledged);
    Ok(())
}
