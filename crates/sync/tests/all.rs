//! Real QUIC on loopback, real stores in temporary folders.

#[expect(clippy::unwrap_used, reason = "a test may fail where it stands")]
mod all {
    mod blobs;
    mod carrying;
    mod crowding;
    mod forking;
    mod joining;
    mod media;
    mod refusing;
    mod rules;
    mod scrubbing;
    mod syncing;
    mod world;
}
