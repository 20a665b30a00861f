//! `GET /metrics`: counters of the whole site, for a collector on the same machine.

use crate::app::App;
use crate::auth::person::Person;
use crate::error::{ApiError, Code};
use crate::http::Peer;
use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use rules::Role;

/// Counters as Prometheus (OpenMetrics) text; for loopback peers and administrators.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "service",
    responses((status = 200, body = String, content_type = "application/openmetrics-text"))
)]
pub async fn get_metrics(
    State(app): State<App>,
    person: Option<Extension<Person>>,
    peer: Option<Extension<ConnectInfo<Peer>>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let administrator = person.is_some_and(|person| person.role == Role::Administrator);
    if !administrator && !is_local(peer.map(|peer| peer.0.0), &headers) {
        return Err(ApiError::new(
            Code::Forbidden,
            "metrics are for loopback peers and administrators",
        ));
    }
    let text = crate::metrics::text(&app).await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

/// A proxy on this machine speaks for others, and says so in these headers.
fn is_local(peer: Option<Peer>, headers: &HeaderMap) -> bool {
    let proxied = ["x-forwarded-for", "forwarded", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name));
    !proxied && peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback())
}
