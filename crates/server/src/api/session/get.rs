//! `GET /api/v1/session`: who am I?

use super::Session;
use crate::app::App;
use crate::auth::person::Person;
use crate::json::Json;
use axum::extract::State;

/// Who is signed in.
#[utoipa::path(
    get,
    path = "/api/v1/session",
    tag = "session",
    responses((status = 200, body = Session))
)]
pub async fn get_session(State(app): State<App>, person: Person) -> Json<Session> {
    Json(Session::of(&app, &person))
}
