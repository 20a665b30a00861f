//! The local cameras of an engine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use retina::client::SessionGroup;
use tokio::task::JoinHandle;

use crate::api::{CameraConfig, Layer, SourceId};
use crate::camera::{Board, Stream, spawn};
use crate::frame::Codec;
use crate::hub::{Hub, Tracks};
use crate::session::Sessions;

pub(super) struct Cameras {
    open: Mutex<HashMap<SourceId, Camera>>,
    pub(super) board: Arc<Board>,
    networks: Arc<[IpNet]>,
    group: Arc<SessionGroup>,
}

struct Camera {
    config: CameraConfig,
    streams: Vec<Running>,
}

struct Running {
    hub: Arc<Hub>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Cameras {
    pub(super) fn new(networks: &[IpNet], sessions: &Arc<Sessions>) -> Self {
        Self {
            open: Mutex::default(),
            board: Board::new(Arc::clone(sessions)),
            networks: networks.into(),
            group: Arc::new(SessionGroup::default()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SourceId, Camera>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the list the present one; gives back the hubs that are no more.
    pub(super) fn replace(&self, configs: Vec<CameraConfig>) -> Vec<u64> {
        let mut open = self.lock();
        let mut ended = Vec::new();
        open.retain(|id, camera| {
            let kept = configs
                .iter()
                .any(|config| config.id == *id && same(config, &camera.config));
            if !kept {
                ended.extend(camera.streams.iter().map(|stream| stream.hub.id));
                self.board.remove(id);
            }
            kept
        });
        for config in configs {
            open.entry(config.id).or_insert_with(|| {
                let streams = self.start(&config);
                Camera { config, streams }
            });
        }
        ended
    }

    fn start(&self, config: &CameraConfig) -> Vec<Running> {
        let urls = [
            (Layer::Main, Some(&config.main)),
            (Layer::Sub, config.sub.as_ref()),
        ];
        let streams = urls
            .into_iter()
            .filter_map(|(layer, url)| Some((layer, url?)));
        streams
            .map(|(layer, url)| {
                // Known for sure only after DESCRIBE, but an answer that waited for a cold camera
                // would cost the viewer that time. Another codec ends as "codec_unsupported".
                let tracks = Tracks {
                    video: Some(Codec::H264),
                    audio: None,
                };
                let hub = Hub::new(config.id, layer, tracks);
                let stream = Stream {
                    hub: Arc::clone(&hub),
                    url: url.clone(),
                    networks: Arc::clone(&self.networks),
                    group: Arc::clone(&self.group),
                };
                Running {
                    hub,
                    task: spawn(stream, config, Arc::clone(&self.board)),
                }
            })
            .collect()
    }

    /// The hub of a layer; of the main one for a camera that has no other.
    pub(super) fn hub(&self, id: &SourceId, layer: Layer) -> Option<Arc<Hub>> {
        let open = self.lock();
        let streams = &open.get(id)?.streams;
        let exact = streams.iter().find(|stream| stream.hub.layer == layer);
        exact
            .or(streams.first())
            .map(|stream| Arc::clone(&stream.hub))
    }

    pub(super) fn hubs(&self) -> Vec<Arc<Hub>> {
        let open = self.lock();
        open.values()
            .flat_map(|camera| &camera.streams)
            .map(|s| Arc::clone(&s.hub))
            .collect()
    }

    pub(super) fn stop(&self) {
        self.lock().clear();
    }
}

fn same(a: &CameraConfig, b: &CameraConfig) -> bool {
    (&a.main, &a.sub, &a.username, &a.password) == (&b.main, &b.sub, &b.username, &b.password)
}
