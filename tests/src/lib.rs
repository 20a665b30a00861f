//! The simulated world, real-process and real-browser scenarios, the simulated cameras, and the
//! simulated line.

pub mod camera_sim;
pub mod history;
pub mod netsim;
pub mod process;
pub mod quic;
pub mod storm;
pub mod world;
pub mod year;
