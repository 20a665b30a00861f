//! The endpoint: answers a long-poll, or hands an upgrade to [`super::socket`].

#![expect(unused_qualifications, reason = "utoipa's macro writes paths out")]

use super::cursor::Cursor;
use super::{Watching, changed, collect, message, now};
use crate::api::shapes::FeedMessage;
use crate::app::App;
use crate::auth::person::Person;
use crate::error::{ApiError, Code};
use crate::json::{Json, Query};
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::http::header::UPGRADE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

/// Longest wait of a long-poll, seconds; proxies cut answers that take a minute.
const MAX_WAIT_S: u32 = 50;

/// Parameters of the feed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FeedQuery {
    /// Cursor of the last message; absent means from now.
    pub after: Option<String>,
    /// How long to wait for a change, seconds, at most 50; absent means not at all.
    pub wait: Option<u32>,
}

/// What changed since a cursor. With `Upgrade: websocket` the same messages are pushed, and an
/// empty one every 15 s.
#[utoipa::path(
    get,
    path = "/api/v1/feed",
    tag = "feed",
    params(FeedQuery),
    responses((status = 200, body = FeedMessage), (status = 101, description = "WebSocket"))
)]
pub async fn get_feed(
    State(app): State<App>,
    person: Person,
    Query(query): Query<FeedQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let cursor = match &query.after {
        None => now(&app),
        Some(text) => text
            .parse()
            .map_err(|_| ApiError::new(Code::BadRequest, "the cursor is not valid"))?,
    };
    if headers.contains_key(UPGRADE) {
        let upgrade = upgrade
            .map_err(|_| ApiError::new(Code::BadRequest, "the WebSocket handshake is not valid"))?;
        return Ok(super::socket::open(app, person, cursor, upgrade));
    }
    let wait_ms = i64::from(query.wait.unwrap_or(0).min(MAX_WAIT_S)) * 1000;
    let answer = long_poll(&app, &person, cursor, wait_ms).await?;
    Ok(Json(answer).into_response())
}

async fn long_poll(
    app: &App,
    person: &Person,
    mut cursor: Cursor,
    wait_ms: i64,
) -> Result<FeedMessage, ApiError> {
    let _watching = Watching::new(app, person);
    let until = app.clock().now_ms() + wait_ms;
    loop {
        let rows = collect(app, person.role, &mut cursor).await?;
        if !rows.is_empty() || app.clock().now_ms() >= until {
            return Ok(message(app, cursor, rows));
        }
        tokio::select! {
            () = changed(app, cursor) => {}
            () = app.clock().wait_until(until) => {}
            () = app.stopped() => return Ok(message(app, cursor, rows)),
        }
    }
}
