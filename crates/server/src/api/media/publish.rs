//! `POST /whip/{participation}`: publishes one's own camera and microphone into a consultation.

use super::sdp::{Offer, created};
use super::source;
use crate::app::App;
use crate::auth::person::Person;
use crate::error::{ApiError, Code, ErrorEnvelope};
use axum::extract::{Path, State};
use axum::response::Response;
use media::PublishRequest;

/// Answers a WHIP offer of the person whose `join` made the participation, at the same site.
#[utoipa::path(
    post,
    path = "/whip/{participation}",
    operation_id = "publish_tracks",
    tag = "media",
    params(("participation" = String, Path, description = "Own stay in a consultation")),
    request_body(content = String, content_type = "application/sdp"),
    responses(
        (status = 201, body = String, content_type = "application/sdp"),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope),
    )
)]
pub async fn publish_tracks(
    State(app): State<App>,
    person: Person,
    Path(participation): Path<String>,
    Offer(offer): Offer,
) -> Result<Response, ApiError> {
    let id = participation.parse().map_err(|_| ApiError::not_found())?;
    let stay = source::stay(&app, id).await?;
    let stay = stay.ok_or_else(ApiError::not_found)?;
    if stay.participation.person != person.id || stay.site != app.site().id {
        return Err(ApiError::new(
            Code::Forbidden,
            "only the person who joined publishes into a participation",
        ));
    }
    let source = stay.participation.id.0;
    let answer = app
        .engine()
        .publish(PublishRequest { source, offer })
        .await?;
    app.sessions().open(answer.session, person.id);
    Ok(created(answer, "/whip/sessions"))
}
