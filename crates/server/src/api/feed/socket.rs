//! The feed as a WebSocket.
//!
//! The socket ends with its session: at sign-out at once, at expiry, dismissal or a change of
//! role with the next heartbeat. What the browser sends is read only to notice that it is gone.

use super::cursor::Cursor;
use super::{Watching, changed, collect, message};
use crate::api::shapes::FeedRow;
use crate::app::App;
use crate::auth::person::{self, Person};
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use std::time::Duration;
use tokio::sync::broadcast;

/// An empty message is sent so often, ms; a page that misses two says 已断开.
const HEARTBEAT_MS: i64 = 15_000;
/// A browser that takes no bytes for so long is let go; it comes back with its cursor.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Browsers send nothing but control frames.
const MAX_INCOMING: usize = 4 * 1024;

/// Close code of RFC 6455 for a session that ended.
const POLICY: u16 = 1008;
/// Close code of RFC 6455 for a site that stops.
const GOING_AWAY: u16 = 1001;
/// Close code of RFC 6455 for a failure of ours.
const FAILED: u16 = 1011;

/// Why a socket is closed: code and word.
type Reason = (u16, &'static str);

/// Accepts the upgrade.
pub(super) fn open(
    app: App,
    person: Person,
    cursor: Cursor,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade
        .max_message_size(MAX_INCOMING)
        .max_frame_size(MAX_INCOMING)
        .on_upgrade(move |socket| async move {
            app.metrics().feeds.inc();
            serve(&app, person, cursor, socket).await;
            app.metrics().feeds.dec();
        })
}

async fn serve(app: &App, person: Person, cursor: Cursor, mut socket: WebSocket) {
    let _watching = Watching::new(app, &person);
    // `None`: the browser is gone, so there is nobody to tell.
    if let Some((code, reason)) = push(app, &person, cursor, &mut socket).await {
        let close = Message::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        }));
        // The browser may be gone by now; the connection ends either way.
        let _told = tokio::time::timeout(SEND_TIMEOUT, socket.send(close)).await;
    }
}

async fn push(
    app: &App,
    person: &Person,
    mut cursor: Cursor,
    socket: &mut WebSocket,
) -> Option<Reason> {
    let mut ended = app.ended_sessions();
    let mut greeted = false;
    let mut beat = app.clock().now_ms() + HEARTBEAT_MS;
    loop {
        let rows = match collect(app, person.role, &mut cursor).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the feed failed");
                return Some((FAILED, "failed"));
            }
        };
        let due = app.clock().now_ms() >= beat;
        if !rows.is_empty() || due || !greeted {
            greeted = true;
            beat = app.clock().now_ms() + HEARTBEAT_MS;
            send(app, cursor, rows, socket).await?;
        }
        if due && !holds(app, person).await {
            return Some((POLICY, "session_ended"));
        }
        tokio::select! {
            () = changed(app, cursor) => {}
            () = app.clock().wait_until(beat) => {}
            () = app.stopped() => return Some((GOING_AWAY, "stopping")),
            () = ends(&mut ended, person) => return Some((POLICY, "session_ended")),
            () = gone(socket) => return None,
        }
    }
}

/// Sends one message; `None` when the browser does not take it.
async fn send(app: &App, cursor: Cursor, rows: Vec<FeedRow>, socket: &mut WebSocket) -> Option<()> {
    let message = serde_json::to_string(&message(app, cursor, rows))
        .expect("a feed message has only string keys");
    let sent = socket.send(Message::Text(message.into()));
    tokio::time::timeout(SEND_TIMEOUT, sent).await.ok()?.ok()
}

/// Returns when the browser has closed the socket or broken it.
async fn gone(socket: &mut WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Close(_)) {
            return;
        }
    }
}

/// Whether the person may still read, under the same role. A failing store says no: fail closed.
async fn holds(app: &App, person: &Person) -> bool {
    match person::of_session(app, person.session.hash, false).await {
        Ok(Some(now)) => now.role == person.role && now.id == person.id,
        Ok(None) => false,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a session could not be checked"
            );
            false
        }
    }
}

/// Returns when the person signed out.
async fn ends(ended: &mut broadcast::Receiver<[u8; 32]>, person: &Person) {
    loop {
        match ended.recv().await {
            Ok(hash) if hash != person.session.hash => {}
            // Having missed some, better reconnect than outlive the session.
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
