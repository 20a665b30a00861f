//! `GET /api/v1/records/{id}`: a record whole.

use crate::app::App;
use crate::auth::person::Person;
use crate::duty::detail::{self, Record};
use crate::error::{ApiError, ErrorEnvelope};
use crate::json::Json;
use axum::extract::{Path, State};
use records::id::RecordId;

/// A record whole: fields, timeline, links, and what this person could do now.
#[utoipa::path(
    get,
    path = "/api/v1/records/{id}",
    operation_id = "show_record",
    tag = "records",
    params(("id" = String, Path, description = "Record")),
    responses((status = 200, body = Record), (status = 404, body = ErrorEnvelope),
        (status = 410, body = ErrorEnvelope, description = "The institution erased it"))
)]
pub async fn show_record(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Json<Record>, ApiError> {
    let id: RecordId = id.parse().map_err(|_| ApiError::not_found())?;
    Ok(Json(detail::load(&app, &person, id).await?))
}
