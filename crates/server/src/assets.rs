//! The web app, embedded in the binary.
//!
//! `web/dist` is embedded in debug builds too, so that what runs is what ships; `build.rs` makes
//! cargo notice a new build of it. Without it the site works and serves a page that says how to
//! build the app.

use crate::app::App;
use crate::error::ApiError;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

const INDEX: &str = "index.html";
const NONCE: &str = "__CSP_NONCE__";
const MISSING: &str = "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
<title>Dutyroom</title><h1>网页未构建</h1><p>This binary was built without the web app. \
Run <code>cargo xtask demo</code>, or <code>npm ci &amp;&amp; npm run build</code> in \
<code>web/</code> and build again. The HTTP interface works: see \
<a href=\"/api/openapi.json\">/api/openapi.json</a>.</p></html>";

/// Whether the web app is in this binary.
#[must_use]
pub fn are_embedded() -> bool {
    Dist::get(INDEX).is_some()
}

/// Serves a file of the web app, or its page for every address that the app's own router knows.
///
/// # Errors
/// `not_found` for what is no page, `method_not_allowed` for anything but reading.
pub async fn serve(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let path = request.uri().path().trim_start_matches('/');
    if is_interface(path) {
        return Err(ApiError::not_found());
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(ApiError::new(
            crate::error::Code::MethodNotAllowed,
            "pages are only read",
        ));
    }
    match Dist::get(path).filter(|_| !path.is_empty() && path != INDEX) {
        Some(found) => Ok(file(path, found, request.headers())),
        // A missing script must not be answered with a page, or the browser reports nonsense.
        None if path
            .rsplit('/')
            .next()
            .is_some_and(|name| name.contains('.'))
            && path != INDEX =>
        {
            Err(ApiError::not_found())
        }
        None => Ok(page(&app, request.headers())),
    }
}

fn is_interface(path: &str) -> bool {
    ["api", "whep", "whip"].iter().any(|root| {
        path == *root
            || path
                .strip_prefix(root)
                .is_some_and(|rest| rest.starts_with('/'))
    })
}

fn file(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash = crate::auth::session::hex(&file.metadata.sha256_hash()[..16]);
    let etag = HeaderValue::from_str(&format!("W/\"{hash}\"")).expect("hex is a header value");
    // Vite puts a hash of the content into the names under assets/.
    let caching = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let kind = mime(path);
    let fixed = [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
    ];
    if headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    let body = match file.data {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    };
    (fixed, [(header::CONTENT_TYPE, kind)], body).into_response()
}

fn page(app: &App, headers: &HeaderMap) -> Response {
    let nonce = crate::auth::session::hex(&app.random().bytes::<16>());
    let html = match Dist::get(INDEX) {
        Some(index) => String::from_utf8_lossy(&index.data).replace(NONCE, &nonce),
        None => MISSING.to_owned(),
    };
    let policy = HeaderValue::from_str(&policy(headers, &nonce))
        .unwrap_or(HeaderValue::from_static("default-src 'none'"));
    let fixed = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (fixed, Html(html)).into_response()
}

/// The content policy of a page. Chromium before 100 or so does not take `'self'` for
/// `ws://` addresses, so the host is named.
fn policy(headers: &HeaderMap, nonce: &str) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| is_host(host));
    let sockets = host.map_or_else(String::new, |host| format!(" ws://{host} wss://{host}"));
    format!(
        "default-src 'self'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'{sockets}; \
         object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// Host and port only: a header value must not add directives of its own.
fn is_host(host: &str) -> bool {
    host.parse::<axum::http::uri::Authority>().is_ok()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

fn mime(path: &str) -> HeaderValue {
    let kind = match path.rsplit('.').next() {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("json" | "map" | "webmanifest") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("mp3") => "audio/mpeg",
        Some("ogg") => "audio/ogg",
        Some("wav") => "audio/wav",
        Some("txt") => "text/plain; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    };
    HeaderValue::from_static(kind)
}
