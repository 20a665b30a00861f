//! `POST /api/v1/session`: sign in.
//!
//! Unknown login, wrong password and dismissed person take the same work and get the same answer.
//! Tries are counted before the password is checked; see [`crate::auth::throttle`] for who waits.

use super::Session;
use crate::app::App;
use crate::auth::password::MAX_LEN;
use crate::auth::person::{self, Person, SessionRef};
use crate::auth::throttle::LoginKey;
use crate::auth::{cookie, session};
use crate::error::{ApiError, Code, FieldCode, FieldError};
use crate::http::Peer;
use crate::json::Json;
use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use rules::Role;
use serde::Deserialize;
use std::net::IpAddr;
use store::Account;
use utoipa::ToSchema;

/// What the sign-in page sends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Login.
    #[schema(max_length = 100)]
    pub login: String,
    /// Password.
    #[schema(max_length = 1024)]
    pub password: String,
}

/// Signs a person in and sets the session cookie.
#[utoipa::path(
    post,
    path = "/api/v1/session",
    tag = "session",
    request_body = SignIn,
    responses((status = 200, body = Session))
)]
pub async fn create_session(
    State(app): State<App>,
    peer: Option<Extension<ConnectInfo<Peer>>>,
    headers: HeaderMap,
    Json(form): Json<SignIn>,
) -> Result<Response, ApiError> {
    check_lengths(&form)?;
    let from = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.0.0.ip());
    let (account, name, role) = check(&app, form, from).await?;
    let token = session::token(app.random().bytes());
    let hash = session::hash(&token).expect("a fresh token is a token");
    let begun = session::begin(hash, account.id, app.clock().now_ms());
    let expires_at = session::expires_at(&begun);
    app.store().add_session(begun).await?;
    let person = Person {
        id: account.id,
        login: account.login,
        name,
        role,
        session: SessionRef { hash, expires_at },
    };
    let secure = app.settings().addresses.is_secure(&headers);
    let cookie = cookie::set(app.site().id, secure, &token);
    Ok(([(SET_COOKIE, cookie)], Json(Session::of(&app, &person))).into_response())
}

fn check_lengths(form: &SignIn) -> Result<(), ApiError> {
    let fault = |name: &str, value: &str, limit: usize| {
        let code = match value.len() {
            0 => FieldCode::Required,
            len if len > limit => FieldCode::TooLong,
            _ => return None,
        };
        Some(FieldError::new(name, code))
    };
    let faults: Vec<_> = fault("login", &form.login, 400)
        .into_iter()
        .chain(fault("password", &form.password, MAX_LEN))
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ApiError::fields(faults))
    }
}

/// The account, if login and password are right and the person may sign in.
async fn check(app: &App, form: SignIn, from: IpAddr) -> Result<(Account, String, Role), ApiError> {
    let now = app.clock().now_ms();
    let login = login_key(&form.login);
    let wait_ms = {
        let mut throttle = app.throttle();
        let wait = throttle.wait_ms(login, from, now);
        if wait.is_none() {
            throttle.tried(login, from, now);
        }
        wait
    };
    if let Some(wait_ms) = wait_ms {
        app.metrics().sign_ins_throttled.inc();
        let seconds = wait_ms.unsigned_abs().div_ceil(1000);
        return Err(
            ApiError::new(Code::SignInThrottled, "too many wrong passwords; wait")
                .retry_after(seconds),
        );
    }
    let account = app.store().account_by_login(&form.login).await?;
    let verifier = account.as_ref().map(|account| account.verifier.clone());
    let right = app
        .passwords()
        .is_right(form.password, verifier)
        .await
        .map_err(ApiError::internal)?;
    if let Some(account) = account.filter(|_| right)
        && let Some((name, role)) = person::of_account(app, account.id).await?
    {
        app.throttle().right(login, from);
        return Ok((account, name, role));
    }
    app.metrics().sign_ins_failed.inc();
    tracing::warn!(client.address = %from, "a sign-in failed");
    Err(ApiError::new(
        Code::SignInFailed,
        "login or password is wrong",
    ))
}

/// Logins that name one account must be counted together, so they are folded as the store does.
fn login_key(login: &str) -> LoginKey {
    *blake3::hash(login.trim().to_lowercase().as_bytes()).as_bytes()
}
