//! `POST /api/v1/records`: writes a record by hand.

use crate::app::App;
use crate::auth::person::Person;
use crate::duty::act::{self, Request};
use crate::duty::attachments::NewAttachment;
use crate::duty::detail::{self, Record};
use crate::error::{ApiError, ErrorEnvelope};
use crate::json::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

/// A new record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecord {
    /// `log_item`, `incident` or `consultation`.
    kind: String,
    /// Values by the kind's table (`GET /api/v1/kinds`).
    #[schema(value_type = Object)]
    fields: serde_json::Map<String, serde_json::Value>,
    /// Files beside it that were uploaded here; log items only.
    #[serde(default)]
    #[schema(required = false)]
    attachments: Vec<NewAttachment>,
    /// 32 hex digits made by the client; the same id again gets the same record.
    action_id: String,
}

/// Writes a record; the answer comes when it is signed and on disk.
#[utoipa::path(
    post,
    path = "/api/v1/records",
    operation_id = "create_record",
    tag = "records",
    request_body = NewRecord,
    responses(
        (status = 201, body = Record),
        (status = 422, body = ErrorEnvelope),
    )
)]
pub async fn create_record(
    State(app): State<App>,
    person: Person,
    Json(new): Json<NewRecord>,
) -> Result<(StatusCode, Json<Record>), ApiError> {
    let request = Request::new(&app, &person, super::act::action_id(&new.action_id)?);
    let id = act::create(&app, request, &new.kind, &new.fields, new.attachments).await?;
    let record = detail::load(&app, &person, id).await?;
    Ok((StatusCode::CREATED, Json(record)))
}
