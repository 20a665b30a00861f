//! `dutyroom serve`.

use crate::config::{Camera, Config};
use crate::{cli, logging, site};
use anyhow::Context as _;
use media::{CameraConfig, Engine, EngineConfig};
use records::id::{RecordId, SiteId};
use serde_json::json;
use server::auth::origin::Addresses;
use server::clock::Clock;
use server::listener::{Door, Tls};
use server::random::Random;
use server::{App, CameraSettings, Parts, Settings};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use store::Store;
use sync::identity::Identity;
use sync::links::{LinkConfig, Links};
use tokio::signal::unix::{SignalKind, signal};

/// Threads that send pictures. One UDP port each, so that a firewall opens one port.
const MEDIA_WORKERS: usize = 1;
const MAX_VIEWERS: usize = 200;

pub(crate) async fn run(args: cli::Serve) -> anyhow::Result<ExitCode> {
    let config = Config::read(&args.config)?;
    logging::start(&config.log)?;
    // Listened to from here on, so that a stop during the start is heeded too.
    let stop = stop_signal()?;
    let (random, clock) = (Random::system(), Clock::system());
    let (identity, store) = site::open(&config.data, &random).await?;
    store.set_blob_limits(config.blobs.limits());
    let door = open_door(&config, &identity).await?;
    let engine = start_engine(&config, &identity)?;
    let links = start_links(&config, &identity, &store, &clock).await?;
    let ready = json!({
        "ready": true,
        "site": identity.site().to_string(),
        "http": door.url(),
        "link": links.as_ref().map(|links| links.local_addr().to_string()),
    });
    let site = identity.site();
    let app = App::new(Parts {
        store,
        engine,
        links,
        settings: settings(&config, site, &door),
        identity,
        clock,
        random,
    })?;
    tracing::info!(site.id = %site, "site {site} serves browsers at {}", door.url());
    let announce = args.ready_json.then_some(ready);
    server::serve(app, door, async move {
        if let Some(line) = announce {
            // A reader that is gone does not stop the site.
            let _written = writeln!(std::io::stdout(), "{line}");
        }
        stop.await;
        tracing::info!(site.id = %site, "site {site} stops");
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn open_door(config: &Config, identity: &Identity) -> anyhow::Result<Door> {
    let listen = config.http.listen;
    let tls = match &config.http.tls {
        Some(files) => Some(Tls::of_files(&files.certificate, &files.key)?),
        None if listen.ip().to_canonical().is_loopback() => None,
        None => Some(Tls::of_identity(identity)?),
    };
    Ok(Door::open(listen, tls).await?)
}

fn start_engine(config: &Config, identity: &Identity) -> anyhow::Result<Engine> {
    let media = &config.media;
    let engine = Engine::start(EngineConfig {
        site: identity.site().0,
        listen: media.listen,
        advertise: media.advertise.clone(),
        camera_networks: media.camera_networks.iter().map(|net| net.0).collect(),
        workers: MEDIA_WORKERS,
        max_viewers: MAX_VIEWERS,
    })?;
    let cameras = config.cameras.iter().map(|camera| CameraConfig {
        id: camera_id(identity.site(), camera),
        main: camera.rtsp.0.0.clone(),
        sub: camera.sub.as_ref().map(|sub| sub.0.0.clone()),
        username: camera.username.clone(),
        password: camera.password.clone(),
    });
    engine.set_cameras(cameras.collect());
    Ok(engine)
}

async fn start_links(
    config: &Config,
    identity: &Arc<Identity>,
    store: &Store,
    clock: &Clock,
) -> anyhow::Result<Option<Links>> {
    let Some(link) = &config.link else {
        return Ok(None);
    };
    let clock = clock.clone();
    let links = Links::start(
        LinkConfig {
            identity: Arc::clone(identity),
            listen: link.listen,
            dial: link.dial.iter().map(|dial| dial.0.0.clone()).collect(),
            advertise: link.advertise.as_ref().map(|host| host.0.0.clone()),
            direct: link.direct.iter().map(|host| host.0.0.clone()).collect(),
            transport: link.transport()?,
            wall: Arc::new(move || clock.now_ms()),
        },
        store.clone(),
    )
    .await
    .with_context(|| format!("links on {} cannot be started", link.listen))?;
    Ok(Some(links))
}

fn settings(config: &Config, site: SiteId, door: &Door) -> Settings {
    let public = config.http.public_addresses.iter();
    let cameras = config.cameras.iter().map(|camera| CameraSettings {
        id: camera_id(site, camera),
        name: camera.name.clone(),
        place: camera.place.clone(),
    });
    Settings {
        addresses: Addresses {
            tls: door.is_tls(),
            public: public.map(|origin| origin.0.0.clone()).collect(),
        },
        cameras: cameras.collect(),
        max_upload: config.blobs.max_upload.0.0,
    }
}

/// A record id of this site with the first 8 bytes of the hash of site and key: the same camera
/// for ever.
fn camera_id(site: SiteId, camera: &Camera) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&site.0);
    hasher.update(camera.key.as_bytes());
    let mut unique = [0; 8];
    hasher.finalize_xof().fill(&mut unique);
    RecordId::new(site, unique).0
}
