//! `GET /api/v1/sites`: the sites of the institution and whether they can be reached.

use crate::api::shapes::{CatchingUp, Lag, LinkState, LinkVia, Site, SiteLink, Verified};
use crate::app::App;
use crate::json::Json;
use axum::extract::State;
use serde::Serialize;
use sync::links::Links;
use sync::session::{self, Progress};
use sync::status::{PeerState, PeerStatus, Via};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's endpoints.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_sites))
}

/// Every site, and the answering site's time.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteList {
    /// The site's time, ms since the epoch.
    pub now: i64,
    /// The sites, the hub first, then by name.
    pub sites: Vec<Site>,
}

/// The sites of the institution.
#[utoipa::path(
    get,
    path = "/api/v1/sites",
    tag = "sites",
    responses((status = 200, body = SiteList))
)]
pub async fn list_sites(State(app): State<App>) -> Json<SiteList> {
    Json(SiteList {
        now: app.clock().now_ms(),
        sites: sites(&app),
    })
}

/// The sites as they are now.
#[must_use]
pub fn sites(app: &App) -> Vec<Site> {
    let peers = app
        .links()
        .map(|links| links.peers().borrow().clone())
        .unwrap_or_default();
    let copied = app.links().map(Links::copied).unwrap_or_default();
    let trust = app.store().trust();
    let mut sites: Vec<Site> = trust
        .enrolments()
        // A restored site is enrolled once more; only its newest incarnation is shown.
        .filter(|one| trust.enrolment(one.journal.site).map(|e| e.journal) == Some(one.journal))
        .map(|enrolment| {
            let id = enrolment.journal.site;
            let own = id == app.site().id;
            let peer = peers.iter().find(|peer| peer.site == id);
            Site {
                id: id.to_string(),
                name: enrolment.name.clone(),
                code: enrolment.code.clone(),
                role: enrolment.role.into(),
                is_self: own,
                link: match (own, trust.is_revoked(id)) {
                    (true, _) => is(LinkState::This),
                    (false, true) => is(LinkState::Revoked),
                    (false, false) => link(peer),
                },
                copied_since: copied
                    .iter()
                    .find(|copied| copied.site == id)
                    .map(|copied| copied.since_ms),
                held_only_here: own.then(|| app.store().held_only_here()),
                verified: app.store().verified().filter(|_| own).map(Verified::from),
            }
        })
        .collect();
    sites.sort_by(|a, b| (a.role as u8, &a.name, &a.id).cmp(&(b.role as u8, &b.name, &b.id)));
    sites
}

fn is(state: LinkState) -> SiteLink {
    SiteLink {
        state,
        since: None,
        via: None,
        catching_up: None,
    }
}

fn link(peer: Option<&PeerStatus>) -> SiteLink {
    let up = peer.filter(|peer| peer.state == PeerState::Up);
    SiteLink {
        state: if up.is_some() {
            LinkState::Up
        } else {
            LinkState::Down
        },
        since: peer.and_then(|peer| peer.since_ms),
        via: up.and_then(|peer| peer.via).map(|via| match via {
            Via::Direct => LinkVia::Direct,
            Via::Hub => LinkVia::Hub,
        }),
        catching_up: up.and_then(|peer| peer.progress).and_then(catching_up),
    }
}

fn catching_up(progress: Progress) -> Option<CatchingUp> {
    let lag = |lag: session::Lag| Lag {
        missing: if lag.of == 0 { 0 } else { lag.missing },
        of: lag.of,
    };
    let shown = CatchingUp {
        incoming: lag(progress.incoming),
        outgoing: lag(progress.outgoing),
    };
    (shown.incoming.of > 0 || shown.outgoing.of > 0).then_some(shown)
}
