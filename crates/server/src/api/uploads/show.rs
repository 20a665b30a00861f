//! `GET /api/v1/uploads/{id}`: how far a file is.

use super::{UploadState, file, state, turn};
use crate::app::App;
use crate::auth::person::Person;
use crate::error::{ApiError, ErrorEnvelope};
use crate::json::Json;
use axum::extract::{Path, State};

/// Tells how far a file is, for whoever lost the answer; a piece still on its way is given up.
#[utoipa::path(
    get,
    path = "/api/v1/uploads/{id}",
    operation_id = "show_upload",
    tag = "blobs",
    params(("id" = String, Path, description = "Upload")),
    responses((status = 200, body = UploadState), (status = 404, body = ErrorEnvelope))
)]
pub async fn show_upload(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Json<UploadState>, ApiError> {
    let id = file(&id)?;
    let turn = turn(&app, id, &person).await?;
    Ok(Json(state(id, &turn)?))
}
