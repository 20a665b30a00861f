//! `POST /api/v1/records/{id}/actions/{action}`: acts on a record.

use crate::app::App;
use crate::auth::person::Person;
use crate::duty::act::{self, Request};
use crate::duty::detail::{self, Record};
use crate::error::{ApiError, ErrorEnvelope, FieldCode};
use crate::json::Json;
use axum::extract::{Path, State};
use records::id::{ActionId, RecordId};
use serde::Deserialize;
use utoipa::ToSchema;

/// An action and its values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionRequest {
    /// The action's values.
    #[schema(value_type = Object)]
    #[serde(default)]
    fields: serde_json::Map<String, serde_json::Value>,
    /// 32 hex digits made by the client; the same id again gets the same answer.
    action_id: String,
}

/// Acts on a record. Actions that open a record answer with the new one.
#[utoipa::path(
    post,
    path = "/api/v1/records/{id}/actions/{action}",
    operation_id = "act_on_record",
    tag = "records",
    params(
        ("id" = String, Path, description = "Record"),
        ("action" = String, Path, description = "One of the record's `actions`"),
    ),
    request_body = ActionRequest,
    responses(
        (status = 200, body = Record),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope),
    )
)]
pub async fn act_on_record(
    State(app): State<App>,
    person: Person,
    Path((id, action)): Path<(String, String)>,
    Json(body): Json<ActionRequest>,
) -> Result<Json<Record>, ApiError> {
    let id: RecordId = id.parse().map_err(|_| ApiError::not_found())?;
    let request = Request::new(&app, &person, action_id(&body.action_id)?);
    let result = act::act(&app, request, id, &action, &body.fields).await?;
    let mut record = detail::load(&app, &person, result).await?;
    if action == "join" {
        record.participation = Some(request.new_participation().to_string());
    }
    Ok(Json(record))
}

/// The idempotency key a client made.
///
/// # Errors
/// `invalid_fields` naming `action_id`.
pub fn action_id(text: &str) -> Result<ActionId, ApiError> {
    text.parse()
        .map_err(|_| ApiError::field("action_id", FieldCode::WrongType))
}
