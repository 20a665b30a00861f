//! `/api/v1/records`: one set of endpoints for every kind.

pub mod act;
pub mod create;
pub mod list;
pub mod show;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_records, create::create_record))
        .routes(routes!(show::show_record))
        .routes(routes!(act::act_on_record))
}
