//! For the administrator: what the site holds, and letting a campus in.

pub mod invite;
pub mod status;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's endpoints.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(status::get_status))
        .routes(routes!(invite::create_join_code))
}
