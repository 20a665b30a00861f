//! Who is asking: passwords, sessions, cookies, throttling, and the check of a request's origin.

pub mod cookie;
pub mod origin;
pub mod password;
pub mod person;
pub mod session;
pub mod throttle;
