//! Signs what this site has seen of the others in idle hours, and when it stops.
//!
//! [`records::witness`] decides; this job tells it the time and writes.

use crate::app::App;
use crate::cameras::register::SITE_ITSELF;
use records::id::{ActionId, TerminalId};
use records::witness::{Next, Seen, Watch};
use store::{Action, StoreError};

/// While something is due, or could not be written, it is looked at so often, ms.
const LOOK_MS: u64 = 60_000;

/// Runs until the site stops.
pub(crate) async fn run(app: App) {
    let mut changed = app.store().changed();
    let mut watch = Watch::new(own_seq(&app), app.clock().uptime_ms());
    loop {
        let seen = Seen {
            own_seq: own_seq(&app),
            unwitnessed: app.store().unwitnessed(),
        };
        let next = watch.next(seen, app.clock().uptime_ms());
        if next == Next::Write && write(&app).await.is_ok() {
            continue;
        }
        let wait_ms = match next {
            Next::Rest => None,
            Next::Write => Some(LOOK_MS),
            Next::At(at_ms) => Some(at_ms.saturating_sub(app.clock().uptime_ms())),
        };
        let due = async {
            match wait_ms {
                // In slices: the wait is told in wall time, which may be stepped back.
                Some(ms) => {
                    let slice = i64::try_from(ms.min(LOOK_MS)).unwrap_or(i64::MAX);
                    app.clock().wait_until(app.clock().now_ms() + slice).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = app.stopped() => break,
            () = due => {}
            change = changed.changed() => if change.is_err() { return },
        }
    }
    // The night may be long: what is seen by now is signed now.
    let _said = write(&app).await;
}

fn own_seq(app: &App) -> u64 {
    let own = app.store().own_journal();
    let heads = app.store().frontier().into_iter();
    let mut own = heads.filter(|head| Some(head.journal) == own);
    own.next().map_or(0, |head| head.seq)
}

async fn write(app: &App) -> Result<(), StoreError> {
    let action = Action {
        action: ActionId(app.random().bytes()),
        account: SITE_ITSELF,
        terminal: TerminalId::default(),
        wall_ms: app.clock().now_ms(),
        uptime_ms: app.clock().uptime_ms(),
        hub_offset_ms: app.hub_offset_ms(),
        reads: Vec::new(),
        seed: [0; 32],
    };
    let written = app.store().witness(action).await;
    if let Err(error) = &written {
        let error: &dyn std::error::Error = error;
        tracing::warn!(error, "what this site has seen could not be signed");
    }
    written.map(drop)
}
