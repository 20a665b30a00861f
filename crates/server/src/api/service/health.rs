//! `GET /healthz`: is the site up?

use crate::app::App;
use crate::assets;
use crate::json::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// The site serves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`; a site that cannot serve does not answer.
    pub status: &'static str,
    /// Whether the web app is in this binary.
    pub ui: Ui,
    /// Site, 16 hex digits.
    pub site: String,
    /// Version of the program.
    pub version: &'static str,
}

/// Whether the web app is in this binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ui {
    /// It is.
    Embedded,
    /// It was not built before the binary was.
    Missing,
}

/// Whether the site serves.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "service",
    responses((status = 200, body = Health))
)]
pub async fn get_health(State(app): State<App>) -> Json<Health> {
    Json(Health {
        status: "ok",
        ui: if assets::are_embedded() {
            Ui::Embedded
        } else {
            Ui::Missing
        },
        site: app.site().id.to_string(),
        version: env!("CARGO_PKG_VERSION"),
    })
}
