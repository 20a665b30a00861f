//! The values that cross the crate's border: identifiers, requests, states, events, counters.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use ipnet::IpNet;
use tokio::sync::mpsc;
use url::Url;

use crate::frame::Codec;

/// A camera or a person's participation; unique inside an institution.
pub type SourceId = [u8; 16];
/// A site of the institution.
pub type PeerSite = [u8; 8];
/// A viewer's or publisher's session at this engine.
pub type SessionId = [u8; 16];

/// Longest accepted SDP offer, bytes.
pub const MAX_OFFER: usize = 64 * 1024;
/// Longest control message of a link, bytes.
pub const MAX_CONTROL: usize = 64 * 1024;
/// Most sources one link may pull from us, and we from it.
pub const MAX_SOURCES_PER_LINK: usize = 64;

/// What an engine needs to start.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// This site; a subscription naming another owner is passed on along the routes.
    pub site: PeerSite,
    /// Where the first worker listens (UDP). With a port other than 0, worker *n* takes port + *n*.
    pub listen: SocketAddr,
    /// Addresses written into candidates. Empty: the listen address, or, when that is a wildcard,
    /// the address of the default route and loopback.
    pub advertise: Vec<IpAddr>,
    /// Networks whose cameras may be contacted. Empty: no camera is contacted.
    pub camera_networks: Vec<IpNet>,
    /// Worker threads, 1 to 8.
    pub workers: usize,
    /// Most viewers at a time, all sources together.
    pub max_viewers: usize,
}

impl EngineConfig {
    /// One worker on loopback, an unset port, no camera network: what tests and the demo begin with.
    pub fn loopback(site: PeerSite) -> Self {
        Self {
            site,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            advertise: Vec::new(),
            camera_networks: Vec::new(),
            workers: 1,
            max_viewers: 200,
        }
    }
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A UDP socket could not be bound or prepared.
    #[error("the media socket on {listen} cannot be opened")]
    Socket {
        /// The address asked for.
        listen: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The certificate for DTLS could not be made.
    #[error("the DTLS certificate cannot be made")]
    Identity,
}

/// Why a session was not opened. Each variant is an error code of the HTTP interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// No such camera or participation here (`not_found`).
    #[error("no such source")]
    UnknownSource,
    /// The camera refuses or is unreachable for a reason that watching cannot mend
    /// (`camera_unavailable`).
    #[error("the source cannot be watched now: {0:?}")]
    SourceUnavailable(Reason),
    /// The offer has no codec the source can be sent in (`codec_unsupported`).
    #[error("no codec in common")]
    CodecUnsupported,
    /// The offer is too long or is not a usable SDP offer (`bad_request`).
    #[error("the offer cannot be used")]
    BadOffer,
    /// As many viewers as the engine admits are here (`viewer_limit`).
    #[error("viewer limit reached")]
    ViewerLimit,
    /// There is no link towards the owner, or it did not answer in time (`site_unreachable`).
    #[error("the owner site is unreachable")]
    SiteUnreachable,
    /// The owner site, or one on the way, refused (`forbidden`).
    #[error("the owner site refused")]
    NotAdmitted,
    /// The engine is stopping or its queues are full (`internal`).
    #[error("the media engine is not available")]
    Unavailable,
}

/// Which stream of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// The full picture.
    Main,
    /// The small picture, for tiles; the main one where a camera has no second stream.
    Sub,
}

/// A source and where it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceRef {
    /// A camera or participation of this site.
    Local(SourceId),
    /// One of another site.
    Remote {
        /// The owner.
        site: PeerSite,
        /// The source there.
        source: SourceId,
    },
}

/// A WHEP request.
#[derive(Debug, Clone)]
pub struct WatchRequest {
    /// What to watch.
    pub source: SourceRef,
    /// Who watches, opaque; named to the owner site and to nobody else.
    pub viewer: String,
    /// Which layer.
    pub layer: Layer,
    /// The SDP offer.
    pub offer: String,
}

