//! Fan-out of one source and layer: from its one origin to workers and links.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use tokio::sync::watch;

use crate::api::{Layer, SourceId, SourceStats};
use crate::forward::KeyThrottle;
use crate::frame::{Codec, Frame, Kind, Packet};
use crate::gop::Gop;

/// Takes a frame without waiting; false when there is no room for it.
pub(crate) type Sink = Box<dyn Fn(&Arc<Frame>) -> bool + Send>;
/// Asks the origin for a key frame.
pub(crate) type KeyAsk = Box<dyn Fn() + Send>;

/// What a source sends; a track that is absent is not negotiated with viewers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tracks {
    pub(crate) video: Option<Codec>,
    pub(crate) audio: Option<Codec>,
}

/// A frame as an origin hands it in.
pub(crate) struct Input {
    pub(crate) codec: Codec,
    pub(crate) key: bool,
    pub(crate) timestamp: u32,
    pub(crate) packets: Vec<Packet>,
    pub(crate) after_loss: bool,
    pub(crate) catch_up: bool,
}

/// One source and layer.
pub(crate) struct Hub {
    pub(crate) id: u64,
    pub(crate) source: SourceId,
    pub(crate) layer: Layer,
    inner: Mutex<Inner>,
    /// Grows with each change of the viewers; origins wait on it.
    demand: watch::Sender<u64>,
    pub(crate) pulls: AtomicU64,
    pub(crate) packets_out: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    frames_in: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

#[derive(Default)]
struct Inner {
    tracks: Tracks,
    epoch: u32,
    next_index: [u64; 2],
    gop: Gop,
    sinks: Vec<(u64, Sink)>,
    next_id: u64,
    viewers: BTreeMap<u64, Vec<String>>,
    throttle: KeyThrottle,
    key_ask: Option<KeyAsk>,
}

static NEXT_HUB: AtomicUsize = AtomicUsize::new(1);

impl Hub {
    pub(crate) fn new(source: SourceId, layer: Layer, tracks: Tracks) -> Arc<Self> {
        let id = NEXT_HUB.fetch_add(1, Ordering::Relaxed) as u64;
        // Indices begin at 1: a forwarder rewinds to 0, below every frame.
        let inner = Inner {
            tracks,
            next_index: [1, 1],
            ..Inner::default()
        };
        Arc::new(Self {
            id,
            source,
            layer,
            inner: Mutex::new(inner),
            demand: watch::Sender::new(0),
            pulls: AtomicU64::new(0),
            packets_out: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            frames_in: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while holding the lock leaves at worst one frame half handed out.
        self.inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn tracks(&self) -> Tracks {
        self.lock().tracks
    }

    pub(crate) fn set_tracks(&self, tracks: Tracks) {
        self.lock().tracks = tracks;
    }

    /// The origin begins anew: its timestamps are not comparable with the earlier ones.
    pub(crate) fn restart(&self) {
        let mut inner = self.lock();
        inner.epoch = inner.epoch.wrapping_add(1);
        inner.next_index.iter_mut().for_each(|index| *index += 1);
        inner.gop.clear();
        self.pulls.fetch_add(1, Ordering::Relaxed);
    }

    /// The origin is gone: nobody may be shown its last pictures as live ones.
    pub(crate) fn forget_pictures(&self) {
        self.lock().gop.clear();
    }

    /// Hands a frame to every sink.
    pub(crate) fn push(&self, input: Input) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let slot = &mut inner.next_index[usize::from(input.codec.kind() == Kind::Video)];
        *slot += u64::from(input.after_loss);
        let frame = Arc::new(Frame {
            codec: input.codec,
            epoch: inner.epoch,
            index: *slot,
            key: input.key,
            catch_up: input.catch_up,
            timestamp: input.timestamp,
            packets: input.packets,
        });
        *slot += 1;
        self.frames_in.fetch_add(1, Ordering::Relaxed);
        if input.codec.kind() == Kind::Video {
            inner.gop.push(&frame);
        }
        for (_, sink) in &inner.sinks {
            if !sink(&frame) {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Adds a sink. It gets every frame after those of the returned cache.
    pub(crate) fn attach(&self, sink: Sink) -> (u64, Vec<Arc<Frame>>) {
        let mut inner = self.lock();
        let id = inner.next_id;
        inner.next_id += 1;
        inner.sinks.push((id, sink));
        (id, inner.gop.frames().to_vec())
    }

    pub(crate) fn detach(&self, id: u64) {
        self.lock().sinks.retain(|(other, _)| *other != id);
    }

    /// The frames a new viewer is sent at once.
    pub(crate) fn cache(&self) -> Vec<Arc<Frame>> {
        self.lock().gop.frames().to_vec()
    }

    pub(crate) fn set_key_ask(&self, ask: Option<KeyAsk>) {
        self.lock().key_ask = ask;
    }

    /// Whether the origin makes key frames when asked (cameras over RTSP do not).
    pub(crate) fn makes_keys(&self) -> bool {
        self.lock().key_ask.is_some()
    }

    /// Passes a key-frame request on, unless one was just passed on.
    pub(crate) fn request_key(&self, now: Instant) {
        let mut inner = self.lock();
        if inner.key_ask.is_none() || !inner.throttle.ask(now) {
            return;
        }
        if let Some(ask) = &inner.key_ask {
            ask();
        }
    }

    /// Counts these people as viewers for as long as the guard lives.
    pub(crate) fn viewer(self: &Arc<Self>, names: Vec<String>) -> ViewerGuard {
        let mut inner = self.lock();
        let id = inner.next_id;
        inner.next_id += 1;
        inner.viewers.insert(id, names);
        drop(inner);
        self.demand.send_modify(|revision| *revision += 1);
        ViewerGuard {
            hub: Arc::clone(self),
            id,
        }
    }

    pub(crate) fn viewers(&self) -> Vec<String> {
        self.lock().viewers.values().flatten().cloned().collect()
    }

    pub(crate) fn viewer_count(&self) -> usize {
        self.lock()
            .viewers
            .values()
            .map(|names| names.len().max(1))
            .sum()
    }

    /// Whether anybody watches; a link counts even when it names nobody.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.lock().viewers.is_empty()
    }

    pub(crate) fn demand(&self) -> watch::Receiver<u64> {
        self.demand.subscribe()
    }

    pub(crate) fn stats(&self) -> SourceStats {
        SourceStats {
            viewers: self.viewer_count(),
            pulls: self.pulls.load(Ordering::Relaxed),
            frames_in: self.frames_in.load(Ordering::Relaxed),
            packets_out: self.packets_out.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
        }
    }
}

/// Counts as viewers of a hub until dropped.
pub(crate) struct ViewerGuard {
    hub: Arc<Hub>,
    id: u64,
}

impl ViewerGuard {
    /// Other people watch through the same guard now.
    pub(crate) fn rename(&self, names: Vec<String>) {
        if let Some(entry) = self.hub.lock().viewers.get_mut(&self.id) {
            *entry = names;
        }
        self.hub.demand.send_modify(|revision| *revision += 1);
    }
}

impl Drop for ViewerGuard {
    fn drop(&mut self) {
        self.hub.lock().viewers.remove(&self.id);
        self.hub.demand.send_modify(|revision| *revision += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_frame() -> Input {
        Input {
            codec: Codec::H264,
            key: true,
            timestamp: 0,
            packets: Vec::new(),
            after_loss: false,
            catch_up: false,
        }
    }

    #[test]
    fn pictures_of_a_pull_that_ended_are_never_shown_as_live() {
        let hub = Hub::new([1; 16], Layer::Main, Tracks::default());
        hub.push(key_frame());
        assert_eq!(hub.cache().len(), 1);
        hub.forget_pictures();
        assert!(hub.cache().is_empty());
    }
}
