//! `POST /api/v1/admin/journals/close` and `POST /api/v1/admin/sites/revoke`: what an
//! administrator decides at the hub about the journals of a site. The person repeats what the
//! status page showed; if that has changed since, nothing is decided.

use crate::app::App;
use crate::error::{ApiError, Code, FieldCode};
use crate::json::Json;
use axum::extract::State;
use axum::http::StatusCode;
use records::id::{JournalId, SiteId};
use serde::Deserialize;
use sync::decree::{self, DecreeError};
use utoipa::ToSchema;

/// The journal to close, as it was shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseJournal {
    /// Its site, 16 hex digits.
    #[schema(max_length = 16)]
    pub site: String,
    /// Its incarnation.
    pub incarnation: u32,
    /// Hashes of all its ends, as the status names them.
    #[schema(max_items = 64)]
    pub ends: Vec<String>,
}

/// The site whose key is to be revoked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeSite {
    /// The site, 16 hex digits.
    #[schema(max_length = 16)]
    pub site: String,
    /// The letters of its record numbers, typed by the person.
    #[schema(max_length = 4)]
    pub code: String,
    /// The last bundle of its newest journal that counts; everything held here if left out.
    pub cut: Option<u64>,
}

/// Ends a journal and adopts all its branches; hub only.
#[utoipa::path(
    post,
    path = "/api/v1/admin/journals/close",
    operation_id = "close_journal",
    tag = "admin",
    request_body = CloseJournal,
    responses((status = 204))
)]
pub async fn close_journal(
    State(app): State<App>,
    Json(asked): Json<CloseJournal>,
) -> Result<StatusCode, ApiError> {
    let journal = JournalId {
        site: site(&asked.site)?,
        incarnation: asked.incarnation,
    };
    let ends = decree::ends(app.store(), journal).map_err(refused)?;
    let shown = ends.iter().map(|end| end.hash.to_string());
    if !shown.eq(asked.ends) {
        return Err(refused(DecreeError::Changed));
    }
    let now = app.clock().now_ms();
    decree::close(app.store(), app.identity(), journal, ends, now)
        .await
        .map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the validity of a site's key; hub only. The site cannot link any more.
#[utoipa::path(
    post,
    path = "/api/v1/admin/sites/revoke",
    operation_id = "revoke_site",
    tag = "admin",
    request_body = RevokeSite,
    responses((status = 204))
)]
pub async fn revoke_site(
    State(app): State<App>,
    Json(asked): Json<RevokeSite>,
) -> Result<StatusCode, ApiError> {
    let site = site(&asked.site)?;
    let trust = app.store().trust();
    let code = trust.enrolment(site).map(|enrolment| &enrolment.code);
    if code != Some(&asked.code) {
        return Err(ApiError::field("code", FieldCode::WrongType));
    }
    let cuts = decree::cuts(app.store(), site, asked.cut)
        .await
        .map_err(refused)?;
    let now = app.clock().now_ms();
    decree::revoke(app.store(), app.identity(), cuts, now)
        .await
        .map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

fn site(hex: &str) -> Result<SiteId, ApiError> {
    let wrong = |_| ApiError::field("site", FieldCode::WrongType);
    hex.parse().map_err(wrong)
}

fn refused(error: DecreeError) -> ApiError {
    let (code, message) = match error {
        DecreeError::Store(error) => return error.into(),
        DecreeError::Unknown | DecreeError::NoSuchPlace => {
            (Code::NotFound, "nothing is held of this journal there")
        }
        DecreeError::NotHub => (Code::ConflictState, "only the hub decides this"),
        DecreeError::Itself => (Code::ConflictState, "the hub cannot revoke itself"),
        DecreeError::TooMany => (Code::ConflictState, "too many branches for one closure"),
        DecreeError::Changed => (Code::ConflictState, "more came since: look again"),
    };
    ApiError::new(code, message).caused_by(error)
}
