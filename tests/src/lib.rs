//! The simulated world, real-process and real-browser scenarios, and the simulated cameras.

pub mod camera_sim;
pub mod world;
