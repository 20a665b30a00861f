//! The signed-in person, as endpoints get it.

use crate::app::App;
use crate::auth::{cookie, session};
use crate::error::{ApiError, Code};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use records::field::Value;
use records::id::{AccountId, RecordId};
use records::read::Record;
use rules::{Actor, Role};

/// Who is asking. An extractor; it is there on every route that the permission table gives to
/// roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Account; equal to the id of the person record.
    pub id: AccountId,
    /// What they type to sign in.
    pub login: String,
    /// Name from the person record.
    pub name: String,
    /// Role from the person record.
    pub role: Role,
    /// The session that the request came with.
    pub session: SessionRef,
}

/// A session, without its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRef {
    /// Hash of the token, the session's key in the database.
    pub hash: [u8; 32],
    /// When it ends unless it is used again, ms since the epoch.
    pub expires_at: i64,
}

impl Person {
    /// The person as duty rules see it.
    #[must_use]
    pub fn actor(&self, app: &App) -> Actor {
        Actor {
            account: self.id,
            role: self.role,
            site: app.site().id,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Person {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Person>()
            .cloned()
            .ok_or_else(|| ApiError::new(Code::NotSignedIn, "sign in first"))
    }
}

/// The person whose session a request carries; `None` without one that still holds.
///
/// # Errors
/// `internal` when the store fails.
pub async fn of_request(app: &App, headers: &HeaderMap) -> Result<Option<Person>, ApiError> {
    let secure = app.settings().addresses.is_secure(headers);
    let token = cookie::read(headers, app.site().id, secure).and_then(session::hash);
    match token {
        Some(hash) => of_session(app, hash, true).await,
        None => Ok(None),
    }
}

/// The person of a session that still holds. `used` says that this is a request of theirs, which
/// keeps the session from idling out.
///
/// # Errors
/// `internal` when the store fails.
pub async fn of_session(app: &App, hash: [u8; 32], used: bool) -> Result<Option<Person>, ApiError> {
    let now = app.clock().now_ms();
    let Some(mut found) = app.store().session(&hash, now).await? else {
        return Ok(None);
    };
    let Some(account) = app.store().account(found.account).await? else {
        return Ok(None);
    };
    let Some((name, role)) = of_account(app, account.id).await? else {
        return Ok(None);
    };
    if let Some(idle_expires_ms) = session::touch(&found, now).filter(|_| used) {
        app.store().touch_session(hash, idle_expires_ms).await?;
        found.idle_expires_ms = idle_expires_ms;
    }
    Ok(Some(Person {
        id: account.id,
        login: account.login,
        name,
        role,
        session: SessionRef {
            hash,
            expires_at: session::expires_at(&found),
        },
    }))
}

/// Name and role of an account's person record; `None` if there is none, if another site vouches
/// for it, or if the person was dismissed.
///
/// # Errors
/// `internal` when the store fails.
pub async fn of_account(app: &App, id: AccountId) -> Result<Option<(String, Role)>, ApiError> {
    let Some(stored) = app.store().record(RecordId(id.0)).await? else {
        return Ok(None);
    };
    let record = &stored.record;
    let ours = record.table.kind == "person" && record.home == app.site().id;
    let dismissed = record.get("dismissed") == Some(&Value::Bool(true));
    Ok(Role::parse(record.text("role"))
        .filter(|_| ours && !dismissed)
        .map(|role| (name(record), role)))
}

fn name(record: &Record) -> String {
    record.text("name").to_owned()
}
