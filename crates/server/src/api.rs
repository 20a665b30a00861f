//! The HTTP interface: one folder a resource, one file an endpoint.
//!
//! To add an endpoint: a file with its input, output and handler, marked `#[utoipa::path]`; its
//! line in the resource's `router()`; and its line in [`crate::permission::TABLE`], without which
//! it answers 404 and the table's test fails.

pub mod admin;
pub mod blobs;
pub mod cameras;
pub mod feed;
pub mod kinds;
pub mod media;
pub mod records;
pub mod service;
pub mod session;
pub mod shapes;
pub mod sites;
pub mod uploads;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;

/// Every resource.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(admin::router())
        .merge(blobs::router())
        .merge(cameras::router())
        .merge(feed::router())
        .merge(kinds::router())
        .merge(media::router())
        .merge(records::router())
        .merge(service::router())
        .merge(session::router())
        .merge(sites::router())
        .merge(uploads::router())
}
