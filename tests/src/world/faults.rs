//! How many faults of each kind were injected: a claim without them does not count.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A link was cut.
    Cut,
    /// A frame was on its way over a link that was cut.
    FrameLost,
    /// Some sites were split from all others.
    Split,
    /// Links stayed as they were for longer than a day.
    Silence,
    /// A site was stopped in good order.
    Stop,
    /// A site was killed between transactions.
    Kill,
    /// A site was killed at a write point inside a transaction.
    KillAtWritePoint,
    /// The power failed: what was not yet synced is lost or garbled.
    PowerLoss,
    /// The power failed while a commit was on its way to the disk.
    TornCommit,
    /// The power failed while pages were copied from the log into the database.
    TornPage,
    /// A transaction met a full disk.
    DiskFull,
    /// A wall clock was stepped by up to a day.
    ClockStep,
    /// A wall clock was stepped by years.
    ClockLeap,
    /// A carried file never arrived.
    StickLost,
    /// A carried file arrived again.
    StickAgain,
    /// A carried file was read to its end.
    StickRead,
    /// A bit of a carried file was flipped.
    StickAltered,
    /// A carried file was cut off.
    StickCutOff,
    /// A hostile site signed a bundle that gates have to judge.
    Forged,
    /// A hostile site sent bundles that nobody signed.
    Strangers,
    /// A hostile site sent bytes that are no frame.
    Garbage,
    /// A hostile site sent frames nobody asked for.
    Flood,
    /// A hostile site said that it holds what it does not.
    Lie,
    /// A hostile site swallowed a frame.
    Withheld,
    /// A hostile site sent a frame twice.
    Replay,
    /// A disk was replaced by an older copy of itself.
    PutBack,
    /// A record was erased while copies of it were on their way.
    Erasure,
    /// A site worked with an older program than the rule set in force.
    OldProgram,
    /// A program was replaced by the newest one.
    Upgrade,
    /// A disk was replaced by an older copy of itself and the site wrote on, unaware.
    PutBackUntold,
    /// A journal went on at two places.
    Fork,
    /// A data directory was copied and ran twice.
    Twin,
    /// Campuses linked directly while neither had the hub.
    DirectLink,
    /// A bit flipped on a disk.
    Rot,
    /// A site read its whole disk and compared with its peers.
    Scrub,
    /// A hostile site signed two bundles at one place and showed each to another site.
    Equivocation,
    /// A hostile site signed its past anew from some place on.
    Rewritten,
    /// A hostile site signed more branches of its journal than anybody keeps.
    BranchFlood,
    /// A hostile site sent a frame, a message or a bundle over every limit.
    Oversize,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Fault; 39] = [
        Fault::Cut,
        Fault::FrameLost,
        Fault::Split,
        Fault::Silence,
        Fault::Stop,
        Fault::Kill,
        Fault::KillAtWritePoint,
        Fault::PowerLoss,
        Fault::TornCommit,
        Fault::TornPage,
        Fault::DiskFull,
        Fault::ClockStep,
        Fault::ClockLeap,
        Fault::StickLost,
        Fault::StickAgain,
        Fault::StickRead,
        Fault::StickAltered,
        Fault::StickCutOff,
        Fault::Forged,
        Fault::Strangers,
        Fault::Garbage,
        Fault::Flood,
        Fault::Lie,
        Fault::Withheld,
        Fault::Replay,
        Fault::PutBack,
        Fault::Erasure,
        Fault::OldProgram,
        Fault::Upgrade,
        Fault::PutBackUntold,
        Fault::Fork,
        Fault::Twin,
        Fault::DirectLink,
        Fault::Rot,
        Fault::Scrub,
        Fault::Equivocation,
        Fault::Rewritten,
        Fault::BranchFlood,
        Fault::Oversize,
    ];
}

/// Injected faults by kind.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Faults(BTreeMap<Fault, u64>);

impl Faults {
    /// Notes that a fault was injected.
    pub fn note(&mut self, fault: Fault) {
        self.add(fault, 1);
    }

    /// Notes several at once.
    pub fn add(&mut self, fault: Fault, count: u64) {
        if count > 0 {
            *self.0.entry(fault).or_default() += count;
        }
    }

    /// Kinds that never happened.
    #[must_use]
    pub fn missing(&self) -> Vec<Fault> {
        let absent = |fault: &Fault| !self.0.contains_key(fault);
        Fault::ALL.into_iter().filter(absent).collect()
    }
}

impl std::ops::AddAssign<&Faults> for Faults {
    fn add_assign(&mut self, other: &Self) {
        for (fault, count) in &other.0 {
            self.add(*fault, *count);
        }
    }
}

impl std::fmt::Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (fault, count)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{fault:?} {count}")?;
        }
        Ok(())
    }
}
