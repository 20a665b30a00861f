//! `GET /api/v1/feed`: what changed, by long-poll or WebSocket on one URL.
//!
//! A reader holds a cursor and is told what changed since, each thing once in its latest state.
//! So nothing is queued for a reader: one that is slow costs no memory and, if it falls behind
//! by more than a page, is told to fetch the lists again.

pub mod cursor;
pub mod get;
pub mod socket;

use crate::api::shapes::{FeedMessage, FeedRow};
use crate::app::App;
use crate::auth::person::Person;
use crate::duty::row;
use crate::error::ApiError;
use cursor::Cursor;
use rules::Role;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Changed records told in one message; beyond that, fetching the lists is cheaper.
const PAGE: u32 = 200;

/// Kinds told as record rows. Cameras have rows of their own; person records are not shown.
const TOLD: [&str; 3] = ["log_item", "incident", "consultation"];

/// The resource's endpoints.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get::get_feed))
}

/// The cursor of a reader who knows everything as it is now.
fn now(app: &App) -> Cursor {
    Cursor {
        store: *app.store().changed().borrow(),
        boot: app.boot(),
        live: app.live().number(),
    }
}

/// What changed after `cursor` for a person of `role`; moves the cursor on.
async fn collect(app: &App, role: Role, cursor: &mut Cursor) -> Result<Vec<FeedRow>, ApiError> {
    let mut rows = Vec::new();
    // Taken before the lists are read, so that nothing falls between cursor and refetch.
    let here = now(app);
    let feed = app.store().feed(cursor.store, PAGE).await?;
    if feed.resync || feed.rows.len() >= PAGE as usize {
        app.metrics().resyncs.inc();
        *cursor = here;
        return Ok(vec![FeedRow::Resync]);
    }
    // The store also counts changes that are no rows; this read covers them up to `here`.
    cursor.store = feed.cursor.max(here.store);
    let told = feed
        .rows
        .into_iter()
        .filter(|row| TOLD.contains(&row.kind.as_str()));
    rows.extend(told.map(|row| FeedRow::Record {
        record: row::for_role(row, role),
    }));
    // After a restart the numbers of states begin anew, so all states are told.
    let known = if cursor.boot == here.boot {
        cursor.live
    } else {
        0
    };
    let changes = app.live().after(known);
    (cursor.boot, cursor.live) = (here.boot, changes.number);
    rows.extend(changes.sites.map(|sites| FeedRow::Sites { sites }));
    let cameras = changes.cameras.into_iter();
    rows.extend(cameras.map(|camera| FeedRow::Camera { camera }));
    Ok(rows)
}

fn message(app: &App, cursor: Cursor, rows: Vec<FeedRow>) -> FeedMessage {
    FeedMessage {
        cursor: cursor.to_string(),
        rows,
        now: app.clock().now_ms(),
    }
}

/// Returns when something may have changed after `cursor`.
async fn changed(app: &App, cursor: Cursor) {
    let (mut store, mut live) = (app.store().changed(), app.live().changed());
    let rows = async { drop(store.wait_for(|number| *number > cursor.store).await) };
    let states = async { drop(live.wait_for(|number| *number > cursor.live).await) };
    tokio::select! {
        () = rows => {}
        () = states => {}
    }
}

/// Tells presence that the person has a page open, for as long as it lives.
struct Watching<'a> {
    app: &'a App,
    person: &'a Person,
}

impl<'a> Watching<'a> {
    fn new(app: &'a App, person: &'a Person) -> Self {
        app.presence().feed_opened(person.id, app.clock().now_ms());
        Self { app, person }
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        let now = self.app.clock().now_ms();
        self.app.presence().feed_closed(self.person.id, now);
    }
}
