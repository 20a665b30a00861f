//! Rule sets: which kinds and fields may be written, and since when.
//!
//! The institution journal activates rule sets one after the other; a bundle is judged by the
//! one active in its causal past. A rule set only ever widens what the one before it takes: it
//! adds kinds and optional fields. So a program that does not know the active rule set may still
//! *accept* by the newest one it knows, but never *refuse* by it: what it would refuse it holds.
//! Sites upgrade in any order, an old one keeps working, and once all know the same rule sets
//! they agree.

use super::refusal::{Hold, Refusal, Stop};
use super::{Admitted, Verdict};
use crate::field::{Field, KindTable, find};
use crate::kinds;

/// The newest rule set this version knows; all older ones stay in the code.
pub const RULES: u32 = 2;

/// Raised when this program may judge what an earlier one held without a new rule set: a mended
/// check, another version of Automerge.
pub const REVISION: u32 = 1;

/// A kind's table as one rule set has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub(super) table: &'static KindTable,
    version: u16,
}

impl View {
    /// The field `name` among `fields`, unless a later rule set added it.
    pub(super) fn field(self, fields: &'static [Field], name: &str) -> Option<&'static Field> {
        find(fields, name).filter(|field| field.since <= self.version)
    }
}

/// The rule set a bundle is judged by, and what the judging program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Active in the bundle's causal past; [`Rules::UNREADABLE`] if that past holds decisions of
    /// the institution which this program cannot read.
    pub active: u32,
    /// The newest one the program knows: [`RULES`], or less where an older program is simulated.
    pub known: u32,
}

impl From<u32> for Rules {
    fn from(active: u32) -> Self {
        Self {
            active,
            known: RULES,
        }
    }
}

impl Rules {
    /// Newer than every rule set.
    pub const UNREADABLE: u32 = u32::MAX;

    /// The rule set that is judged by.
    #[must_use]
    pub fn by(self) -> u32 {
        self.active.min(self.known)
    }

    /// Whether what these rules refuse is refused for good.
    #[must_use]
    pub fn are_known(self) -> bool {
        self.active <= self.known
    }

    /// How a section of `kind` that names table version `version` is read.
    pub(super) fn view(self, kind: &str, version: u16) -> Result<View, Stop> {
        if self.active == 0 {
            return Err(Refusal::NoRules.into());
        }
        let table = kinds::table(kind).filter(|table| u32::from(table.since) <= self.known);
        let table = table.ok_or(Hold::Kind)?;
        if u32::from(version) > self.known {
            return Err(Hold::TableVersion.into());
        }
        if version < table.since || u32::from(version) > self.active {
            return Err(Refusal::NotActive.into());
        }
        Ok(View { table, version })
    }

    /// The answer.
    pub(super) fn verdict(self, judged: Result<Admitted, Stop>) -> Verdict {
        match judged.map_err(|stop| self.stop(stop)) {
            Ok(admitted) => Verdict::Accepted(Box::new(admitted)),
            Err(Stop::Refused(refusal)) => Verdict::Refused(refusal),
            Err(Stop::Held(hold)) => Verdict::Held(hold),
        }
    }

    /// What a refusal under these rules comes to.
    fn stop(self, stop: Stop) -> Stop {
        match stop {
            Stop::Refused(_) if !self.are_known() => Stop::Held(Hold::Rules),
            stop => stop,
        }
    }
}
