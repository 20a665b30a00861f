//! `DELETE /api/v1/uploads/{id}`: a file is given up.

use super::file;
use crate::app::App;
use crate::auth::person::Person;
use crate::error::{ApiError, ErrorEnvelope};
use axum::extract::{Path, State};
use axum::http::StatusCode;

/// Gives a file up.
#[utoipa::path(
    delete,
    path = "/api/v1/uploads/{id}",
    operation_id = "cancel_upload",
    tag = "blobs",
    params(("id" = String, Path, description = "Upload")),
    responses((status = 204), (status = 404, body = ErrorEnvelope))
)]
pub async fn cancel_upload(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    match app.unfinished().remove(file(&id)?, person.id) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found()),
    }
}
