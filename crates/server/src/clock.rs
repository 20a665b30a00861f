//! The one real clock of the program; everything else is handed a time.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Tells wall time and uptime. Clones share one source.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System { started: Instant },
    Manual(Arc<watch::Sender<i64>>),
}

impl Clock {
    /// The machine's clock; uptime counts from this call.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one real clock")]
    pub fn system() -> Self {
        Self(Source::System {
            started: Instant::now(),
        })
    }

    /// A clock that stands at `now_ms` until it is advanced; for tests.
    #[must_use]
    pub fn manual(now_ms: i64) -> Self {
        Self(Source::Manual(Arc::new(watch::channel(now_ms).0)))
    }

    /// Moves a manual clock on and wakes who waits for it. The machine's clock is not moved.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(time) = &self.0 {
            time.send_modify(|now| *now += millis(by));
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one real clock")]
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            // A machine set before 1970 is told as 1970; the feed and the logs show it.
            Source::System { .. } => millis(
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default(),
            ),
            Source::Manual(time) => *time.borrow(),
        }
    }

    /// Milliseconds since the program started; never goes back.
    #[must_use]
    pub fn uptime_ms(&self) -> u64 {
        match &self.0 {
            Source::System { started } => millis(started.elapsed()).unsigned_abs(),
            Source::Manual(time) => time.borrow().unsigned_abs(),
        }
    }

    /// Returns once the clock shows `at_ms` or later.
    pub async fn wait_until(&self, at_ms: i64) {
        match &self.0 {
            // Slept in slices: a wall clock that is set forward must still end the wait.
            Source::System { .. } => loop {
                let left = at_ms - self.now_ms();
                if left <= 0 {
                    return;
                }
                let slice = left.min(60_000).unsigned_abs();
                tokio::time::sleep(Duration::from_millis(slice)).await;
            },
            Source::Manual(time) => {
                let mut shown = time.subscribe();
                shown
                    .wait_for(|now| *now >= at_ms)
                    .await
                    .expect("the sender lives as long as this clock");
            }
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
