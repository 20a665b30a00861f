//! The layers around every endpoint, from the outside in: request id and log line, error
//! envelope, caught panics, security headers, origin check, body limit.

use crate::app::App;
use crate::auth::origin;
use crate::error::{ApiError, Code};
use axum::Json;
use axum::body::BodyDataStream;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The address of the browser or proxy that connected.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Header that names the request in answers and logs.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The address a request came from; unspecified where there is no connection, as in tests.
#[must_use]
pub fn peer_address(request: &Request) -> IpAddr {
    request
        .extensions()
        .get::<ConnectInfo<Peer>>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.0.ip())
}

/// The outermost layer: gives the request its id, writes the envelope of an error, and logs one
/// line without personal data. Routes are logged as registered, so no identifier of a record.
pub async fn envelope(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = crate::auth::session::hex(&app.random().bytes::<8>());
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |route| route.as_str().to_owned());
    let started = app.clock().uptime_ms();
    let mut response = next.run(request).await;
    let took_ms = app.clock().uptime_ms().saturating_sub(started);
    let error = response.extensions_mut().remove::<ApiError>();
    if let Some(error) = error.or_else(|| foreign_error(&response)) {
        log_error(&error, &id, &route);
        response = write_envelope(&error, &id, response.headers());
    }
    let status = response.status().as_u16();
    #[expect(
        clippy::cast_precision_loss,
        reason = "durations are far below 2^52 ms"
    )]
    app.metrics()
        .request(&route, status, took_ms as f64 / 1000.0);
    tracing::info!(
        request.id = %id, http.method = %method, http.route = %route, http.status = status, took_ms,
        "answered {method} {route} with {status}"
    );
    let id = HeaderValue::from_str(&id).expect("hex digits are a header value");
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// What axum itself refuses, in our words: every error has an envelope.
fn foreign_error(response: &Response) -> Option<ApiError> {
    let code = match response.status() {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge,
        status if status.is_client_error() => Code::BadRequest,
        status if status.is_server_error() => Code::Internal,
        _ => return None,
    };
    Some(ApiError::new(code, "the request is not understood"))
}

fn write_envelope(error: &ApiError, id: &str, kept: &HeaderMap) -> Response {
    let mut response = (error.code.status(), Json(error.envelope(id))).into_response();
    if let Some(seconds) = error.retry_after_s {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    for (name, value) in kept {
        if name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

/// The one place that logs an error with the chain of what caused it.
fn log_error(error: &ApiError, id: &str, route: &str) {
    let mut chain = error.message.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        chain.push_str(": ");
        chain.push_str(&next.to_string());
        cause = next.source();
    }
    let code = error.code;
    if code.status().is_server_error() {
        tracing::error!(request.id = %id, http.route = %route, error.code = ?code, "{chain}");
    } else {
        tracing::debug!(request.id = %id, http.route = %route, error.code = ?code, "{chain}");
    }
}

/// What a panicking endpoint answers. The panic itself is logged by the panic hook.
#[must_use]
pub fn panicked(_payload: Box<dyn Any + Send>) -> Response {
    ApiError::new(Code::Internal, "the site failed to do this").into_response()
}

/// A sender that is silent for so long waits for the answer.
const SENDER_WAITS: Duration = Duration::from_secs(5);

/// Reads a body on to its end, at most `most` bytes. A browser that is still sending takes an
/// answer before the end for a broken line, and never shows why its file was refused.
pub async fn read_on(body: &mut BodyDataStream, most: u64) {
    let mut left = most;
    while let Ok(Some(Ok(bytes))) = tokio::time::timeout(SENDER_WAITS, body.next()).await {
        match left.checked_sub(bytes.len() as u64) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// Refuses what another site's page sends (ASVS 5.0, 3.5).
///
/// # Errors
/// `bad_origin`.
pub async fn check_origin(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let addresses = &app.settings().addresses;
    // A WebSocket is opened by GET, and browsers let any page try (ASVS 5.0, 4.4.2).
    let changes = !origin::is_safe(request.method())
        || request.headers().contains_key(header::SEC_WEBSOCKET_KEY);
    if changes && !addresses.is_own_origin(request.headers()) {
        app.metrics().origins_refused.inc();
        return Err(ApiError::new(
            Code::BadOrigin,
            "the request does not come from this site's own pages",
        ));
    }
    Ok(next.run(request).await)
}

/// Headers of every answer; the web app's pages carry their own content policy.
pub async fn security_headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let secure = app.settings().addresses.is_secure(request.headers());
    let is_api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(self), microphone=(self), display-capture=(), geolocation=(), payment=(), usb=()",
    );
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    if secure {
        set(
            header::STRICT_TRANSPORT_SECURITY,
            "max-age=31536000; includeSubDomains",
        );
    }
    if is_api {
        set(header::CACHE_CONTROL, "no-store");
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        );
    }
    response
}
