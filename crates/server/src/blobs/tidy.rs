//! The job that keeps blobs tidy.

use crate::app::App;
use tokio::sync::watch;

const EVERY_MS: i64 = 3_600_000;

/// Drops what was given up half-way or uploaded and never attached, and sweeps what a crash or an erasure has left: at
/// the start, every hour, and whenever the institution has decided something.
pub async fn run(app: App) {
    let mut changed = app.store().changed();
    loop {
        let decided = app.store().trust().seq();
        let now = app.clock().now_ms();
        app.unfinished().sweep(now);
        match app.store().tidy_blobs(now).await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "blobs that nobody has attached were removed"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "blobs could not be tidied");
            }
        }
        tokio::select! {
            () = app.stopped() => return,
            () = app.clock().wait_until(now + EVERY_MS) => {}
            () = decision(&app, &mut changed, decided) => {}
        }
    }
}

/// Returns once the institution journal stands elsewhere than at `seq`.
async fn decision(app: &App, changed: &mut watch::Receiver<u64>, seq: u64) {
    while app.store().trust().seq() == seq {
        if changed.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}
