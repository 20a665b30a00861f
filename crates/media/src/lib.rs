//! Cameras, people's tracks and the forwarding of both: the media engine of one site.
//!
//! One [`Engine`] serves every camera and every browser of a site, and exchanges tracks with the
//! engines of other sites over byte pipes that the caller provides. It knows nothing of records,
//! accounts, HTTP or QUIC: who may watch is decided by the caller (and, for another site's
//! viewers, by the [`AdmissionFn`] it installs), and what happens is told as [`MediaEvent`]s.
//!
//! # Interface in one page
//!
//! | call | does |
//! |---|---|
//! | [`Engine::start`] | binds the UDP sockets and starts the worker threads (inside a tokio runtime) |
//! | [`Engine::set_cameras`] | the local cameras; nothing is contacted until somebody watches |
//! | [`Engine::watch`] | answers a WHEP offer for a local or remote source |
//! | [`Engine::publish`] | answers a WHIP offer and makes it the source with the given id |
//! | [`Engine::close`] | ends a session of either kind |
//! | [`Engine::attach_link`] | one per link to another site; dropping the pipes detaches it |
//! | [`Engine::set_routes`] | owner site → next hop, for sites without a direct link |
//! | [`Engine::set_admission`] | decides which site may pull which source; without it all are refused |
//! | [`Engine::cameras`], [`Engine::remotes`], [`Engine::stats`], [`Engine::events`] | what is going on |
//! | [`Engine::shutdown`] | closes every peer and joins the workers |
//!
//! # How a frame travels
//!
//! A camera pull, a publisher's peer or a relay flow puts each *frame* (not packet) into a hub,
//! which keeps the current group of pictures and hands the frame, by reference, to each worker
//! with viewers and each link with a subscription. A worker is a plain OS thread with one UDP
//! socket; for each of its viewers the pure [`forward`] machine rewrites sequence numbers and
//! timestamps, `rtc` encrypts, and runs of equal packets leave with one GSO call.
//!
//! # What is pure
//!
//! [`forward`], [`assemble`], [`gop`], [`h264`], [`camera::machine`], [`relay::link`] and
//! [`relay::wire`] take values and the time, and return values. They import neither tokio nor
//! sockets. Every parser of remote bytes is a public function of one of them ([`stun::ufrag`],
//! [`sdp::Offer::parse`], [`rtp::parse`], [`dtls::offers_gcm`], [`relay::wire::decode`],
//! [`relay::wire::parse_datagram`]), so that it can be fuzzed alone.
//!
//! # Bounds
//!
//! Frames to a worker or a link wait in a queue of fixed length; a frame that does not fit is
//! dropped, the receiver sees the hole in the frame index and waits for a key frame. Offers are
//! at most 64 kB, control messages 64 kB, sources 64 a link, viewers [`EngineConfig::max_viewers`].

pub mod api;
pub mod assemble;
pub mod camera;
pub mod dtls;
mod engine;
pub mod forward;
pub mod frame;
pub mod gop;
pub mod h264;
mod hub;
mod peer;
pub mod relay;
pub mod rtp;
pub mod sdp;
mod session;
pub mod stun;
mod worker;

pub use api::*;
pub use engine::Engine;
