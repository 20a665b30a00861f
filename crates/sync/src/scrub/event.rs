//! What happens to a scrub, and what it asks for.

use super::set::{Compared, Garbage};
use crate::wire::Frame;
use records::bundle::Bundle;
use records::id::Hash;

/// What happens to a scrub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Compare with this peer now.
    Start,
    /// The answer to [`Work::Open`].
    Opened(Vec<u8>),
    /// The answer to [`Work::Answer`].
    Answered(Result<Vec<u8>, Garbage>),
    /// The answer to [`Work::Compare`].
    Compared(Result<Compared, Garbage>),
    /// The answer to [`Work::Fetch`].
    Fetched {
        /// As asked.
        wanted: bool,
        /// What was found, until its bytes filled a batch.
        bundles: Vec<Bundle>,
    },
    /// The answer to [`Work::Take`].
    Taken {
        /// As asked.
        wanted: bool,
        /// What became of them.
        taken: Taken,
    },
}

/// What became of bundles that were offered to the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// New here: admitted, mended, kept as evidence, or waiting.
    pub put: u32,
    /// Came by another way meanwhile.
    pub known: u32,
    /// To be asked for again: what proves their place is not here yet.
    pub again: Vec<Hash>,
    /// Signed by no known site.
    pub strangers: u32,
}

/// What the driver computes, reads or writes; answered with the [`Event`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Make the first message.
    Open,
    /// Answer the peer's question.
    Answer(Vec<u8>),
    /// Look into the peer's answer.
    Compare(Vec<u8>),
    /// Read bundles by hash.
    Fetch {
        /// The peer asked for them; else we offer them.
        wanted: bool,
        /// Which.
        hashes: Vec<Hash>,
    },
    /// Offer bundles to the store.
    Take {
        /// We asked for them; else the peer offers them.
        wanted: bool,
        /// The bundles.
        bundles: Vec<Bundle>,
    },
}

/// What a scrub asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write a frame.
    Send(Frame),
    /// Do this, in order.
    Work(Work),
    /// A scrub of ours has ended.
    Report(Report),
}

/// How a scrub of ours went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// When it began, ms since the epoch.
    pub at_ms: i64,
    /// How long it took, ms.
    pub took_ms: u64,
    /// Questions asked until the difference was known.
    pub rounds: u32,
    /// Bytes of the comparison sent, without what was missing.
    pub sent: u64,
    /// Bytes of the comparison received.
    pub received: u64,
    /// Bundles that only the peer had.
    pub missing_here: u64,
    /// Bundles that only we had; what was on its way counts.
    pub missing_there: u64,
    /// Bundles put in place here.
    pub mended_here: u64,
    /// Bundles put in place there.
    pub mended_there: u64,
    /// The peer's answers were there to the end. Else the figures say how far it went.
    pub complete: bool,
}
