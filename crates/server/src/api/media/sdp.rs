//! SDP bodies and answers, and the media engine's refusals as coded errors.

use crate::error::{ApiError, Code};
use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::response::{IntoResponse, Response};
use media::{Answer, MediaError};

/// The content type of WHIP and WHEP bodies (RFC 9725 section 4.2).
pub const APPLICATION_SDP: &str = "application/sdp";

/// An SDP offer of at most [`media::MAX_OFFER`] bytes.
#[derive(Debug)]
pub struct Offer(pub String);

impl<S: Send + Sync> FromRequest<S> for Offer {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let content_type = request.headers().get(CONTENT_TYPE);
        let is_sdp = content_type
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.split(';').next().map(str::trim) == Some(APPLICATION_SDP));
        if !is_sdp {
            return Err(ApiError::new(
                Code::BadRequest,
                "the body must be application/sdp",
            ));
        }
        let body = to_bytes(request.into_body(), media::MAX_OFFER).await;
        let body =
            body.map_err(|_| ApiError::new(Code::BodyTooLarge, "an offer has at most 64 kB"))?;
        let offer = String::from_utf8(body.into())
            .map_err(|_| ApiError::new(Code::BadRequest, "an offer is UTF-8 text"))?;
        Ok(Self(offer))
    }
}

/// The answer to an offer: 201, the SDP, and where the session is.
pub fn created(answer: Answer, sessions: &str) -> Response {
    let session = records::id::ActionId(answer.session);
    let headers = [
        (CONTENT_TYPE, APPLICATION_SDP.to_owned()),
        (LOCATION, format!("{sessions}/{session}")),
    ];
    (StatusCode::CREATED, headers, answer.sdp).into_response()
}

impl From<MediaError> for ApiError {
    fn from(error: MediaError) -> Self {
        let code = match &error {
            MediaError::UnknownSource => Code::NotFound,
            MediaError::SourceUnavailable(_) => Code::CameraUnavailable,
            MediaError::CodecUnsupported => Code::CodecUnsupported,
            MediaError::BadOffer => Code::BadRequest,
            MediaError::ViewerLimit => Code::ViewerLimit,
            MediaError::SiteUnreachable => Code::SiteUnreachable,
            MediaError::NotAdmitted => Code::Forbidden,
            MediaError::Unavailable => Code::Internal,
        };
        let message = match error {
            MediaError::SourceUnavailable(reason) => reason.code().to_owned(),
            ref other => other.to_string(),
        };
        ApiError::new(code, message).caused_by(error)
    }
}
