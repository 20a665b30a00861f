//! Makes cargo notice when `web/dist`, which [`rust_embed`] embeds, was built anew.

use std::path::Path;

fn main() {
    let dist = Path::new("../../web/dist");
    // A path that does not exist would make cargo rebuild this crate every time, so until the
    // app is built its parent is watched, where `dist` will appear.
    let watched = if dist.exists() {
        dist
    } else {
        Path::new("../../web")
    };
    println!("cargo::rerun-if-changed={}", watched.display());
    println!("cargo::rerun-if-changed=build.rs");
}
