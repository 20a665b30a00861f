//! The cameras of all campuses: their records, what they are doing, and the way pictures take
//! between sites.
//!
//! A camera's name and place are a record that every site holds; its address and password stay
//! in the owner's configuration and go to the media engine only.

pub mod admission;
pub mod register;
pub mod routes;
pub mod states;
