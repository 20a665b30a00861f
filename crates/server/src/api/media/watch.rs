//! `POST /whep/{source}`: watches a camera or a person.

#![expect(unused_qualifications, reason = "utoipa's macro writes paths out")]

use super::sdp::{Offer, created};
use super::source;
use crate::app::App;
use crate::auth::person::Person;
use crate::error::{ApiError, ErrorEnvelope};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use media::{Layer, WatchRequest};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Which picture of a camera.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LayerChoice {
    /// The full one.
    #[default]
    Main,
    /// The small one, for tiles.
    Sub,
}

/// Query of a watch request.
#[derive(Debug, Deserialize, IntoParams)]
pub struct WatchQuery {
    /// The full picture unless asked otherwise.
    #[serde(default)]
    layer: LayerChoice,
}

/// Answers a WHEP offer. The camera is pulled, and crosses a link, only while somebody watches.
#[utoipa::path(
    post,
    path = "/whep/{source}",
    operation_id = "watch_source",
    tag = "media",
    params(
        ("source" = String, Path, description = "Camera or participation"),
        WatchQuery,
    ),
    request_body(content = String, content_type = "application/sdp"),
    responses(
        (status = 201, body = String, content_type = "application/sdp"),
        (status = 404, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope),
        (status = 503, body = ErrorEnvelope),
    )
)]
pub async fn watch_source(
    State(app): State<App>,
    person: Person,
    Path(source): Path<String>,
    Query(query): Query<WatchQuery>,
    Offer(offer): Offer,
) -> Result<Response, ApiError> {
    let source = source::find(&app, person.id, &source).await?;
    let request = WatchRequest {
        source,
        viewer: person.id.to_string(),
        layer: match query.layer {
            LayerChoice::Main => Layer::Main,
            LayerChoice::Sub => Layer::Sub,
        },
        offer,
    };
    let answer = app.engine().watch(request).await?;
    app.sessions().open(answer.session, person.id);
    Ok(created(answer, "/whep/sessions"))
}
