//! Real QUIC on loopback, real stores in temporary folders.

mod all {
    mod joining;
    mod media;
    mod refusing;
    mod syncing;
    mod world;
}
