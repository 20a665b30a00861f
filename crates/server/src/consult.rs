//! Consultations as they happen: whose media sessions are open, and who has silently gone.

pub mod presence;
pub mod sessions;
