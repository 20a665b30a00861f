//! Runs a site until it is told to stop, then stops it in order.

use crate::api::sites;
use crate::app::App;
use crate::http::Peer;
use crate::listener::Door;
use crate::router::router;
use crate::{blobs, cameras, consult, witness};
use std::future::Future;
use std::io;
use std::time::Duration;
use store::StoreError;
use tokio::task::JoinSet;

/// Requests under way get so long to finish.
const GRACE: Duration = Duration::from_secs(5);
/// Ended sessions are deleted so often, ms; until then they only take room.
const PURGE_EVERY_MS: i64 = 3_600_000;

/// Why a site does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configured cameras could not be written into the journal.
    #[error("the cameras of this site could not be registered")]
    Cameras(#[source] StoreError),
    /// Listening failed.
    #[error("serving browsers failed")]
    Http(#[source] io::Error),
}

/// Serves browsers at `door` until `shutdown` resolves. Then: no new requests, feeds are closed,
/// requests under way finish within 5 s, links and media engine stop. The store is closed when
/// the last [`App`] is dropped.
///
/// # Errors
/// [`ServeError`]; the site is stopped then too.
pub async fn serve(
    app: App,
    door: Door,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let served = run(&app, door, shutdown).await;
    app.close().await;
    served
}

async fn run(
    app: &App,
    door: Door,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    cameras::register::register(app)
        .await
        .map_err(ServeError::Cameras)?;
    let mut jobs = start_jobs(app);
    let service = router(app.clone()).into_make_service_with_connect_info::<Peer>();
    let http = axum::serve(door, service).with_graceful_shutdown(app.stop_signal());
    let mut http = std::pin::pin!(http.into_future());
    let served = tokio::select! {
        ended = &mut http => ended,
        () = shutdown => {
            app.stop();
            match tokio::time::timeout(GRACE, &mut http).await {
                Ok(ended) => ended,
                Err(_) => {
                    tracing::warn!("some requests did not finish in time and were cut");
                    Ok(())
                }
            }
        }
    };
    app.stop();
    while let Some(ended) = jobs.join_next().await {
        if let Err(error) = ended {
            tracing::error!(error = &error as &dyn std::error::Error, "a job failed");
        }
    }
    served.map_err(ServeError::Http)
}

/// What runs beside the requests; every job ends when the site stops.
fn start_jobs(app: &App) -> JoinSet<()> {
    app.engine()
        .set_admission(cameras::admission::admission(app));
    let mut jobs = JoinSet::new();
    jobs.spawn(cameras::routes::run(app.clone()));
    jobs.spawn(cameras::states::run(app.clone()));
    jobs.spawn(consult::presence::run(app.clone()));
    jobs.spawn(report_sites(app.clone()));
    jobs.spawn(purge_sessions(app.clone()));
    jobs.spawn(witness::run(app.clone()));
    jobs.spawn(blobs::tidy::run(app.clone()));
    jobs
}

/// Tells the feed when a link, a site or the number of bundles held only here changes.
async fn report_sites(app: App) {
    let mut store = app.store().changed();
    let mut links = app
        .links()
        .map(|links| (links.peers(), links.copies_changed()));
    loop {
        app.live().set_sites(sites::sites(&app));
        let links_changed = async {
            let Some((peers, copies)) = &mut links else {
                return std::future::pending().await;
            };
            tokio::select! {
                changed = peers.changed() => changed.is_ok(),
                changed = copies.changed() => changed.is_ok(),
            }
        };
        let goes_on = tokio::select! {
            () = app.stopped() => false,
            changed = store.changed() => changed.is_ok(),
            changed = links_changed => changed,
        };
        if !goes_on {
            return;
        }
    }
}

async fn purge_sessions(app: App) {
    loop {
        let now = app.clock().now_ms();
        if let Err(error) = app.store().purge_sessions(now).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "ended sessions could not be deleted"
            );
        }
        tokio::select! {
            () = app.stopped() => return,
            () = app.clock().wait_until(now + PURGE_EVERY_MS) => {}
        }
    }
}
