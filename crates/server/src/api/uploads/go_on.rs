//! `PATCH /api/v1/uploads/{id}`: the next piece of a file.

#![expect(unused_qualifications, reason = "utoipa's macro writes paths out")]

use super::{UploadState, file, state, turn};
use crate::app::App;
use crate::auth::person::Person;
use crate::blobs::intake::Stopped;
use crate::blobs::unfinished::{FileId, Stage, Turn};
use crate::error::{ApiError, Code, ErrorEnvelope};
use crate::http::read_on;
use crate::json::{Json, Query};
use axum::body::BodyDataStream;
use axum::extract::{Path, Request, State};
use serde::Deserialize;
use utoipa::IntoParams;

/// From where a piece goes on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Piece {
    /// How much of the file precedes the piece, bytes.
    pub offset: u64,
}

/// Sends a piece: the body as it is, of any length. What came of it before the line broke is kept.
#[utoipa::path(
    patch,
    path = "/api/v1/uploads/{id}",
    operation_id = "continue_upload",
    tag = "blobs",
    params(("id" = String, Path, description = "Upload"), Piece),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, body = UploadState),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "Ask how far it is"),
        (status = 413, body = ErrorEnvelope),
        (status = 415, body = ErrorEnvelope),
        (status = 503, body = ErrorEnvelope),
        (status = 507, body = ErrorEnvelope),
    )
)]
pub async fn continue_upload(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Query(piece): Query<Piece>,
    request: Request,
) -> Result<Json<UploadState>, ApiError> {
    let mut body = request.into_body().into_data_stream();
    // In a task of its own: a browser that goes away must not end it between two writes.
    let taken = tokio::spawn(async move {
        let taken = take(&app, &person, &id, piece.offset, &mut body).await;
        if taken.is_err() {
            read_on(&mut body, app.settings().max_upload).await;
        }
        taken
    });
    taken.await.map_err(ApiError::internal)?.map(Json)
}

async fn take(
    app: &App,
    person: &Person,
    id: &str,
    offset: u64,
    body: &mut BodyDataStream,
) -> Result<UploadState, ApiError> {
    let _turn = app.upload_turn()?;
    let id = file(id)?;
    let mut turn = turn(app, id, person).await?;
    let over = turn.over();
    let until = async {
        tokio::select! {
            () = over => {}
            () = app.stopped() => {}
        }
    };
    let Stage::Coming(intake) = &mut *turn.stage else {
        return state(id, &turn);
    };
    if intake.here() != offset {
        return Err(ApiError::new(Code::ConflictState, "the file is not there"));
    }
    match intake.pour(body, until).await {
        Ok(()) => {}
        Err(stopped @ Stopped::Line) => return Err(stopped.into()),
        Err(Stopped::Refused(error)) => return Err(give_up(app, id, person, &mut turn, error)),
    }
    if intake.here() == turn.size {
        let Stage::Coming(whole) = std::mem::replace(&mut *turn.stage, Stage::Gone) else {
            return Err(ApiError::not_found());
        };
        match whole.finish(app).await {
            Ok(blob) => *turn.stage = Stage::Whole(blob),
            Err(error) => return Err(give_up(app, id, person, &mut turn, error)),
        }
    }
    state(id, &turn)
}

fn give_up(app: &App, id: FileId, person: &Person, turn: &mut Turn, error: ApiError) -> ApiError {
    *turn.stage = Stage::Gone;
    app.unfinished().remove(id, person.id);
    error
}
