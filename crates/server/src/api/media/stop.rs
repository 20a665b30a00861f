//! `DELETE /whep/sessions/{id}` and `DELETE /whip/sessions/{id}`.

use crate::app::App;
use crate::auth::person::Person;
use crate::error::{ApiError, ErrorEnvelope};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use records::id::{AccountId, ActionId};

/// Ends watching. Ending a session that is gone already is no error.
#[utoipa::path(
    delete,
    path = "/whep/sessions/{id}",
    operation_id = "stop_watching",
    tag = "media",
    params(("id" = String, Path, description = "Session, from the answer's Location")),
    responses((status = 200), (status = 404, body = ErrorEnvelope))
)]
pub async fn stop_watching(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    close(&app, person.id, &id)
}

/// Ends publishing.
#[utoipa::path(
    delete,
    path = "/whip/sessions/{id}",
    operation_id = "stop_publishing",
    tag = "media",
    params(("id" = String, Path, description = "Session, from the answer's Location")),
    responses((status = 200), (status = 404, body = ErrorEnvelope))
)]
pub async fn stop_publishing(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    close(&app, person.id, &id)
}

fn close(app: &App, person: AccountId, id: &str) -> Result<StatusCode, ApiError> {
    let session: ActionId = id.parse().map_err(|_| ApiError::not_found())?;
    if !app.sessions().close(session.0, person) {
        return Err(ApiError::not_found());
    }
    app.engine().close(session.0);
    Ok(StatusCode::OK)
}
