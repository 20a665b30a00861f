//! The server's scenarios, in one binary.
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[path = "all/assets.rs"]
mod assets;
#[path = "all/blobs.rs"]
mod blobs;
#[path = "all/description.rs"]
mod description;
#[path = "all/errors.rs"]
mod errors;
#[path = "all/feed.rs"]
mod feed;
#[path = "all/permissions.rs"]
mod permissions;
#[path = "all/sign_in.rs"]
mod sign_in;
#[path = "all/site.rs"]
mod site;
#[path = "all/tls.rs"]
mod tls;
#[path = "all/uploads.rs"]
mod uploads;
