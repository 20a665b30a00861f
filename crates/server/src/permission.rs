//! Who may call what: one table of every operation, and the layer that enforces it.
//!
//! The layer wraps every route and lets nothing through that the table does not name, so a new
//! endpoint answers 404 until it has its line here. Finer rules (own site or other, a record's
//! state or label) are `rules`' and are asked by the endpoints.

use crate::app::App;
use crate::auth::person::{self, Person};
use crate::error::{ApiError, Code};
use crate::http;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use rules::Role;
use std::time::Duration;

/// Of a body that is refused so much is read, bytes: the pieces in which a page sends a file.
const MAX_REFUSED: u64 = 4 * 1024 * 1024;
/// And for so long.
const REFUSED_WITHIN: Duration = Duration::from_secs(30);

/// Whom an operation is open to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Everybody, signed in or not.
    Everyone,
    /// Decided by the endpoint from the peer's address or a session: `/metrics`.
    Own,
    /// Signed-in persons of these roles.
    Roles(&'static [Role]),
}

use Role::{Administrator, Headquarters, Leader, Officer, Staff};

const SIGNED_IN: Permit = Permit::Roles(&[Officer, Leader, Headquarters, Administrator, Staff]);
const READERS: Permit = Permit::Roles(&[Officer, Leader, Headquarters, Administrator]);
const DUTY: Permit = Permit::Roles(&[Officer, Leader, Headquarters]);
const ADMINISTRATORS: Permit = Permit::Roles(&[Administrator]);

/// Method, route as registered, and who may call it.
pub const TABLE: &[(&str, &str, Permit)] = &[
    ("GET", "/healthz", Permit::Everyone),
    ("GET", "/metrics", Permit::Own),
    ("GET", "/api/openapi.json", Permit::Everyone),
    ("POST", "/api/v1/session", Permit::Everyone),
    ("GET", "/api/v1/session", SIGNED_IN),
    ("DELETE", "/api/v1/session", SIGNED_IN),
    ("GET", "/api/v1/sites", SIGNED_IN),
    ("GET", "/api/v1/kinds", SIGNED_IN),
    ("GET", "/api/v1/feed", READERS),
    ("GET", "/api/v1/records", READERS),
    ("POST", "/api/v1/records", DUTY),
    ("GET", "/api/v1/records/{id}", READERS),
    ("POST", "/api/v1/records/{id}/actions/{action}", DUTY),
    ("GET", "/api/v1/blobs", READERS),
    ("POST", "/api/v1/blobs", DUTY),
    ("GET", "/api/v1/blobs/{hash}", READERS),
    ("GET", "/api/v1/blobs/{hash}/state", READERS),
    ("POST", "/api/v1/blobs/{hash}/fetch", DUTY),
    ("DELETE", "/api/v1/blobs/{hash}/fetch", DUTY),
    ("POST", "/api/v1/uploads", DUTY),
    ("GET", "/api/v1/uploads/{id}", DUTY),
    ("PATCH", "/api/v1/uploads/{id}", DUTY),
    ("DELETE", "/api/v1/uploads/{id}", DUTY),
    ("GET", "/api/v1/cameras", READERS),
    ("POST", "/whep/{source}", DUTY),
    ("DELETE", "/whep/sessions/{id}", DUTY),
    ("POST", "/whip/{participation}", DUTY),
    ("DELETE", "/whip/sessions/{id}", DUTY),
    ("GET", "/api/v1/admin/status", ADMINISTRATORS),
    ("POST", "/api/v1/admin/join-codes", ADMINISTRATORS),
    ("POST", "/api/v1/admin/quarantine/rejudge", ADMINISTRATORS),
    ("POST", "/api/v1/admin/journals/close", ADMINISTRATORS),
    ("POST", "/api/v1/admin/sites/revoke", ADMINISTRATORS),
    ("POST", "/api/v1/admin/scrub", ADMINISTRATORS),
    ("GET", "/api/v1/admin/export", ADMINISTRATORS),
    ("POST", "/api/v1/admin/import", ADMINISTRATORS),
];

/// The table's line for an operation; `HEAD` counts as `GET`.
#[must_use]
pub fn permit(method: &str, route: &str) -> Option<Permit> {
    let method = if method == "HEAD" { "GET" } else { method };
    TABLE
        .iter()
        .find(|line| line.0 == method && line.1 == route)
        .map(|line| line.2)
}

/// The layer: admits a request by the table and hands the endpoint its [`Person`].
///
/// # Errors
/// `not_signed_in`, `forbidden`, or `method_not_allowed` and `not_found` for what is not in the
/// table.
pub async fn guard(
    State(app): State<App>,
    route: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    if let Err(refused) = admit(&app, route, &mut request).await {
        let mut body = request.into_body().into_data_stream();
        // Or the browser, still sending, never learns that its session has ended.
        let read = http::read_on(&mut body, MAX_REFUSED);
        drop(tokio::time::timeout(REFUSED_WITHIN, read).await);
        return Err(refused);
    }
    Ok(next.run(request).await)
}

async fn admit(app: &App, route: &str, request: &mut Request) -> Result<(), ApiError> {
    match permit(request.method().as_str(), route) {
        None if TABLE.iter().any(|line| line.1 == route) => {
            return Err(method_not_allowed(request.method()));
        }
        None => return Err(ApiError::not_found()),
        Some(Permit::Everyone) => {}
        Some(Permit::Own) => {
            if let Some(person) = person::of_request(app, request.headers()).await? {
                request.extensions_mut().insert(person);
            }
        }
        Some(Permit::Roles(roles)) => {
            let person: Person = person::of_request(app, request.headers())
                .await?
                .ok_or_else(|| ApiError::new(Code::NotSignedIn, "sign in first"))?;
            if !roles.contains(&person.role) {
                return Err(ApiError::new(
                    Code::Forbidden,
                    "your role does not allow this",
                ));
            }
            request.extensions_mut().insert(person);
        }
    }
    Ok(())
}

fn method_not_allowed(method: &Method) -> ApiError {
    ApiError::new(
        Code::MethodNotAllowed,
        format!("{method} is not offered here"),
    )
}
