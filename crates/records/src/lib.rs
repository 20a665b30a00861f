//! Typed duty records, their field tables, signed bundles, and the gate.
//!
//! A *record* is one Automerge document of one *kind*. Each kind has one hand-written
//! [`field::KindTable`]; the writer ([`write`]), the tolerant reader ([`mod@read`]), the gate
//! ([`gate`]), the SQL projection and the API all work from that table.
//!
//! What one person did in one action is a *bundle* ([`bundle`]): raw Automerge changes under a
//! signed, hash-chained header. A foreign bundle is admitted in this order: signature and signer
//! ([`trust`]), place in its journal ([`journal`]), then [`gate`] for each record section.
//!
//! This crate refuses to know the clock, randomness, tokio, SQL, HTTP and duty rules; times and
//! random bytes come in as arguments.
//!
//! To add a record kind: write its table in `kinds/<kind>.rs` and list it in [`kinds::ALL`].

pub mod bundle;
pub mod chunk;
pub mod erasure;
pub mod field;
pub mod gate;
pub mod id;
pub mod journal;
pub mod kinds;
pub mod number;
pub mod outline;
pub mod payload;
pub mod prescan;
pub mod read;
pub mod share;
pub mod trust;
pub mod witness;
pub mod write;
