//! For those who run the site: health, metrics, and the description of this interface.

pub mod health;
pub mod metrics;
pub mod openapi;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::get_health))
        .routes(routes!(metrics::get_metrics))
        .routes(routes!(openapi::get_openapi))
}
