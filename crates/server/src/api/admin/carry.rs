//! `GET /api/v1/admin/export` and `POST /api/v1/admin/import`: what a link would carry, as a file
//! on a USB stick.

use crate::app::App;
use crate::error::{ApiError, FieldCode};
use crate::http::read_on;
use crate::json::Json;
use axum::body::{Body, BodyDataStream};
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use sync::carry::{CarryError, Exporter, Importer, Receivers, Summary};
use utoipa::ToSchema;

/// Longest file taken, in bytes; some twenty years of a site.
const MAX_FILE: u64 = 4 * 1024 * 1024 * 1024;

/// Whom the file is for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct For {
    peer: String,
}

/// Writes a file with everything that a site lacks, as far as is known, sealed to it.
#[utoipa::path(
    get,
    path = "/api/v1/admin/export",
    operation_id = "export_file",
    tag = "admin",
    params(("peer" = String, Query, description = "Code or id of the site, or `all`")),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>))
)]
pub async fn export_file(
    State(app): State<App>,
    Query(asked): Query<For>,
) -> Result<Response, ApiError> {
    let (store, identity, now) = (app.store(), app.identity(), app.clock().now_ms());
    let unknown = |_| ApiError::field("peer", FieldCode::NotAChoice);
    let names = [asked.peer];
    let receivers = Receivers::find(&store.trust(), identity.site(), &names).map_err(unknown)?;
    let mut rng = app.random().generator();
    let exporter = Exporter::new(identity, store, &receivers, now, &mut rng)
        .await
        .map_err(failed)?;
    let pieces = futures::stream::try_unfold(exporter, |mut exporter| async move {
        let piece = exporter.next().await;
        if let Err(error) = &piece {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "an export broke off"
            );
        }
        Ok::<_, CarryError>(piece?.map(|piece| (piece, exporter)))
    });
    let name = format!(
        "attachment; filename=\"dutyroom-{}-{now}.carry\"",
        app.site().code
    );
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

fn failed(error: CarryError) -> ApiError {
    match error {
        CarryError::Store(error) => error.into(),
        error => ApiError::internal(error),
    }
}

/// What an import came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Imported {
    /// Why it ended early; what was taken before stays.
    pub problem: Option<Problem>,
    /// The site that wrote the file, once its signature was checked.
    pub from: Option<String>,
    /// When it was written, ms since the epoch.
    pub created_at: Option<i64>,
    /// Bytes read.
    pub bytes: u64,
    /// Bundles new here.
    pub new: u64,
    /// Bundles here already.
    pub known: u64,
    /// New, but their changes do not count.
    pub quarantined: u64,
    /// Put back where this disk had lost them.
    pub mended: u64,
    /// Attachments new here.
    pub blobs: u64,
    /// Attachments for which this site has no room.
    pub blobs_without_room: u64,
    /// Evidence of forks.
    pub forks: u64,
    /// Waiting for bundles that the file does not hold.
    pub waiting: u64,
}

/// Why an import ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// Another kind of file.
    NotCarried,
    /// Written by a later version.
    LaterVersion,
    /// Of another institution.
    OtherInstitution,
    /// Sealed to other sites.
    NotForUs,
    /// This site wrote it.
    Own,
    /// The end is missing.
    Cut,
    /// Bytes were changed.
    Altered,
    /// Not signed by a site of the institution.
    Signature,
    /// Longer than any file.
    TooLong,
}

/// Takes a file of another site in: the body is the file. A damaged one is taken up to the
/// damage, since every bundle in it is signed for itself.
#[utoipa::path(
    post,
    path = "/api/v1/admin/import",
    operation_id = "import_file",
    tag = "admin",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Imported))
)]
pub async fn import_file(State(app): State<App>, body: Body) -> Result<Json<Imported>, ApiError> {
    let mut pieces = body.into_data_stream();
    let imported = import(&app, &mut pieces).await;
    read_on(&mut pieces, MAX_FILE).await;
    imported.map(Json)
}

async fn import(app: &App, pieces: &mut BodyDataStream) -> Result<Imported, ApiError> {
    let mut importer = Importer::new(app.identity(), app.store(), app.clock().now_ms());
    while let Some(piece) = pieces.next().await {
        // The browser went away: the same as a file that is cut off.
        let Ok(piece) = piece else {
            break;
        };
        if importer.summary().bytes + piece.len() as u64 > MAX_FILE {
            return Ok(imported(importer.summary(), Some(Problem::TooLong)));
        }
        if let Err(error) = importer.take(&piece).await {
            let problem = problem(error)?;
            return Ok(imported(importer.summary(), Some(problem)));
        }
    }
    let so_far = importer.summary().clone();
    match importer.finish().await {
        Ok(summary) => Ok(imported(&summary, None)),
        Err(error) => Ok(imported(&so_far, Some(problem(error)?))),
    }
}

fn problem(error: CarryError) -> Result<Problem, ApiError> {
    tracing::warn!(code = error.code(), "a carried file ended early");
    Ok(match error {
        CarryError::NotCarried => Problem::NotCarried,
        CarryError::LaterVersion(_) => Problem::LaterVersion,
        CarryError::OtherInstitution => Problem::OtherInstitution,
        CarryError::NotForUs(_) => Problem::NotForUs,
        CarryError::Own => Problem::Own,
        CarryError::Cut(_) => Problem::Cut,
        CarryError::Altered(_) | CarryError::Malformed | CarryError::Trailing => Problem::Altered,
        CarryError::Signature | CarryError::Strangers => Problem::Signature,
        error => return Err(failed(error)),
    })
}

fn imported(summary: &Summary, problem: Option<Problem>) -> Imported {
    let signed = problem.is_none();
    Imported {
        problem,
        from: signed.then(|| summary.from.to_string()),
        created_at: signed.then_some(summary.created_ms),
        bytes: summary.bytes,
        new: summary.new,
        known: summary.known,
        quarantined: summary.quarantined,
        mended: summary.mended,
        blobs: summary.blobs,
        blobs_without_room: summary.blobs_without_room,
        forks: summary.forks,
        waiting: summary.waiting,
    }
}
