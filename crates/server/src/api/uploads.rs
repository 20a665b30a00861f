//! `/api/v1/uploads`: files that come in pieces and go on where the line broke.

pub mod begin;
pub mod cancel;
pub mod go_on;
pub mod show;

use crate::app::App;
use crate::auth::person::Person;
use crate::blobs::intake::Blob;
use crate::blobs::unfinished::{FileId, Stage, Turn};
use crate::error::ApiError;
use records::id::RecordId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin::begin_upload))
        .routes(routes!(
            show::show_upload,
            go_on::continue_upload,
            cancel::cancel_upload
        ))
}

/// How far a file is.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadState {
    /// Names the upload, 32 hex digits.
    pub id: String,
    /// Length of the file, bytes.
    pub size: u64,
    /// How much of it is here; go on from there.
    pub offset: u64,
    /// The file, once all of it is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<Blob>,
}

async fn turn(app: &App, id: FileId, person: &Person) -> Result<Turn, ApiError> {
    let now = app.clock().now_ms();
    let turn = app.unfinished().turn(id, person.id, now).await;
    turn.ok_or_else(ApiError::not_found)
}

fn state(id: FileId, turn: &Turn) -> Result<UploadState, ApiError> {
    let (offset, blob) = match &*turn.stage {
        Stage::Coming(intake) => (intake.here(), None),
        Stage::Whole(blob) => (turn.size, Some(blob.clone())),
        Stage::Gone => return Err(ApiError::not_found()),
    };
    Ok(UploadState {
        id: hex(id),
        size: turn.size,
        offset,
        blob,
    })
}

fn hex(id: FileId) -> String {
    crate::auth::session::hex(&id)
}

fn file(text: &str) -> Result<FileId, ApiError> {
    let id: Result<RecordId, _> = text.parse();
    id.map(|id| id.0).map_err(|_| ApiError::not_found())
}
