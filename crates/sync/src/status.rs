//! What the rest of a site sees of its links: plain values.

use crate::scrub::Report;
use crate::session::Progress;
use bytes::Bytes;
use records::id::{JournalId, SiteId};
use std::collections::BTreeMap;
use std::net::IpAddr;
use store::Boot;
use tokio::sync::{mpsc, watch};

/// Whether a site can be reached now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerState {
    /// Its Hello was answered (directly), or the hub says so.
    Up,
    /// No way to it.
    Down,
}

/// How a site is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// Over a link of our own.
    Direct,
    /// Through the hub.
    Hub,
}

/// One enrolled site other than our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerStatus {
    /// Which site.
    pub site: SiteId,
    /// Up or down.
    pub state: PeerState,
    /// Since when, ms since the epoch; `None` if never seen up since start.
    pub since_ms: Option<i64>,
    /// How it is reached while up.
    pub via: Option<Via>,
    /// How far the two sites are behind each other, as of the last second; `None` unless they
    /// are linked with each other.
    pub progress: Option<Progress>,
}

/// Something about a journal that an administrator must settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultCode {
    /// Two different bundles with the same place in a journal.
    Fork,
    /// A peer holds more of our own journal than we do: we were restored from a backup.
    OwnJournalAhead,
    /// A site runs a later version of the program, whose bundles this one cannot read: its
    /// journal stops here until this site is upgraded.
    LaterVersion,
}

impl FaultCode {
    /// Stable name for the API and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Fork => "journal_fork",
            Self::OwnJournalAhead => "own_journal_ahead",
            Self::LaterVersion => "later_version",
        }
    }
}

/// A fault a link found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkFault {
    /// What.
    pub code: FaultCode,
    /// In which journal.
    pub journal: JournalId,
    /// At which sequence number.
    pub seq: u64,
    /// Told or shown by which peer.
    pub peer: SiteId,
    /// When, ms since the epoch.
    pub at_ms: i64,
}

/// A start of a site's process that was met on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenStart {
    /// The incarnation it wrote in.
    pub incarnation: u32,
    /// Which start.
    pub boot: Boot,
    /// Where it linked from; `None` if that was before this site was started.
    pub address: Option<IpAddr>,
    /// When it linked last, ms since the epoch.
    pub seen_ms: i64,
}

/// A site whose data directory was copied, both copies of which were started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedSite {
    /// Which site.
    pub site: SiteId,
    /// Since when there may be two, ms since the epoch.
    pub since_ms: i64,
    /// The starts met, the latest last.
    pub starts: Vec<SeenStart>,
}

/// The last reading of the own disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalCheck {
    /// When it began, ms since the epoch.
    pub at_ms: i64,
    /// How long it took, ms.
    pub took_ms: u64,
    /// Bundles read.
    pub bundles: u64,
    /// Places found lost or damaged and not yet mended then.
    pub holes: u64,
}

/// How scrubs have gone since start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScrubStatus {
    /// One was asked for and has not begun to compare.
    pub asked: bool,
    /// Bundles read so far by the check under way.
    pub checking: Option<u64>,
    /// The last check of the own disk.
    pub check: Option<LocalCheck>,
    /// The last scrub with each peer.
    pub peers: BTreeMap<SiteId, Report>,
    /// Scrubs ended.
    pub count: u64,
}

/// The bytes of one media connection. Dropping any half ends it; a link that comes back gives a
/// new pipe.
#[derive(Debug)]
pub struct MediaPipe {
    /// The site at the other end.
    pub peer: SiteId,
    /// Datagrams to send, each at most `max_datagram` bytes; longer ones are dropped and counted.
    pub datagrams_out: mpsc::Sender<Bytes>,
    /// Datagrams received; while the receiver lags, the oldest are dropped and counted.
    pub datagrams_in: mpsc::Receiver<Bytes>,
    /// Control messages to send, each at most [`crate::wire::MAX_CONTROL_LEN`] bytes.
    pub control_out: mpsc::Sender<Bytes>,
    /// Control messages received, complete and in order.
    pub control_in: mpsc::Receiver<Bytes>,
    /// Longest datagram the path carries now, in bytes; grows as MTU discovery finds more.
    pub max_datagram: watch::Receiver<usize>,
}

/// Counters of all links since start, as shown by `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Bytes received on sync streams.
    pub sync_bytes_in: u64,
    /// Bytes written to sync streams.
    pub sync_bytes_out: u64,
    /// Frames received on sync streams.
    pub sync_frames_in: u64,
    /// Frames written to sync streams.
    pub sync_frames_out: u64,
    /// Connections refused for their certificate, site or Hello.
    pub refused_peers: u64,
    /// Connections ended because the peer broke the protocol.
    pub garbage: u64,
    /// Bundles received that were here already.
    pub duplicate_bundles: u64,
    /// Links that came up after having been up before.
    pub reconnects: u64,
    /// Join requests refused.
    pub refused_joins: u64,
    /// Bytes of blobs received and kept.
    pub blob_bytes_in: u64,
    /// Bytes of blobs sent.
    pub blob_bytes_out: u64,
    /// Blobs fetched whole.
    pub blobs_fetched: u64,
    /// Answers that were not what they said.
    pub blob_lies: u64,
    /// Media datagrams sent.
    pub media_datagrams_out: u64,
    /// Media datagrams received.
    pub media_datagrams_in: u64,
    /// Media datagrams dropped, too long or late, both ways.
    pub media_datagrams_dropped: u64,
}

/// Bytes on one sync stream since it was connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamBytes {
    /// Received.
    pub received: u64,
    /// Written.
    pub sent: u64,
}

/// What becomes of a blob that is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobFetch {
    /// Some site is giving it.
    Going,
    /// No site that is linked has it, or others come first.
    Waiting,
    /// There is no room for it here.
    NoRoom,
}

/// How far a blob is that is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobProgress {
    /// Whether it comes.
    pub state: BlobFetch,
    /// Its length as a record gives it, bytes.
    pub size: u64,
    /// How much of it is here, bytes.
    pub here: u64,
}
