//! `POST /api/v1/blobs`: takes a file, to be attached to a record afterwards.

use crate::app::App;
use crate::blobs::intake::{Blob, Intake};
use crate::error::{ApiError, ErrorEnvelope};
use crate::http::read_on;
use crate::json::Json;
use axum::body::BodyDataStream;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;

/// Takes a file: the body as it is, whatever its declared type. The answer comes when the file is
/// on disk. One that no record names within a day is removed. Over a line that may break, announce
/// it to `/api/v1/uploads`.
#[utoipa::path(
    post,
    path = "/api/v1/blobs",
    operation_id = "upload_blob",
    tag = "blobs",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = Blob),
        (status = 413, body = ErrorEnvelope),
        (status = 415, body = ErrorEnvelope),
        (status = 503, body = ErrorEnvelope),
        (status = 507, body = ErrorEnvelope),
    )
)]
pub async fn upload_blob(
    State(app): State<App>,
    request: Request,
) -> Result<(StatusCode, Json<Blob>), ApiError> {
    let length = request.headers().get(CONTENT_LENGTH);
    let expected = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body = request.into_body().into_data_stream();
    let taken = take(&app, expected, &mut body).await;
    if taken.is_err() {
        read_on(&mut body, app.settings().max_upload).await;
    }
    Ok((StatusCode::CREATED, Json(taken?)))
}

async fn take(
    app: &App,
    expected: Option<u64>,
    body: &mut BodyDataStream,
) -> Result<Blob, ApiError> {
    let _turn = app.upload_turn()?;
    let mut intake = Intake::begin(app, expected, app.settings().max_upload).await?;
    intake.pour(body, std::future::pending()).await?;
    intake.finish(app).await
}
