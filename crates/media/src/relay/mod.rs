//! Tracks between sites: one copy of each source and layer on a link, however many watch beyond.
//!
//! A site asks the owner, or the next hop towards it, for a source while somebody here watches
//! it. The answer names flows; pictures then come as datagrams (varint flow id, RTP packet).
//! Key frames, the cached group that begins a subscription, and packets that no datagram can hold
//! come by the reliable control path, so that a first picture never depends on luck. A hop that
//! is not the owner asks onwards and serves from its own hub, which makes any number of hops cost
//! one crossing each.

pub(crate) mod driver;
pub mod flow;
pub mod link;
pub(crate) mod remote;
pub mod wire;
