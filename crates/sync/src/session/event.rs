//! What happens to a session, and what it asks of its driver.

use super::fork;
use crate::scrub;
use crate::status::FaultCode;
use crate::wire::{Address, Frame, Lane, Reached, Start};
use records::bundle::{Bundle, Head};
use records::id::JournalId;

/// The time as the driver read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Monotonic, ms since any fixed moment.
    pub mono_ms: u64,
    /// Wall clock, ms since the epoch.
    pub wall_ms: i64,
}

/// What happens to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A frame came from the peer.
    Received(Frame),
    /// The store's heads now.
    LocalHeads(Vec<Head>),
    /// The answer to [`Effect::Read`].
    Bundles(Vec<Vec<Bundle>>),
    /// The answer to the oldest unanswered [`Effect::Admit`] of a lane.
    Admitted(Lane, Outcome),
    /// The sites we reach over links of our own, the peer left out; only the hub says so.
    Reach(Vec<Reached>),
    /// Something happened to the scrub with this peer.
    Scrub(scrub::Event),
    /// Something happened about forked journals.
    Fork(fork::Event),
    /// What we know of where sites may be dialled.
    Addresses(Vec<Address>),
    /// Whether another way to the peer stands, so that nothing is to be sent over this one.
    Yield(bool),
    /// Time has passed; to be given about once a second.
    Tick,
}

/// What became of the bundles of one [`Effect::Admit`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The store's heads after it.
    pub heads: Vec<Head>,
    /// Places at which the store holds another bundle.
    pub forks: Vec<(JournalId, u64)>,
    /// Some bundle waits for another and could not be kept.
    pub lost: bool,
    /// Bundles that no known site of the institution signed.
    pub strangers: u32,
    /// A bundle came that only a later version of this program reads.
    pub later: bool,
}

/// Where reading a journal goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Which journal.
    pub journal: JournalId,
    /// After this sequence number.
    pub after: u64,
}

/// What the driver does for a session, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write a frame.
    Send(Frame),
    /// Read bundles from these places; answer with [`Event::Bundles`], for each place what there
    /// is. At most one is unanswered at a time.
    Read {
        /// Where, of different journals.
        from: Vec<Position>,
        /// Of each until their bytes pass this.
        max_bytes: usize,
    },
    /// Offer bundles to the store, the live lane's first; answer with [`Event::Admitted`], in
    /// order within the lane.
    Admit {
        /// How they came.
        lane: Lane,
        /// The journal they are said to be of.
        journal: JournalId,
        /// The bundles.
        bundles: Vec<Bundle>,
    },
    /// The peer durably holds our own journals up to these heads.
    Acked(Vec<Head>),
    /// All that the peer holds of our own journals: what it acknowledged beyond it is lost there.
    Holds(Vec<Head>),
    /// The peer has answered; the link counts as up from now on.
    Up,
    /// The sites the peer reaches over links of its own.
    Reach(Vec<Reached>),
    /// Where sites may be dialled, as the peer says.
    Addresses(Vec<Address>),
    /// Our data directory runs twice, as the peer says.
    Copied {
        /// Since when there may be two, by the peer's clock, ms since the epoch.
        since_ms: i64,
        /// The starts it met, the latest last.
        starts: Vec<Start>,
    },
    /// The peer's wall clock is `offset_ms` ahead of ours, give or take half of `rtt_ms`.
    Clock {
        /// Peer's clock minus ours.
        offset_ms: i64,
        /// How long the question took.
        rtt_ms: u64,
    },
    /// Something an administrator must settle. The session goes on with the other journals.
    Fault {
        /// What.
        code: FaultCode,
        /// In which journal.
        journal: JournalId,
        /// Where.
        seq: u64,
    },
    /// Work of the scrub, to be done in order and answered with [`Event::Scrub`].
    Scrub(scrub::Work),
    /// A scrub of ours has ended.
    Scrubbed(scrub::Report),
    /// Work about forked journals, to be done in order and answered with [`Event::Fork`].
    Fork(fork::Work),
    /// End the connection; nothing follows.
    Close(CloseReason),
}

/// Why a session ends itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// Something else than Hello came first, Hello came twice, or the like.
    #[error("the peer broke the protocol")]
    Protocol,
    /// No common protocol version.
    #[error("no common protocol version")]
    Version,
    /// Another institution.
    #[error("the peer belongs to another institution")]
    Institution,
    /// Its Hello names another site than its certificate.
    #[error("the peer's Hello names another site than its certificate")]
    Site,
    /// No Hello or no frontier in time.
    #[error("the peer did not introduce itself in time")]
    Silent,
    /// Over a limit on frames, journals or bytes.
    #[error("the peer exceeded its limits")]
    Quota,
    /// Too many bundles that nobody of the institution signed.
    #[error("the peer sent bundles that no known site signed")]
    Strangers,
}

impl CloseReason {
    /// The code a QUIC close carries.
    #[must_use]
    pub fn code(self) -> u32 {
        match self {
            Self::Protocol => 0x11,
            Self::Version => 0x12,
            Self::Institution => 0x13,
            Self::Site => 0x14,
            Self::Silent => 0x15,
            Self::Quota => 0x16,
            Self::Strangers => 0x17,
        }
    }
}
