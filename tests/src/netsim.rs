//! A bad line on loopback: UDP is forwarded between an address and a target with delay, jitter,
//! loss, a rate, a queue that overflows, reordering, duplicates and cuts, each direction its own.
//!
//! The kernels of containers and test machines often have no `netem`; this needs no privilege.
//! Put it between two programs that speak UDP (QUIC, RTP) and point the dialling one at it:
//!
//! ```text
//! cargo run -p tests --bin netsim -- --listen 127.0.0.1:7000 --to 127.0.0.1:7443 \
//!     --line "delay=20ms rate=20mbit queue=100ms loss=0.1%"
//! ```
//!
//! *Up* is from whoever sends to the listen address towards the target, *down* is the way back;
//! `--up` and `--down` change what `--line` says for one direction. While it runs, lines on
//! standard input change the line: `up loss=2%`, `down rate=2mbit`, `both delay=300ms`, `cut`,
//! `heal`, and `stats` prints what became of the packets. [`Shape`] lists the settings.
//!
//! In a test or benchmark the same is [`NetSim::start`], and [`NetSim::set`] at any moment.
//!
//! [`line::Line`] is the model: pure, seeded, in virtual time, so what it decides can be tested
//! without waiting. [`driver`] carries real packets through two of them on one thread that sleeps
//! until the next packet is due. How late it was each time is counted and part of [`Stats`], so
//! that a figure can name its own error: at 20 and at 50 Mbit/s p50 is under 0.1 ms; p99 is
//! 3–4 ms while two cores carry a load of four, and what a scheduler grants otherwise.

pub mod driver;
pub mod line;
pub mod shape;

pub use driver::{Direction, NetSim, Options};
pub use line::Stats;
pub use shape::Shape;

#[cfg(test)]
mod tests;
