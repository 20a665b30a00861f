//! `/api/v1/blobs`: files that records name as attachments.

pub mod fetch;
pub mod limits;
pub mod show;
pub mod state;
pub mod upload;

use crate::app::App;
use crate::error::ApiError;
use records::id::Hash;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(limits::show_blob_limits, upload::upload_blob))
        .routes(routes!(show::show_blob))
        .routes(routes!(state::show_blob_state))
        .routes(routes!(fetch::fetch_blob, fetch::stop_fetching_blob))
}

fn hash(text: &str) -> Result<Hash, ApiError> {
    text.parse().map_err(|_| ApiError::not_found())
}
