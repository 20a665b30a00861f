//! Engines with native WebRTC peers, a scripted camera and in-process links, all on loopback.

#[path = "all/camera.rs"]
mod camera;
#[path = "all/native.rs"]
mod native;
#[path = "all/relaying.rs"]
mod relaying;
#[path = "all/watching.rs"]
mod watching;

use std::future::Future;
use std::time::Duration;

use media::MediaEvent;
use tokio::sync::broadcast;

/// Waits until `state` gives a value; the time-out names the last `describe`d state.
pub(crate) async fn eventually<T, F, Fut>(what: &str, mut state: F) -> T
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

/// Waits for an event that `wanted` turns into a value.
pub(crate) async fn event<T>(
    events: &mut broadcast::Receiver<MediaEvent>,
    what: &str,
    wanted: impl Fn(&MediaEvent) -> Option<T>,
) -> T {
    let found = async {
        loop {
            let event = events
                .recv()
                .await
                .expect("the engine lives and few events come");
            if let Some(value) = wanted(&event) {
                return value;
            }
        }
    };
    let patience = Duration::from_secs(40);
    tokio::time::timeout(patience, found)
        .await
        .unwrap_or_else(|_| panic!("no event: {what}"))
}
