//! `POST /api/v1/blobs`: takes a file, to be attached to a record afterwards.

use crate::app::App;
use crate::blobs::Sniff;
use crate::error::{ApiError, Code, ErrorEnvelope, FieldCode, FieldError};
use crate::http::read_on;
use crate::json::Json;
use axum::body::BodyDataStream;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use futures::StreamExt as _;
use serde::Serialize;
use std::time::Duration;
use store::BlobError;
use utoipa::ToSchema;

/// A sender that is silent for so long has gone.
const QUIET: Duration = Duration::from_secs(60);

/// A file that is here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Blob {
    /// The BLAKE3 hash of its content, 64 hex digits: its name from now on.
    hash: String,
    /// Its length, bytes.
    size: u64,
    /// What it is, by its content.
    mime: &'static str,
}

/// Takes a file: the body as it is, whatever its declared type. The answer comes when the file is
/// on disk. One that no record names within a day is removed.
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
    let _turn = app.uploads().try_acquire().map_err(|_| {
        ApiError::new(Code::UploadsBusy, "too many files are being uploaded").retry_after(5)
    })?;
    let max = app.settings().max_upload;
    let begun = app.store().begin_upload(expected, max).await;
    let mut upload = begun.map_err(|error| refused(error, max))?;
    let mut sniff = Sniff::default();
    loop {
        let next = tokio::time::timeout(QUIET, body.next()).await;
        let bytes = match next.map_err(|_| cut())? {
            Some(bytes) => bytes.map_err(|_| cut())?,
            None => break,
        };
        sniff.see(&bytes);
        if sniff.is_hopeless() {
            return Err(unsupported());
        }
        let written = upload.write(&bytes).await;
        written.map_err(|error| refused(error, max))?;
    }
    let content = sniff.content_type().ok_or_else(unsupported)?;
    let kept = upload.finish(app.clock().now_ms()).await;
    let kept = kept.map_err(|error| refused(error, max))?;
    app.metrics().uploads.inc();
    Ok(Blob {
        hash: kept.hash.to_string(),
        size: kept.size,
        mime: content.mime,
    })
}

fn cut() -> ApiError {
    ApiError::new(Code::BadRequest, "the upload was cut off")
}

fn unsupported() -> ApiError {
    ApiError::new(Code::UnsupportedType, "files of this type are not taken")
}

fn refused(error: BlobError, max: u64) -> ApiError {
    match error {
        BlobError::TooLong => {
            let limit = usize::try_from(max).ok();
            let body = FieldError::new("body", FieldCode::TooLong);
            let error = ApiError::new(Code::BodyTooLarge, "the file is too long");
            error.with_fields(vec![FieldError { limit, ..body }])
        }
        error => error.into(),
    }
}
