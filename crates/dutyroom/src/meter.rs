//! How far long work is: one line on the terminal that is written over.

use server::clock::Clock;
use std::io::{IsTerminal as _, Write as _};

/// Shown on standard error while that is a terminal.
pub(crate) struct Meter {
    shown: bool,
    clock: Clock,
}

impl Meter {
    /// `wanted` is whether anything is to be shown at all.
    pub(crate) fn new(wanted: bool) -> Self {
        let shown = wanted && std::io::stderr().is_terminal();
        let clock = Clock::system();
        Self { shown, clock }
    }

    /// So many bundles of so many.
    pub(crate) fn show(&self, done: u64, of: u64) {
        let rate = done.saturating_mul(1_000) / self.clock.uptime_ms().max(1);
        let percent = done.saturating_mul(100) / of.max(1);
        self.say(&format!("{done} of {of} bundles ({percent} %), {rate}/s"));
    }

    /// What is being done.
    pub(crate) fn say(&self, words: &str) {
        if self.shown {
            // A terminal that is gone does not stop the work.
            let _shown = write!(std::io::stderr(), "\r{words:60}");
        }
    }

    /// Leaves the terminal as it was.
    pub(crate) fn clear(&self) {
        if self.shown {
            let _shown = write!(std::io::stderr(), "\r{:60}\r", "");
        }
    }
}
