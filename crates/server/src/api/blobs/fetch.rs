//! `POST` and `DELETE /api/v1/blobs/{hash}/fetch`: has a large file brought here, or not.

use crate::app::App;
use crate::auth::person::Person;
use crate::blobs::state::{self, BlobState};
use crate::error::{ApiError, Code, ErrorEnvelope};
use crate::json::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

/// Has a file brought from another site; it comes as soon as one that has it can be reached,
/// also after a restart.
#[utoipa::path(
    post,
    path = "/api/v1/blobs/{hash}/fetch",
    operation_id = "fetch_blob",
    tag = "blobs",
    params(("hash" = String, Path, description = "Hash of the file")),
    responses(
        (status = 202, body = BlobState),
        (status = 404, body = ErrorEnvelope),
        (status = 503, body = ErrorEnvelope),
    )
)]
pub async fn fetch_blob(
    State(app): State<App>,
    person: Person,
    Path(hash): Path<String>,
) -> Result<(StatusCode, Json<BlobState>), ApiError> {
    let hash = super::hash(&hash)?;
    let refs = state::visible(&app, &person, hash).await?;
    let links = app.links().ok_or_else(|| {
        ApiError::new(Code::SiteUnreachable, "this site is linked to no other one")
    })?;
    links.fetch_blob(hash).await?;
    let state = state::state(&app, hash, refs[0].size).await?;
    Ok((StatusCode::ACCEPTED, Json(state)))
}

/// Stops bringing a file; what is here of it is kept for another time.
#[utoipa::path(
    delete,
    path = "/api/v1/blobs/{hash}/fetch",
    operation_id = "stop_fetching_blob",
    tag = "blobs",
    params(("hash" = String, Path, description = "Hash of the file")),
    responses((status = 200, body = BlobState), (status = 404, body = ErrorEnvelope))
)]
pub async fn stop_fetching_blob(
    State(app): State<App>,
    person: Person,
    Path(hash): Path<String>,
) -> Result<Json<BlobState>, ApiError> {
    let hash = super::hash(&hash)?;
    let refs = state::visible(&app, &person, hash).await?;
    if let Some(links) = app.links() {
        links.stop_fetching_blob(hash).await?;
    }
    Ok(Json(state::state(&app, hash, refs[0].size).await?))
}
