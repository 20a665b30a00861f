//! Many worlds on all cores, each on one thread from its beginning to its end.

use super::faults::Faults;
use super::founding::Founding;
use super::schedule::Schedule;
use super::{Summary, live};
use anyhow::{Context as _, Result};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What many worlds went through.
#[derive(Debug, Default)]
pub struct Total {
    /// Happenings.
    pub steps: u64,
    /// Actions a site answered as saved.
    pub acknowledged: u64,
    /// Faults injected.
    pub faults: Faults,
    /// Broken promises by seed.
    pub failures: Vec<(u64, String)>,
}

/// Lives through one written-out world on this thread.
///
/// # Errors
/// The broken promise; a panic is one.
pub fn one(founding: &Founding, schedule: &Schedule) -> Result<Summary> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let lived = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(live(founding, schedule))
    }));
    lived.unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(anyhow::anyhow!("panicked: {}", said.unwrap_or("?")))
    })
}

/// Lives through the worlds of `seeds`; a world's own operations still follow one another.
///
/// # Errors
/// When no thread can be started.
pub fn many(
    founding: &Founding,
    seeds: Range<u64>,
    steps: u64,
    sites: Option<usize>,
) -> Result<Total> {
    let next = AtomicU64::new(seeds.start);
    let total = Mutex::new(Total::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let lived = one(founding, &Schedule::draw(seed, steps, sites));
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            match lived {
                Ok(summary) => {
                    total.steps += summary.steps;
                    total.acknowledged += summary.acknowledged;
                    total.faults += &summary.faults;
                }
                Err(error) => total.failures.push((seed, format!("{error:#}"))),
            }
        }
    };
    let threads = std::thread::available_parallelism().context("how many cores there are")?;
    std::thread::scope(|scope| {
        for _ in 0..threads.get() {
            scope.spawn(work);
        }
    });
    let mut total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    total.failures.sort();
    Ok(total)
}
