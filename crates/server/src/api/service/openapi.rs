//! `GET /api/openapi.json`: this interface, described.

use axum::Json;

/// The OpenAPI document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    tag = "service",
    responses((status = 200, content_type = "application/json"))
)]
pub async fn get_openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(crate::openapi())
}
