//! `/whep` to watch a camera or a person, `/whip` to publish one's own tracks.
//!
//! WHIP is RFC 9725, WHEP its draft twin: the offer comes as `application/sdp`, the answer
//! carries all candidates, a session is a resource that is deleted to end it.

pub mod publish;
pub mod sdp;
pub mod source;
pub mod stop;
pub mod watch;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoints.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(watch::watch_source))
        .routes(routes!(stop::stop_watching))
        .routes(routes!(publish::publish_tracks))
        .routes(routes!(stop::stop_publishing))
}
