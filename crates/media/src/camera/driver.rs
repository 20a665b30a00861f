//! Runs one stream's [`Machine`]: viewers and pulls in, sessions and states out.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ipnet::IpNet;
use retina::client::SessionGroup;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;

use super::board::{Board, StreamStatus};
use super::machine::{Effect, Event, Machine};
use super::pull::{News, Target, pull};
use crate::api::{CameraConfig, Reason, SourceState};
use crate::hub::Hub;

/// A stream to run.
pub(crate) struct Stream {
    pub(crate) hub: Arc<Hub>,
    pub(crate) url: Url,
    pub(crate) networks: Arc<[IpNet]>,
    pub(crate) group: Arc<SessionGroup>,
}

/// Starts a stream's task. It ends with its handle's abort, and the session with it.
pub(crate) fn spawn(stream: Stream, config: &CameraConfig, board: Arc<Board>) -> JoinHandle<()> {
    let target = Target {
        url: stream.url,
        username: config.username.clone(),
        password: config.password.clone(),
        networks: stream.networks,
        group: stream.group,
    };
    let status = StreamStatus {
        state: SourceState::Idle,
        reason: None,
        since: unix_ms(),
        codec: None,
        size: None,
    };
    board.update(&stream.hub, status.clone());
    let driver = Driver {
        hub: stream.hub,
        target,
        board,
        machine: Machine::default(),
        status,
        session: None,
    };
    tokio::spawn(driver.run())
}

struct Driver {
    hub: Arc<Hub>,
    target: Target,
    board: Arc<Board>,
    machine: Machine,
    status: StreamStatus,
    session: Option<Pull>,
}

/// A running pull; dropping it ends the session.
struct Pull {
    task: JoinHandle<()>,
    news: mpsc::Receiver<News>,
}

impl Drop for Pull {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Driver {
    async fn run(mut self) {
        let mut demand = self.hub.demand();
        let mut wanted = false;
        loop {
            if self.hub.is_wanted() != wanted {
                wanted = !wanted;
                self.handle(if wanted {
                    Event::Wanted
                } else {
                    Event::Unwanted
                });
            }
            let deadline = self.machine.deadline();
            tokio::select! {
                changed = demand.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // The number of viewers is part of what the board shows.
                    self.board.update(&self.hub, self.status.clone());
                }
                news = next(&mut self.session) => self.news(news.as_ref()),
                () = until(deadline) => self.handle(Event::Timer),
            }
        }
    }

    fn news(&mut self, news: Option<&News>) {
        match news {
            Some(News::Described(codec, size)) => {
                (self.status.codec, self.status.size) = (Some(*codec), *size);
                self.board.update(&self.hub, self.status.clone());
            }
            Some(News::Picture) => self.handle(Event::Picture),
            Some(News::Ended(reason)) => {
                self.hang_up();
                self.handle(Event::Failed(*reason));
            }
            // The task ended without a word: it panicked.
            None => {
                self.hang_up();
                self.handle(Event::Failed(Reason::StreamEnded));
            }
        }
    }

    /// What the camera showed before is not what it shows when somebody comes next.
    fn hang_up(&mut self) {
        self.session = None;
        self.hub.forget_pictures();
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the driver of the machine reads the clock"
    )]
    fn handle(&mut self, event: Event) {
        for effect in self.machine.handle(event, Instant::now()) {
            match effect {
                Effect::Connect => {
                    // Few and small: what a pull tells before the driver listens.
                    let (tell, news) = mpsc::channel(8);
                    let pull = pull(self.target.clone(), Arc::clone(&self.hub), tell);
                    self.session = Some(Pull {
                        task: tokio::spawn(pull),
                        news,
                    });
                }
                Effect::Disconnect => self.hang_up(),
                Effect::Changed => {
                    self.status.state = self.machine.state();
                    self.status.reason = self.machine.reason();
                    self.status.since = unix_ms();
                    self.log();
                    self.board.update(&self.hub, self.status.clone());
                }
            }
        }
    }

    fn log(&self) {
        let (state, reason) = (
            self.status.state.code(),
            self.status.reason.map(Reason::code),
        );
        tracing::info!(camera.id = %Hex(&self.hub.source), layer = ?self.hub.layer, state, reason, "camera changed");
    }
}

async fn next(session: &mut Option<Pull>) -> Option<News> {
    match session {
        Some(pull) => pull.news.recv().await,
        None => std::future::pending().await,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "states are shown with the time they began"
)]
fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// An identifier in log lines.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
