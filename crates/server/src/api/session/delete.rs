//! `DELETE /api/v1/session`: sign out.

use crate::app::App;
use crate::auth::cookie;
use crate::auth::person::Person;
use crate::error::ApiError;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

/// Ends the session at the site itself, so that a copied cookie is worth nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/session",
    tag = "session",
    responses((status = 204))
)]
pub async fn delete_session(
    State(app): State<App>,
    person: Person,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    app.store().revoke_session(person.session.hash).await?;
    app.session_ended(person.session.hash);
    let secure = app.settings().addresses.is_secure(&headers);
    let cookie = cookie::clear(app.site().id, secure);
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}
