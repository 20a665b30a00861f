//! Site identity, journal sessions and QUIC links.
//!
//! [`identity`] is who a site is; [`enrol`] makes an institution and lets a campus join it with a
//! one-time code. [`session`] is the whole conversation of two sites as a pure state machine over
//! the frames of [`wire`]: it knows neither tokio nor quinn nor the store; [`scrub`] is the part
//! of it that proves two sites equal. [`links`] drives it:
//! one QUIC endpoint, mutual TLS under the institution's own authority, a sync connection per
//! peer and a media connection beside it, so that neither waits for the other.
//! Where there is no network at all, [`carry`] puts what a link would send into a file.
//!
//! [`blobs`] decides which blob is asked of which site next, as purely; requests travel on streams
//! of their own beside the conversation.
//!
//! Every parser of remote bytes has a fuzz target: `fuzz/README.md` lists them.
//!
//! This crate refuses to know HTTP, duty rules, and what media is: a media connection is bytes.
//!
//! To add a message between sites: a variant with a new number in [`wire::Frame`], its handling
//! in [`session`], and a scenario in the session's tests.

pub mod blobs;
pub mod carry;
pub mod decree;
pub mod enrol;
pub mod identity;
pub mod links;
pub mod pace;
pub mod rules;
pub mod scrub;
pub mod session;
pub mod status;
mod stream;
mod tls;
pub mod wire;
