//! Engines with native WebRTC peers, a scripted camera and in-process links, all on loopback.

#[path = "all/camera.rs"]
mod camera;
#[path = "all/native.rs"]
mod native;
#[path = "all/watching.rs"]
mod watching;

use std::future::Future;
use std::time::Duration;

/// Waits until `state` gives a value; the time-out names the last `describe`d state.
pub async fn eventually<T, F, Fut>(what: &str, mut state: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, String>>,
{
    let mut last = String::new();
    for _ in 0..2_000 {
        match state().await {
            Ok(value) => return value,
            Err(described) => last = described,
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not happen; last seen: {last}");
}
