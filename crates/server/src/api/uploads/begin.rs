//! `POST /api/v1/uploads`: a file is announced.

use super::{UploadState, hex};
use crate::app::App;
use crate::auth::person::Person;
use crate::blobs::intake::{Intake, too_long};
use crate::blobs::unfinished::FileId;
use crate::error::{ApiError, ErrorEnvelope};
use crate::json::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use store::BlobError;
use utoipa::ToSchema;

/// A file to be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUpload {
    /// Its length, bytes.
    pub size: u64,
}

/// Announces a file. It may be sent in pieces; what nobody has gone on with for a day is dropped.
#[utoipa::path(
    post,
    path = "/api/v1/uploads",
    operation_id = "begin_upload",
    tag = "blobs",
    request_body = NewUpload,
    responses(
        (status = 201, body = UploadState),
        (status = 413, body = ErrorEnvelope),
        (status = 507, body = ErrorEnvelope),
    )
)]
pub async fn begin_upload(
    State(app): State<App>,
    person: Person,
    Json(NewUpload { size }): Json<NewUpload>,
) -> Result<(StatusCode, Json<UploadState>), ApiError> {
    let max = app.settings().max_upload;
    if size > max {
        return Err(too_long(max));
    }
    if size == 0 {
        return Err(BlobError::Empty.into());
    }
    let intake = Intake::begin(&app, Some(size), size).await?;
    let id: FileId = app.random().bytes();
    let now = app.clock().now_ms();
    app.unfinished().add(id, person.id, size, intake, now);
    let begun = UploadState {
        id: hex(id),
        size,
        offset: 0,
        blob: None,
    };
    Ok((StatusCode::CREATED, Json(begun)))
}