/// A WHIP request.
#[derive(Debug, Clone)]
pub struct PublishRequest {
    /// The id the published tracks are watched under. A second publisher replaces the first.
    pub source: SourceId,
    /// The SDP offer.
    pub offer: String,
}

/// An opened session.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Names the session for [`crate::Engine::close`].
    pub session: SessionId,
    /// The SDP answer, candidates included.
    pub sdp: String,
}

/// A local camera.
#[derive(Clone)]
pub struct CameraConfig {
    /// Its id.
    pub id: SourceId,
    /// RTSP address of the full picture.
    pub main: Url,
    /// RTSP address of the small picture.
    pub sub: Option<Url>,
    /// Empty when the camera needs none.
    pub username: String,
    /// Never logged.
    pub password: String,
}

impl std::fmt::Debug for CameraConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Addresses may carry credentials too, so only the id is ever printed.
        f.debug_struct("CameraConfig")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What a camera (or a remote source) is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// Nobody watches; not connected.
    Idle,
    /// The first connection is being made.
    Connecting,
    /// Pictures arrive.
    Playing,
    /// Lost or not yet reached; waiting for the next attempt.
    Retrying,
    /// The camera or our own rules say no; only a change of configuration helps.
    Refused,
    /// Several attempts in a row reached nobody.
    Unreachable,
}

impl SourceState {
    /// The state's name on the HTTP interface and between sites.
    pub fn code(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Playing => "playing",
            Self::Retrying => "retrying",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
        }
    }

    /// The state of that name.
    pub fn from_code(code: &str) -> Option<Self> {
        [
            Self::Idle,
            Self::Connecting,
            Self::Playing,
            Self::Retrying,
            Self::Refused,
            Self::Unreachable,
        ]
        .into_iter()
        .find(|state| state.code() == code)
    }
}

/// Why a source is not playing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The camera answered 401 or 403.
    WrongCredentials,
    /// The connection or a request was refused.
    Refused,
    /// No answer, or no picture, in time.
    Timeout,
    /// The camera sends a codec that is not forwarded.
    CodecUnsupported,
    /// Its address is outside the camera networks.
    NotAllowedNetwork,
    /// The camera has no video stream.
    NoVideo,
    /// The stream ended or broke.
    StreamEnded,
    /// No link towards the owner site.
    SiteUnreachable,
    /// The owner site, or one on the way, refused.
    NotAdmitted,
}

impl Reason {
    const ALL: [Self; 9] = [
        Self::WrongCredentials,
        Self::Refused,
        Self::Timeout,
        Self::CodecUnsupported,
        Self::NotAllowedNetwork,
        Self::NoVideo,
        Self::StreamEnded,
        Self::SiteUnreachable,
        Self::NotAdmitted,
    ];

    /// The reason's name on the HTTP interface and between sites.
    pub fn code(self) -> &'static str {
        match self {
            Self::WrongCredentials => "wrong_credentials",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::CodecUnsupported => "codec_unsupported",
            Self::NotAllowedNetwork => "not_allowed_network",
            Self::NoVideo => "no_video",
            Self::StreamEnded => "stream_ended",
            Self::SiteUnreachable => "site_unreachable",
            Self::NotAdmitted => "not_admitted",
        }
    }

    /// The reason of that name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// A local camera as screens show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraStatus {
    /// The camera.
    pub id: SourceId,
    /// Of the main stream, or of the small one when only that is watched.
    pub state: SourceState,
    /// Why it is not playing.
    pub reason: Option<Reason>,
    /// When this state began, ms since the Unix epoch.
    pub since: u64,
    /// Viewers of both streams, those of other sites included.
    pub viewers: usize,
    /// What the camera sends, once known.
    pub codec: Option<Codec>,
    /// Picture width, pixels, once known.
    pub width: Option<u32>,
    /// Picture height, pixels, once known.
    pub height: Option<u32>,
}

