//! HTTP interface, feed, sessions, permissions and web assets of one site.
//!
//! [`app::App`] holds the site's parts; [`api`] has one folder a resource and one file an
//! endpoint; [`permission`] is the one table of who may call what, and its layer wraps every
//! route; [`http`] has the layers around that; [`serve()`] runs it all.
//!
//! This crate refuses to know the command line, configuration files and the environment. It has
//! the program's one clock ([`clock`]) and one source of randomness ([`random`]).
//!
//! To add an endpoint, see [`api`].

pub mod api;
pub mod app;
pub mod assets;
pub mod auth;
pub mod blobs;
pub mod cameras;
pub mod clock;
pub mod consult;
pub mod duty;
pub mod error;
pub mod http;
pub mod json;
pub mod listener;
pub mod live;
pub mod metrics;
mod openapi;
pub mod permission;
pub mod random;
pub mod router;
pub mod serve;
mod witness;

pub use app::{App, CameraSettings, Parts, Settings};
pub use error::{ApiError, Code, FieldCode, FieldError};
pub use listener::Door;
pub use openapi::openapi;
pub use permission::{Permit, guard};
pub use serve::{ServeError, serve};
