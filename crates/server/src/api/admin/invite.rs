//! `POST /api/v1/admin/join-codes`: a one-time code that lets a campus join; hub only.

use crate::app::App;
use crate::error::{ApiError, Code, FieldCode, FieldError};
use crate::json::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::StoreError;
use sync::enrol::{self, Invitation, InviteError};
use utoipa::ToSchema;

/// Longest name of a site, code points.
const MAX_NAME: usize = records::trust::MAX_NAME_LEN;
/// A code holds so long, ms.
const VALID_MS: i64 = 24 * 3_600_000;

/// The campus to let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// Name of the campus' duty room.
    #[schema(max_length = 100)]
    pub site_name: String,
    /// Letters for its record numbers, 1 to 4.
    #[schema(max_length = 4)]
    pub code: String,
}

/// The code, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct JoinCode {
    /// Type it at the campus: `dutyroom join`.
    pub code: String,
}

/// Makes a one-time code that a campus joins with.
#[utoipa::path(
    post,
    path = "/api/v1/admin/join-codes",
    operation_id = "create_join_code",
    tag = "admin",
    request_body = Invite,
    responses((status = 201, body = JoinCode))
)]
pub async fn create_join_code(
    State(app): State<App>,
    Json(invite): Json<Invite>,
) -> Result<(StatusCode, Json<JoinCode>), ApiError> {
    let faults = faults(&invite);
    if !faults.is_empty() {
        return Err(ApiError::fields(faults));
    }
    let invitation = Invitation {
        site_name: invite.site_name.trim().to_owned(),
        site_code: invite.code,
        valid_ms: VALID_MS,
    };
    let (now, mut rng) = (app.clock().now_ms(), app.random().generator());
    let code = enrol::invite(app.store(), app.identity(), &invitation, now, &mut rng)
        .await
        .map_err(refused)?;
    Ok((StatusCode::CREATED, Json(JoinCode { code })))
}

fn faults(invite: &Invite) -> Vec<FieldError> {
    let mut faults = Vec::new();
    match invite.site_name.trim().chars().count() {
        0 => faults.push(FieldError::new("site_name", FieldCode::Required)),
        1..=MAX_NAME => {}
        _ => faults.push(FieldError {
            limit: Some(MAX_NAME),
            ..FieldError::new("site_name", FieldCode::TooLong)
        }),
    }
    match invite.code.len() {
        0 => faults.push(FieldError::new("code", FieldCode::Required)),
        1..=4
            if invite
                .code
                .bytes()
                .all(|letter| letter.is_ascii_uppercase()) => {}
        1..=4 => faults.push(FieldError::new("code", FieldCode::WrongType)),
        _ => faults.push(FieldError {
            limit: Some(4),
            ..FieldError::new("code", FieldCode::TooLong)
        }),
    }
    faults
}

fn refused(error: InviteError) -> ApiError {
    match error {
        InviteError::NotHub => {
            ApiError::new(Code::ConflictState, "only the hub lets a campus in").caused_by(error)
        }
        InviteError::Names => ApiError::field("site_name", FieldCode::TooLong),
        InviteError::CodeTaken => {
            ApiError::new(Code::ConflictState, "another site has this code").caused_by(error)
        }
        InviteError::Unconfirmed => StoreError::Unconfirmed.into(),
        InviteError::Store(error) => error.into(),
    }
}
