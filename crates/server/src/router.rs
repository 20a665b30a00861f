//! All routes with all layers.

use crate::app::App;
use crate::json::MAX_BODY;
use crate::{api, assets, http, permission};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

/// The site as one service.
pub fn router(app: App) -> Router {
    let (routes, _described) = api::router().split_for_parts();
    routes
        .route_layer(from_fn_with_state(app.clone(), permission::guard))
        .fallback(assets::serve)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(app.clone(), http::check_origin))
        .layer(CatchPanicLayer::custom(http::panicked))
        .layer(from_fn_with_state(app.clone(), http::envelope))
        .layer(from_fn_with_state(app.clone(), http::security_headers))
        .layer(CompressionLayer::new())
        .with_state(app)
}
