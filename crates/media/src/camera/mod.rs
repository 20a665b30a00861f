//! Cameras: pulled by RTSP over TCP while somebody watches, one session however many do.

mod board;
mod driver;
pub mod machine;
mod network;
mod pull;

pub(crate) use self::board::Board;
pub(crate) use self::driver::{Stream, spawn};
pub use self::network::admitted;
