//! `/api/v1/cameras`.

use crate::api::shapes::Camera;
use crate::app::App;
use crate::cameras::states;
use crate::error::ApiError;
use crate::json::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoint.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_cameras))
}

/// The cameras of all campuses.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cameras {
    /// Own cameras first.
    cameras: Vec<Camera>,
}

/// Lists the cameras of all campuses with what each one is doing.
#[utoipa::path(
    get,
    path = "/api/v1/cameras",
    operation_id = "list_cameras",
    tag = "cameras",
    responses((status = 200, body = Cameras))
)]
pub async fn list_cameras(State(app): State<App>) -> Result<Json<Cameras>, ApiError> {
    let cameras = states::list(&app).await?;
    Ok(Json(Cameras { cameras }))
}
