//! `POST /api/v1/admin/quarantine/rejudge`: judges held bundles again.

use crate::app::App;
use crate::error::ApiError;
use crate::json::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// How the bundles that were held stand now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rejudgement {
    /// They count from now on.
    pub accepted: u64,
    /// Refused, for good.
    pub refused: u64,
    /// Held still.
    pub held: u64,
}

/// Judges every held bundle again, as an upgrade does by itself.
#[utoipa::path(
    post,
    path = "/api/v1/admin/quarantine/rejudge",
    operation_id = "rejudge_quarantine",
    tag = "admin",
    responses((status = 200, body = Rejudgement))
)]
pub async fn rejudge_quarantine(State(app): State<App>) -> Result<Json<Rejudgement>, ApiError> {
    let rejudged = app.store().rejudge().await?;
    Ok(Json(Rejudgement {
        accepted: rejudged.accepted,
        refused: rejudged.refused,
        held: rejudged.held,
    }))
}
