//! `GET /api/v1/blobs/{hash}/state`: whether a file is here, and how far it is.

use crate::app::App;
use crate::auth::person::Person;
use crate::blobs::state::{self, BlobState};
use crate::error::{ApiError, ErrorEnvelope};
use crate::json::Json;
use axum::extract::{Path, State};

/// Tells whether a file is here, and how far it is if it is coming from another site.
#[utoipa::path(
    get,
    path = "/api/v1/blobs/{hash}/state",
    operation_id = "show_blob_state",
    tag = "blobs",
    params(("hash" = String, Path, description = "Hash of the file")),
    responses((status = 200, body = BlobState), (status = 404, body = ErrorEnvelope))
)]
pub async fn show_blob_state(
    State(app): State<App>,
    person: Person,
    Path(hash): Path<String>,
) -> Result<Json<BlobState>, ApiError> {
    let hash = super::hash(&hash)?;
    let refs = state::visible(&app, &person, hash).await?;
    Ok(Json(state::state(&app, hash, refs[0].size).await?))
}