/// A source of another site that is being watched here (or passed on).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteStatus {
    /// The owner.
    pub site: PeerSite,
    /// The source.
    pub source: SourceId,
    /// The layer pulled.
    pub layer: Layer,
    /// As the owner tells it; `Unreachable` with `site_unreachable` while no link leads there.
    pub state: SourceState,
    /// Why it is not playing.
    pub reason: Option<Reason>,
    /// Viewers on this side of the link.
    pub viewers: usize,
}

/// What happened. Events are hints: a receiver that lagged reads the state again.
#[derive(Debug, Clone)]
pub enum MediaEvent {
    /// A camera's state, viewers or codec changed.
    CameraChanged(CameraStatus),
    /// A watched remote source changed.
    RemoteChanged(RemoteStatus),
    /// A publisher's media path is up.
    PublisherUp {
        /// The participation.
        source: SourceId,
        /// Its session.
        session: SessionId,
        /// Whether it negotiated audio.
        audio: bool,
        /// Whether it negotiated video.
        video: bool,
    },
    /// A publisher is gone.
    PublisherDown {
        /// The participation.
        source: SourceId,
        /// Its session.
        session: SessionId,
    },
    /// A viewer's media path is up.
    ViewerUp {
        /// Its session.
        session: SessionId,
        /// What it watches.
        source: SourceId,
        /// As named in the request.
        viewer: String,
    },
    /// A viewer is gone, connected or not.
    ViewerDown {
        /// Its session.
        session: SessionId,
        /// What it watched.
        source: SourceId,
        /// As named in the request.
        viewer: String,
    },
}

/// The byte pipes of one link.
#[derive(Debug)]
pub struct PacketPair {
    /// Unreliable packets to the other site.
    pub datagrams_out: mpsc::Sender<Bytes>,
    /// Unreliable packets from it.
    pub datagrams_in: mpsc::Receiver<Bytes>,
    /// Reliable, ordered messages to it, each at most [`MAX_CONTROL`] bytes.
    pub control_out: mpsc::Sender<Bytes>,
    /// Reliable, ordered messages from it.
    pub control_in: mpsc::Receiver<Bytes>,
    /// Longest datagram the path takes at the moment, bytes; what does not fit goes by control.
    pub max_datagram: tokio::sync::watch::Receiver<usize>,
}

/// Another site asks for a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionRequest {
    /// The neighbour that asks.
    pub asking: PeerSite,
    /// The owner of the source: this site, or one it would be pulled from.
    pub owner: PeerSite,
    /// The source.
    pub source: SourceId,
    /// Its present viewers, as their own site names them.
    pub viewers: Vec<String>,
}

/// Decides an [`AdmissionRequest`]; must not block.
pub type AdmissionFn = Arc<dyn Fn(&AdmissionRequest) -> bool + Send + Sync>;

/// Owner site → neighbour to ask.
pub type Routes = HashMap<PeerSite, PeerSite>;

/// Counters since the start; only ever growing, but for `viewers` and `subscriptions`.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// By source and layer.
    pub sources: HashMap<(SourceId, Layer), SourceStats>,
    /// By neighbour, source and layer.
    pub links: HashMap<(PeerSite, SourceId, Layer), LinkStats>,
    /// Frames dropped because a worker's or link's queue was full.
    pub frames_dropped: u64,
    /// Datagrams that belonged to nobody or were not understood.
    pub datagrams_ignored: u64,
}

/// Counters of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceStats {
    /// Present viewers, links that pull it counted by the viewers they name.
    pub viewers: usize,
    /// RTSP sessions opened, publishers accepted or subscriptions made for it.
    pub pulls: u64,
    /// Frames received from its origin.
    pub frames_in: u64,
    /// Packets sent to this site's own viewers.
    pub packets_out: u64,
    /// Payload bytes sent to this site's own viewers.
    pub bytes_out: u64,
}

/// Counters of a source on one link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Flows of it crossing now, 0 or 1 in each direction.
    pub subscriptions: usize,
    /// Packets sent over the link.
    pub packets_out: u64,
    /// Bytes of them.
    pub bytes_out: u64,
    /// Packets received over the link.
    pub packets_in: u64,
    /// Bytes of them.
    pub bytes_in: u64,
}
