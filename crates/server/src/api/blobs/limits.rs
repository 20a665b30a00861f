//! `GET /api/v1/blobs`: how much may be attached here.

use crate::app::App;
use crate::error::ApiError;
use crate::json::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// How much may be attached here.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlobLimits {
    /// Longest single file, bytes.
    max_upload: u64,
    /// What all files of this site may take, bytes.
    quota: u64,
    /// What they take now, bytes.
    used: u64,
    /// Most attachments of one record.
    max_per_record: usize,
    /// Types that are taken, as `accept` of a file input has them.
    endings: Vec<&'static str>,
}

/// Tells the limits, so that a page can say no before a long upload.
#[utoipa::path(
    get,
    path = "/api/v1/blobs",
    operation_id = "show_blob_limits",
    tag = "blobs",
    responses((status = 200, body = BlobLimits))
)]
pub async fn show_blob_limits(State(app): State<App>) -> Result<Json<BlobLimits>, ApiError> {
    Ok(Json(BlobLimits {
        max_upload: app.settings().max_upload,
        quota: app.store().blob_limits().quota,
        used: app.store().blob_counts().await?.bytes,
        max_per_record: rules::attachment::MAX_ATTACHMENTS,
        endings: crate::blobs::content::endings(),
    }))
}
