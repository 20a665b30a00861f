//! For the administrator: what the site holds, judging again what is held, letting a campus in,
//! and what is decided about its journals.

pub mod carry;
pub mod decree;
pub mod invite;
pub mod rejudge;
pub mod scrub;
pub mod status;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's endpoints.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(status::get_status))
        .routes(routes!(rejudge::rejudge_quarantine))
        .routes(routes!(invite::create_join_code))
        .routes(routes!(decree::close_journal))
        .routes(routes!(decree::revoke_site))
        .routes(routes!(scrub::scrub))
        .routes(routes!(carry::export_file))
        .routes(routes!(carry::import_file))
}
