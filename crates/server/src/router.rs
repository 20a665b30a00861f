//! All routes with all layers.

use crate::app::App;
use crate::json::MAX_BODY;
use crate::{api, assets, http, permission};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Extensions, HeaderMap, StatusCode, Version, header};
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _};

/// The site as one service.
pub fn router(app: App) -> Router {
    let compression =
        CompressionLayer::new().compress_when(DefaultPredicate::new().and(is_no_file));
    let (routes, _described) = api::router().split_for_parts();
    routes
        .route_layer(from_fn_with_state(app.clone(), permission::guard))
        .fallback(assets::serve)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(app.clone(), http::check_origin))
        .layer(CatchPanicLayer::custom(http::panicked))
        .layer(from_fn_with_state(app.clone(), http::envelope))
        .layer(from_fn_with_state(app.clone(), http::security_headers))
        .layer(compression)
        .with_state(app)
}

/// Files are sent as they are, so that their length is told and ranges mean the same bytes.
fn is_no_file(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    !headers.contains_key(header::ACCEPT_RANGES)
}
