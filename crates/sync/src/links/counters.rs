//! What `/metrics` counts.

use crate::status::{Counts, StreamBytes};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) frames_in: AtomicU64,
    pub(super) frames_out: AtomicU64,
    pub(super) bytes_in: AtomicU64,
    pub(super) bytes_out: AtomicU64,
    pub(super) refused_peers: AtomicU64,
    pub(super) garbage: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) reconnects: AtomicU64,
    pub(super) refused_joins: AtomicU64,
    pub(super) blob_bytes_in: AtomicU64,
    pub(super) blob_bytes_out: AtomicU64,
    pub(super) blobs_fetched: AtomicU64,
    pub(super) blob_lies: AtomicU64,
    pub(super) datagrams_out: AtomicU64,
    pub(super) datagrams_in: AtomicU64,
    pub(super) datagrams_dropped: AtomicU64,
}

pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Counters {
    pub(super) fn counts(&self) -> Counts {
        Counts {
            sync_bytes_in: get(&self.bytes_in),
            sync_bytes_out: get(&self.bytes_out),
            sync_frames_in: get(&self.frames_in),
            sync_frames_out: get(&self.frames_out),
            refused_peers: get(&self.refused_peers),
            garbage: get(&self.garbage),
            duplicate_bundles: get(&self.duplicates),
            reconnects: get(&self.reconnects),
            refused_joins: get(&self.refused_joins),
            blob_bytes_in: get(&self.blob_bytes_in),
            blob_bytes_out: get(&self.blob_bytes_out),
            blobs_fetched: get(&self.blobs_fetched),
            blob_lies: get(&self.blob_lies),
            media_datagrams_out: get(&self.datagrams_out),
            media_datagrams_in: get(&self.datagrams_in),
            media_datagrams_dropped: get(&self.datagrams_dropped),
        }
    }
}

/// Bytes on the stream of one link.
#[derive(Debug, Default)]
pub(super) struct LinkBytes {
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
}

impl LinkBytes {
    pub(super) fn get(&self) -> StreamBytes {
        StreamBytes {
            received: get(&self.received),
            sent: get(&self.sent),
        }
    }
}
