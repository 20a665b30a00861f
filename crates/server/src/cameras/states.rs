//! What each camera is doing, for the page and the feed.

use super::register;
use crate::api::shapes::Camera;
use crate::app::App;
use media::{CameraStatus, MediaEvent, Reason, RemoteStatus, SourceState};
use records::id::RecordId;
use store::StoreError;
use sync::status::PeerState;
use tokio::sync::broadcast::error::RecvError;

/// Reports camera states to the feed as they change, until the site stops.
pub async fn run(app: App) {
    let mut events = app.engine().events();
    let mut records = app.store().changed();
    let mut peers = app.links().map(sync::links::Links::peers);
    loop {
        if let Err(error) = report(&app).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "camera states failed"
            );
        }
        tokio::select! {
            () = app.stopped() => return,
            () = camera_event(&mut events) => {}
            changed = records.changed() => if changed.is_err() { return },
            () = peers_changed(&mut peers) => {}
        }
    }
}

async fn report(app: &App) -> Result<(), StoreError> {
    for camera in list(app).await? {
        app.live().set_camera(camera);
    }
    Ok(())
}

/// Returns after the next event that may change a camera's state.
async fn camera_event(events: &mut tokio::sync::broadcast::Receiver<MediaEvent>) {
    loop {
        match events.recv().await {
            Ok(MediaEvent::CameraChanged(_) | MediaEvent::RemoteChanged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn peers_changed(
    peers: &mut Option<tokio::sync::watch::Receiver<Vec<sync::status::PeerStatus>>>,
) {
    let changed = match peers {
        Some(peers) => peers.changed().await.is_ok(),
        None => false,
    };
    if !changed {
        std::future::pending::<()>().await;
    }
}

/// Every camera in use, of all sites, as it stands now.
///
/// # Errors
/// What the store says.
pub async fn list(app: &App) -> Result<Vec<Camera>, StoreError> {
    let local = app.engine().cameras();
    let remote = app.engine().remotes();
    let mut cameras = Vec::new();
    for row in register::all(app).await? {
        let Some(stored) = app.store().record(row.id).await? else {
            continue;
        };
        if register::is_retired(&stored.record) {
            continue;
        }
        let mut camera = Camera {
            id: row.id.to_string(),
            site: row.site.to_string(),
            name: stored.record.text("name").to_owned(),
            place: stored.record.text("place").to_owned(),
            state: SourceState::Idle.code().to_owned(),
            reason: None,
            since: row.recorded_at,
            viewers: 0,
            codec: None,
            width: None,
            height: None,
            local: row.site == app.site().id,
        };
        if camera.local {
            apply_local(&mut camera, row.id, &local);
        } else {
            apply_remote(&mut camera, row.id, &remote, reachable(app, row.site));
        }
        cameras.push(camera);
    }
    cameras.sort_by(|a, b| (!a.local, &a.site, &a.name).cmp(&(!b.local, &b.site, &b.name)));
    Ok(cameras)
}

fn apply_local(camera: &mut Camera, id: RecordId, local: &[CameraStatus]) {
    let Some(status) = local.iter().find(|status| status.id == id.0) else {
        return;
    };
    camera.state = status.state.code().to_owned();
    camera.reason = status.reason.map(|reason| reason.code().to_owned());
    camera.since = i64::try_from(status.since).unwrap_or(i64::MAX);
    camera.viewers = status.viewers as u64;
    camera.codec = status.codec.map(|codec| codec.name().to_owned());
    camera.width = status.width;
    camera.height = status.height;
}

fn apply_remote(camera: &mut Camera, id: RecordId, remote: &[RemoteStatus], reachable: bool) {
    if !reachable {
        camera.state = SourceState::Unreachable.code().to_owned();
        camera.reason = Some(Reason::SiteUnreachable.code().to_owned());
    }
    for status in remote.iter().filter(|status| status.source == id.0) {
        camera.state = status.state.code().to_owned();
        camera.reason = status.reason.map(|reason| reason.code().to_owned());
        camera.viewers += status.viewers as u64;
    }
}

fn reachable(app: &App, site: records::id::SiteId) -> bool {
    app.links().is_some_and(|links| {
        let peers = links.peers();
        let peers = peers.borrow();
        peers
            .iter()
            .any(|peer| peer.site == site && peer.state == PeerState::Up)
    })
}
