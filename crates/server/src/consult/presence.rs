//! Records that somebody left whose page has vanished.
//!
//! A page in a room keeps its feed open; while the feed or the person's own tracks are alive,
//! the person is there. [`GONE_AFTER_MS`] without either, this site records `left` for its own
//! people; other sites' people are theirs to judge.

use crate::api::media::source::open_rooms;
use crate::app::App;
use crate::cameras::register::SITE_ITSELF;
use media::{MediaEvent, SourceId};
use records::id::{AccountId, ActionId, EntryId, RecordId, TerminalId};
use rules::consultation;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use store::{Action, RecordEdit, StoreError};
use tokio::sync::broadcast::error::RecvError;

/// How long a person may be silent before being recorded as gone.
pub const GONE_AFTER_MS: i64 = 20_000;
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Who has a page open at this site, and since when others have not.
#[derive(Debug, Default)]
pub struct Presence(Mutex<HashMap<AccountId, Seen>>);

#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    open_feeds: usize,
    last_ms: i64,
}

impl Presence {
    /// A page of this person opened its feed.
    pub fn feed_opened(&self, person: AccountId, now_ms: i64) {
        self.change(person, |seen| {
            seen.open_feeds += 1;
            seen.last_ms = now_ms;
        });
    }

    /// That feed ended.
    pub fn feed_closed(&self, person: AccountId, now_ms: i64) {
        self.change(person, |seen| {
            seen.open_feeds = seen.open_feeds.saturating_sub(1);
            seen.last_ms = now_ms;
        });
    }

    /// Whether the person had a page open within [`GONE_AFTER_MS`].
    #[must_use]
    pub fn is_here(&self, person: AccountId, now_ms: i64) -> bool {
        let people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        people
            .get(&person)
            .is_some_and(|seen| seen.open_feeds > 0 || now_ms - seen.last_ms <= GONE_AFTER_MS)
    }

    fn change(&self, person: AccountId, change: impl FnOnce(&mut Seen)) {
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(people.entry(person).or_default());
    }
}

/// Sweeps rooms for people who have gone, until the site stops.
pub async fn run(app: App) {
    let mut events = app.engine().events();
    let mut publishing = HashSet::new();
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let started_ms = app.clock().now_ms();
    loop {
        tokio::select! {
            () = app.stopped() => return,
            event = events.recv() => match event {
                Ok(event) => note(&app, &mut publishing, &event),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            _ = sweep.tick() => {
                // After a restart pages get the same time to come back.
                if app.clock().now_ms() - started_ms > GONE_AFTER_MS
                    && let Err(error) = record_gone(&app, &publishing).await
                {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "leaving could not be recorded"
                    );
                }
            }
        }
    }
}

fn note(app: &App, publishing: &mut HashSet<SourceId>, event: &MediaEvent) {
    match event {
        MediaEvent::PublisherUp { source, .. } => {
            publishing.insert(*source);
        }
        MediaEvent::PublisherDown { source, session } => {
            publishing.remove(source);
            app.sessions().ended(*session);
        }
        MediaEvent::ViewerDown { session, .. } => app.sessions().ended(*session),
        _ => {}
    }
}

async fn record_gone(app: &App, publishing: &HashSet<SourceId>) -> Result<(), StoreError> {
    let now_ms = app.clock().now_ms();
    for room in open_rooms(app).await? {
        let own = |entry: EntryId| {
            let origin = room.entries.iter().find(|origin| origin.entry == entry);
            origin.is_some_and(|origin| origin.site == app.site().id)
        };
        for stay in consultation::participations(&room.record) {
            let gone = stay.left_at.is_none()
                && own(stay.joined_entry)
                && now_ms - stay.joined_at > GONE_AFTER_MS
                && !publishing.contains(&stay.id.0)
                && !app.presence().is_here(stay.person, now_ms);
            if gone {
                record_left(app, room.row.id, stay.id, now_ms).await?;
            }
        }
    }
    Ok(())
}

async fn record_left(
    app: &App,
    room: RecordId,
    participation: RecordId,
    now_ms: i64,
) -> Result<(), StoreError> {
    let action = Action {
        action: ActionId(app.random().bytes()),
        account: SITE_ITSELF,
        terminal: TerminalId::default(),
        wall_ms: now_ms,
        uptime_ms: app.clock().uptime_ms(),
        hub_offset_ms: app.hub_offset_ms(),
        reads: vec![room],
        seed: app.random().bytes(),
    };
    let entry = EntryId(app.random().bytes());
    let decide = move |reads: &store::Reads| {
        let record = &reads.get(&room).ok_or(Stale)?.record;
        let still_here = consultation::participations(record)
            .iter()
            .any(|stay| stay.id == participation && stay.left_at.is_none());
        if !still_here {
            return Err(Stale);
        }
        Ok(vec![RecordEdit {
            record: room,
            kind: "consultation",
            edits: vec![consultation::left(entry, participation, now_ms)],
        }])
    };
    match app.store().commit(action, decide).await {
        Err(store::CommitError::Store(error)) => Err(error),
        // The person left on their own between the look and the write.
        Err(store::CommitError::Decided(Stale)) | Ok(_) => Ok(()),
        Err(store::CommitError::Invalid(_)) => Err(StoreError::Refused("presence")),
    }
}

#[derive(Debug)]
struct Stale;

#[cfg(test)]
mod tests {
    use super::*;

    const OFFICER: AccountId = AccountId([1; 16]);

    #[test]
    fn a_person_is_here_while_a_feed_is_open_and_twenty_seconds_longer() {
        let presence = Presence::default();
        assert!(!presence.is_here(OFFICER, 0));
        presence.feed_opened(OFFICER, 1_000);
        presence.feed_opened(OFFICER, 2_000);
        presence.feed_closed(OFFICER, 3_000);
        assert!(
            presence.is_here(OFFICER, 9_000_000),
            "one page is still open"
        );
        presence.feed_closed(OFFICER, 9_000_000);
        assert!(presence.is_here(OFFICER, 9_000_000 + GONE_AFTER_MS));
        assert!(!presence.is_here(OFFICER, 9_000_001 + GONE_AFTER_MS));
    }
}
