//! How many faults of each kind were injected: a claim without them does not count.

use serde::Serialize;

/// Injected faults by kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Links cut, with everything on the way lost.
    pub cuts: u64,
    /// Sites killed between transactions.
    pub kills: u64,
    /// Sites killed at a write point inside a transaction.
    pub write_point_kills: u64,
    /// Wall clocks stepped by up to a day.
    pub clock_steps: u64,
}

impl std::ops::AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.cuts += other.cuts;
        self.kills += other.kills;
        self.write_point_kills += other.write_point_kills;
        self.clock_steps += other.clock_steps;
    }
}
