//! What each camera is doing, both streams put together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::api::{CameraStatus, Layer, MediaEvent, Reason, SourceId, SourceState};
use crate::frame::Codec;
use crate::hub::Hub;
use crate::session::Sessions;

/// The state of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StreamStatus {
    pub(super) state: SourceState,
    pub(super) reason: Option<Reason>,
    pub(super) since: u64,
    pub(super) codec: Option<Codec>,
    pub(super) size: Option<(u32, u32)>,
}

struct Entry {
    streams: BTreeMap<Layer, (Arc<Hub>, StreamStatus)>,
    told: Option<CameraStatus>,
}

/// All cameras of the site.
pub(crate) struct Board {
    cameras: Mutex<BTreeMap<SourceId, Entry>>,
    sessions: Arc<Sessions>,
}

impl Board {
    pub(crate) fn new(sessions: Arc<Sessions>) -> Arc<Self> {
        Arc::new(Self {
            cameras: Mutex::default(),
            sessions,
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SourceId, Entry>> {
        self.cameras
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn list(&self) -> Vec<CameraStatus> {
        self.lock()
            .iter()
            .filter_map(|(id, entry)| entry.status(*id))
            .collect()
    }

    pub(crate) fn get(&self, id: &SourceId) -> Option<CameraStatus> {
        self.lock().get(id)?.status(*id)
    }

    pub(crate) fn remove(&self, id: &SourceId) {
        self.lock().remove(id);
    }

    /// Puts a stream on the board, or updates it, and tells who listens when the camera's status
    /// is another one now.
    pub(super) fn update(&self, hub: &Arc<Hub>, status: StreamStatus) {
        let mut cameras = self.lock();
        let entry = cameras.entry(hub.source).or_insert_with(|| Entry {
            streams: BTreeMap::new(),
            told: None,
        });
        entry.streams.insert(hub.layer, (Arc::clone(hub), status));
        let now = entry.status(hub.source);
        if now == entry.told {
            return;
        }
        entry.told.clone_from(&now);
        drop(cameras);
        if let Some(status) = now {
            self.sessions.announce(MediaEvent::CameraChanged(status));
        }
    }
}

impl Entry {
    fn status(&self, id: SourceId) -> Option<CameraStatus> {
        let main = self.streams.get(&Layer::Main);
        let sub = self.streams.get(&Layer::Sub);
        let idle = |stream: &&(Arc<Hub>, StreamStatus)| stream.1.state == SourceState::Idle;
        let shown = if main.as_ref().is_none_or(idle) {
            sub.or(main)
        } else {
            main
        };
        let (_, shown) = shown.filter(|stream| !idle(stream)).or(main).or(sub)?;
        Some(CameraStatus {
            id,
            state: shown.state,
            reason: shown.reason,
            since: shown.since,
            viewers: self
                .streams
                .values()
                .map(|(hub, _)| hub.viewer_count())
                .sum(),
            codec: shown.codec,
            width: shown.size.map(|(width, _)| width),
            height: shown.size.map(|(_, height)| height),
        })
    }
}
