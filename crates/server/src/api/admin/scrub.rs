//! `POST /api/v1/admin/scrub`: read the own disk and compare with every linked site, now.

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::json::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use sync::links::Links;
use sync::scrub::Report;
use utoipa::ToSchema;

/// How checks and comparisons have gone since start.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Scrub {
    /// One was asked for and has not begun to compare.
    pub asked: bool,
    /// Bundles read so far by the check under way.
    pub checking: Option<u64>,
    /// The last reading of the own disk.
    pub check: Option<DiskCheck>,
    /// Places known whose bundle is lost or damaged.
    pub holes: u64,
    /// The last comparison with each site.
    pub peers: Vec<Comparison>,
}

/// A reading of the own disk.
#[derive(Debug, Serialize, ToSchema)]
pub struct DiskCheck {
    /// When it began, ms since the epoch.
    pub at: i64,
    /// How long it took, ms.
    pub took_ms: u64,
    /// Bundles read.
    pub bundles: u64,
    /// Places found lost or damaged.
    pub holes: u64,
}

/// A comparison of everything held with another site.
#[derive(Debug, Serialize, ToSchema)]
pub struct Comparison {
    /// The other site.
    pub site: String,
    /// When it began, ms since the epoch.
    pub at: i64,
    /// How long it took, ms.
    pub took_ms: u64,
    /// The other site answered to the end.
    pub complete: bool,
    /// Questions asked.
    pub rounds: u32,
    /// Bytes of the comparison, both ways.
    pub bytes: u64,
    /// Bundles that only the other site had.
    pub missing_here: u64,
    /// Bundles that only this site had.
    pub missing_there: u64,
    /// Put in place here.
    pub mended_here: u64,
    /// Put in place there.
    pub mended_there: u64,
}

/// Reads the own disk for lost and damaged bundles and compares everything with linked sites.
#[utoipa::path(
    post,
    path = "/api/v1/admin/scrub",
    operation_id = "scrub",
    tag = "admin",
    responses((status = 202, body = Scrub))
)]
pub async fn scrub(State(app): State<App>) -> Result<(StatusCode, Json<Scrub>), ApiError> {
    let links = app.links().ok_or_else(|| {
        ApiError::new(Code::ConflictState, "this site has no links to other sites")
    })?;
    links.scrub();
    Ok((StatusCode::ACCEPTED, Json(state(&app))))
}

/// How checks and comparisons have gone since start.
#[must_use]
pub fn state(app: &App) -> Scrub {
    let holes = app.store().holes_known();
    let Some(status) = app.links().map(Links::scrubs) else {
        return Scrub {
            holes,
            ..Scrub::default()
        };
    };
    let status = status.borrow();
    Scrub {
        asked: status.asked,
        checking: status.checking,
        check: status.check.map(|check| DiskCheck {
            at: check.at_ms,
            took_ms: check.took_ms,
            bundles: check.bundles,
            holes: check.holes,
        }),
        holes,
        peers: status
            .peers
            .iter()
            .map(|(site, report)| comparison(site.to_string(), report))
            .collect(),
    }
}

fn comparison(site: String, report: &Report) -> Comparison {
    Comparison {
        site,
        at: report.at_ms,
        took_ms: report.took_ms,
        complete: report.complete,
        rounds: report.rounds,
        bytes: report.sent + report.received,
        missing_here: report.missing_here,
        missing_there: report.missing_there,
        mended_here: report.mended_here,
        mended_there: report.mended_there,
    }
}
