//! One sync connection: carries frames and effects between a [`Session`], its streams and the
//! store.

use super::admission::{Offers, Parts, outcome};
use super::board::{Place, Up};
use super::carry::{self, Meters, Received};
use super::chores::{Chore, Chores};
use super::counters::{LinkBytes, add};
use super::rows::FastLane;
use super::{CLOSE_DUPLICATE, CLOSE_GARBAGE, CLOSE_REVOKED, CLOSE_STORE, Shared, close, request};
use crate::session::{CloseReason, Effect, Event, Progress, Session, fork};
use crate::status::{FaultCode, LinkFault};
use crate::stream::StreamError;
use crate::wire::{self, Frame, Hello, Lane};
use futures::future::{BoxFuture, OptionFuture};
use records::bundle::{Bundle, Head};
use records::id::{JournalId, SiteId};
use records::payload::SiteRole;
use std::sync::Arc;
use std::time::Duration;
use store::{Admission, Boot, StoreError};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

const TICK: Duration = Duration::from_secs(1);
/// Frames decoded ahead of the session.
const FRAMES_AHEAD: usize = 2;
/// Frames written ahead of their stream; the session's own window keeps it far below.
const FRAMES_BEHIND: usize = 1024;

/// Ends a task with whoever started it.
pub(super) struct Guard(pub(super) JoinHandle<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

type Admitted = (Parts, Duration, Result<Vec<Admission>, StoreError>);

/// The frames of the two lanes as they come in.
struct Arriving {
    live: mpsc::Receiver<Received>,
    bulk: mpsc::Receiver<Received>,
}

/// The two lanes on their way out.
struct Leaving {
    live: mpsc::Sender<Frame>,
    bulk: mpsc::Sender<Frame>,
}

pub(super) struct Link {
    shared: Arc<Shared>,
    connection: quinn::Connection,
    peer: SiteId,
    dialled: bool,
    id: u64,
    bytes: Arc<LinkBytes>,
    session: Session,
    out: Leaving,
    reading: Option<BoxFuture<'static, Result<Vec<Bundle>, StoreError>>>,
    offers: Offers,
    admitting: Option<BoxFuture<'static, Admitted>>,
    acks: Vec<Head>,
    acking: Option<BoxFuture<'static, Result<(), StoreError>>>,
    media: Option<Guard>,
    chores: Chores,
    requests: Option<Guard>,
    /// What is written on the side; nobody waits for it before the link is over.
    notes: JoinSet<()>,
    up_since: Option<Instant>,
    rows: FastLane,
    shown: Progress,
}

/// Why a link is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The connection went away, or this side is stopping.
    Lost,
    /// The peer broke the protocol.
    Garbage,
    /// The session ended itself.
    Closed(CloseReason),
    /// The other connection between the same two sites stays.
    Duplicate,
    /// Our own store failed.
    Store,
    /// The peer is no longer enrolled.
    Revoked,
}

/// Runs a link until it ends. Says how long it was up, if ever.
pub(super) async fn run(
    shared: Arc<Shared>,
    connection: quinn::Connection,
    streams: (quinn::SendStream, quinn::RecvStream),
    peer: SiteId,
    dialled: bool,
) -> (End, Option<Duration>) {
    let bytes = Arc::new(LinkBytes::default());
    let (out, mut arriving, _carriers) = lanes(&shared, &connection, streams, &bytes);
    let own = Hello {
        versions: vec![wire::PROTOCOL],
        institution: shared.identity.institution,
        site: shared.identity.site(),
        incarnation: own_journal(&shared).incarnation,
        rules: records::gate::RULES,
        boot_number: shared.store.boot().number,
        boot: shared.store.boot().id,
    };
    let now = shared.now();
    // Before the frontier is read, so that no commit falls between the two.
    let changed = shared.store.changed();
    let (session, effects) = Session::new(own, peer, &shared.store.frontier(), now);
    let session = match shared.identity.role {
        SiteRole::Campus if peer == shared.identity.hub => session.with_hub(),
        _ => session,
    };
    let mut link = Link {
        id: shared.next_link(),
        chores: Chores::new(shared.clone(), peer),
        shared,
        connection,
        peer,
        dialled,
        bytes,
        session,
        out,
        reading: None,
        offers: Offers::new(),
        admitting: None,
        acks: Vec::new(),
        acking: None,
        media: None,
        requests: None,
        notes: JoinSet::new(),
        up_since: None,
        rows: FastLane::default(),
        shown: Progress::default(),
    };
    let end = match link.perform(effects) {
        Ok(()) => link
            .drive(&mut arriving, changed)
            .await
            .err()
            .unwrap_or(End::Lost),
        Err(end) => end,
    };
    let stood = link.finish(end).await;
    (end, stood)
}

/// The journal this site writes: the enrolled one, or a later one that was opened since.
fn own_journal(shared: &Shared) -> JournalId {
    let opened = shared.store.own_journal();
    opened.unwrap_or(shared.identity.journal)
}

/// Starts what carries the frames of both lanes, until the guards are dropped.
fn lanes(
    shared: &Shared,
    connection: &quinn::Connection,
    (send, receive): (quinn::SendStream, quinn::RecvStream),
    bytes: &Arc<LinkBytes>,
) -> (Leaving, Arriving, [Guard; 4]) {
    let meters = Meters {
        all: shared.counters.clone(),
        link: bytes.clone(),
    };
    let (live_out, live_to_write) = mpsc::channel(FRAMES_BEHIND);
    let (bulk_out, bulk_to_write) = mpsc::channel(FRAMES_BEHIND);
    let (live_received, live) = mpsc::channel(FRAMES_AHEAD);
    let (bulk_received, bulk) = mpsc::channel(FRAMES_AHEAD);
    let (m, c) = (|| meters.clone(), || connection.clone());
    let carriers = [
        tokio::spawn(carry::read_live(m(), receive, live_received)),
        tokio::spawn(carry::read_bulk(m(), c(), bulk_received)),
        tokio::spawn(carry::write_live(m(), send, live_to_write)),
        tokio::spawn(carry::write_bulk(m(), c(), bulk_to_write)),
    ];
    let leaving = Leaving {
        live: live_out,
        bulk: bulk_out,
    };
    (leaving, Arriving { live, bulk }, carriers.map(Guard))
}

fn arrived(frame: Option<Received>) -> Result<Event, End> {
    match frame {
        Some(Ok(frame)) => Ok(Event::Received(frame)),
        Some(Err(StreamError::Wire(_))) => Err(End::Garbage),
        Some(Err(StreamError::Ended)) | None => Err(End::Lost),
    }
}

impl Link {
    async fn drive(
        &mut self,
        arriving: &mut Arriving,
        mut changed: watch::Receiver<u64>,
    ) -> Result<(), End> {
        let mut reach = self.shared.reach.subscribe();
        let mut through_hub = self.shared.through_hub.subscribe();
        let mut addresses = self.shared.addresses_changed.subscribe();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.start_admitting();
            self.start_acking();
            let event = tokio::select! {
                frame = arriving.live.recv(), if self.session.wants_input(Lane::Live) => {
                    arrived(frame)?
                }
                frame = arriving.bulk.recv(), if self.session.wants_input(Lane::Bulk) => {
                    arrived(frame)?
                }
                Some(bundles) = OptionFuture::from(self.reading.as_mut()) => {
                    self.reading = None;
                    Event::Bundles(bundles.map_err(|error| self.store_failed(&error))?)
                }
                Some(admitted) = OptionFuture::from(self.admitting.as_mut()) => {
                    self.admitting = None;
                    self.take_admitted(admitted)?;
                    continue;
                }
                Some(acked) = OptionFuture::from(self.acking.as_mut()) => {
                    self.acking = None;
                    acked.map_err(|error| self.store_failed(&error))?;
                    continue;
                }
                event = self.chores.next(self.session.is_open()) => {
                    event.map_err(|error| self.store_failed(&error))?
                }
                Ok(()) = changed.changed() => {
                    self.handle(Event::LocalHeads(self.shared.store.frontier()))?;
                    self.ends()
                }
                Ok(()) = reach.changed() => {
                    let reached = reach.borrow_and_update().clone();
                    match self.reach_event(reached) {
                        Some(event) => event,
                        None => continue,
                    }
                }
                Ok(()) = through_hub.changed() => {
                    let stands = through_hub.borrow_and_update().contains(&self.peer);
                    Event::Yield(stands)
                }
                Ok(()) = addresses.changed() => {
                    Event::Addresses(self.shared.addresses_for(self.peer))
                }
                _ = tick.tick() => {
                    while self.notes.try_join_next().is_some() {}
                    if !self.shared.may_link(self.peer) {
                        return Err(End::Revoked);
                    }
                    Event::Tick
                }
                _ = self.connection.closed() => return Err(End::Lost),
            };
            self.handle(event)?;
        }
    }

    /// What the store holds of forked journals now.
    fn ends(&self) -> Event {
        Event::Fork(fork::Event::Ends(self.shared.store.branches()))
    }

    /// Only the hub's word on reach counts, so only the hub spends bytes on it.
    fn reach_event(&self, mut reached: Vec<wire::Reached>) -> Option<Event> {
        reached.retain(|reached| reached.site != self.peer);
        let is_hub = self.shared.identity.role == SiteRole::Hub;
        is_hub.then_some(Event::Reach(reached))
    }

    /// Shows how far the link is, once a second and when nothing is missing any more.
    fn show_progress(&mut self, ticked: bool) {
        let progress = self.session.progress();
        let over = progress.incoming.of == 0 && progress.outgoing.of == 0;
        if progress != self.shown && (ticked || over) {
            self.shown = progress;
            self.shared.set_progress(self.peer, self.id, progress);
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), End> {
        let ticked = event == Event::Tick;
        let effects = self.session.handle(event, self.shared.now());
        self.show_progress(ticked);
        let missing = self.session.progress().incoming.missing;
        let agreed = missing == 0 && self.session.agrees_on(JournalId::INSTITUTION);
        let link = (&self.shared, &self.connection, self.peer);
        self.rows.follow(link, missing, agreed);
        self.confirm();
        self.perform(effects)
    }

    fn perform(&mut self, effects: Vec<Effect>) -> Result<(), End> {
        for effect in effects {
            match effect {
                Effect::Send(frame) => self.send(frame)?,
                Effect::Read {
                    journal,
                    after,
                    max_bytes,
                } => {
                    let store = self.shared.store.clone();
                    self.reading = Some(Box::pin(async move {
                        store.bundles_after(journal, after, max_bytes).await
                    }));
                }
                Effect::Admit {
                    lane,
                    journal,
                    bundles,
                } => self.offers.push(lane, journal, bundles),
                Effect::Scrub(work) => self.chores.push(Chore::Scrub(work)),
                Effect::Fork(work) => self.chores.push(Chore::Fork(work)),
                Effect::Scrubbed(report) => self.shared.scrubs.report(self.peer, report),
                Effect::Acked(heads) => self.acks.extend(heads),
                Effect::Up => self.up()?,
                Effect::Reach(sites) => self.shared.set_reach(self.peer, sites),
                Effect::Addresses(all) => {
                    if let Some(kept) = self.shared.learn_addresses(self.peer, all) {
                        self.notes.spawn(kept);
                    }
                }
                Effect::Copied { since_ms, starts } => {
                    self.shared.copied(self.peer, since_ms, &starts);
                }
                Effect::Clock { offset_ms, .. } => self.shared.set_clock(self.peer, offset_ms),
                Effect::Fault { code, journal, seq } => self.fault(code, journal, seq),
                Effect::Close(reason) => return Err(End::Closed(reason)),
            }
        }
        Ok(())
    }

    fn send(&mut self, frame: Frame) -> Result<(), End> {
        let out = match frame.lane() {
            Lane::Live => &self.out.live,
            Lane::Bulk => &self.out.bulk,
        };
        // A peer that never reads while it keeps asking is over any quota.
        out.try_send(frame)
            .map_err(|_| End::Closed(CloseReason::Quota))
    }

    fn up(&mut self) -> Result<(), End> {
        let up = Up {
            link: self.id,
            dialled: self.dialled,
            since_ms: self.shared.now().wall_ms,
            connection: self.connection.clone(),
            bytes: self.bytes.clone(),
            reach: Vec::new(),
            progress: self.shown,
        };
        match self.shared.add(self.peer, up) {
            Place::Surplus => return Err(End::Duplicate),
            Place::Taken { replaced, again } => {
                if let Some(replaced) = replaced {
                    close(&replaced, CLOSE_DUPLICATE);
                }
                if again {
                    add(&self.shared.counters.reconnects, 1);
                }
            }
        }
        tracing::info!(peer.site = %self.peer, "link up");
        self.up_since = Some(Instant::now());
        self.note_program();
        if let Some(news) = self.shared.news_for(self.peer) {
            self.send(news)?;
        }
        if self.dialled {
            let dial = super::media::dial(
                self.shared.clone(),
                self.connection.remote_address(),
                self.peer,
            );
            self.media = Some(Guard(tokio::spawn(dial)));
        }
        let serve = request::serve(self.shared.clone(), self.connection.clone(), self.peer);
        self.requests = Some(Guard(tokio::spawn(serve)));
        let stands = self.shared.through_hub.borrow().contains(&self.peer);
        self.handle(Event::Yield(stands))?;
        self.handle(self.ends())?;
        self.handle(Event::Addresses(self.shared.addresses_for(self.peer)))?;
        let reached = self.shared.reach.borrow().clone();
        match self.reach_event(reached) {
            Some(event) => self.handle(event),
            None => Ok(()),
        }
    }

    /// Remembers what the peer's program knows, and looks whether its data directory runs twice.
    /// If it fails, the next link says it again.
    fn note_program(&mut self) {
        let Some(hello) = self.session.theirs() else {
            return;
        };
        let store = self.shared.store.clone();
        let peer = self.peer;
        let program = store::Program {
            rules: hello.rules,
            seen_ms: self.shared.now().wall_ms,
            incarnation: hello.incarnation,
            boot: Boot {
                number: hello.boot_number,
                id: hello.boot,
            },
        };
        let address = self.connection.remote_address().ip();
        self.shared.met(peer, program, address);
        self.notes.spawn(async move {
            if let Err(error) = store.note_program(peer, program).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(peer.site = %peer, error, "a site's rule set was not noted");
            }
        });
    }

    /// Offers the next bite of what waits; one at a time, so that peers have their turns.
    fn start_admitting(&mut self) {
        if self.admitting.is_some() {
            return;
        }
        let Some(bite) = self.offers.bite() else {
            return;
        };
        let store = self.shared.store.clone();
        let wall_ms = self.shared.now().wall_ms;
        self.admitting = Some(Box::pin(async move {
            let (parts, begun) = (bite.parts(), Instant::now());
            let admissions = store.admit(bite.bundles, wall_ms).await;
            (parts, begun.elapsed(), admissions)
        }));
    }

    fn take_admitted(&mut self, (parts, took, result): Admitted) -> Result<(), End> {
        let admissions = result.map_err(|error| self.store_failed(&error))?;
        let heads = self.shared.store.frontier();
        for batch in self.offers.answer(parts, admissions, took) {
            let outcome = outcome(&self.shared, &batch.answers, heads.clone());
            if outcome.strangers > 0 {
                let strangers = outcome.strangers;
                let journal = batch.journal;
                tracing::warn!(peer.site = %self.peer, %journal, strangers, "bundles of no known site");
            }
            self.handle(Event::Admitted(batch.lane, outcome))?;
        }
        Ok(())
    }

    fn start_acking(&mut self) {
        if self.acking.is_some() || self.acks.is_empty() {
            return;
        }
        let heads = std::mem::take(&mut self.acks);
        let store = self.shared.store.clone();
        let peer = self.peer;
        self.acking = Some(Box::pin(
            async move { store.record_ack(peer, &heads).await },
        ));
    }

    /// A restored hub may decide again once a peer holds no more of the institution journal.
    fn confirm(&mut self) {
        let store = &self.shared.store;
        if store.is_unconfirmed() && self.session.agrees_on(JournalId::INSTITUTION) {
            let store = store.clone();
            self.notes.spawn(async move {
                if let Err(error) = store.confirm().await {
                    tracing::warn!(error = %error, "the restored hub is not confirmed");
                }
            });
        }
    }

    fn fault(&mut self, code: FaultCode, journal: JournalId, seq: u64) {
        let now = self.shared.now();
        self.shared.fault(LinkFault {
            code,
            journal,
            seq,
            peer: self.peer,
            at_ms: now.wall_ms,
        });
    }

    fn store_failed(&self, error: &StoreError) -> End {
        tracing::error!(peer.site = %self.peer, error = error as &dyn std::error::Error, "link ended by the store");
        End::Store
    }

    async fn finish(&mut self, end: End) -> Option<Duration> {
        match end {
            End::Lost => close(&self.connection, super::CLOSE_STOPPING),
            End::Garbage => close(&self.connection, CLOSE_GARBAGE),
            End::Closed(reason) => close(&self.connection, reason.code()),
            End::Duplicate => close(&self.connection, CLOSE_DUPLICATE),
            End::Store => close(&self.connection, CLOSE_STORE),
            End::Revoked => close(&self.connection, CLOSE_REVOKED),
        }
        match end {
            End::Garbage => add(&self.shared.counters.garbage, 1),
            End::Closed(reason) => {
                let counters = &self.shared.counters;
                match reason {
                    CloseReason::Institution | CloseReason::Site | CloseReason::Version => {
                        add(&counters.refused_peers, 1);
                    }
                    _ => add(&counters.garbage, 1),
                }
            }
            _ => {}
        }
        if let End::Garbage | End::Closed(_) = end {
            let address = self.connection.remote_address();
            self.shared.log_once(address, &format!("{end:?}"));
        }
        if self.shared.remove(self.peer, self.id) {
            tracing::info!(peer.site = %self.peer, ?end, "link down");
        }
        self.stop_tasks().await;
        self.up_since.map(|since| since.elapsed())
    }

    /// Waits until what the link has started has let go of the store: the connection is closed.
    async fn stop_tasks(&mut self) {
        for mut task in [self.media.take(), self.rows.end()].into_iter().flatten() {
            task.0.abort();
            // That it was aborted is no news.
            let _ = (&mut task.0).await;
        }
        // Not aborted: what reads from disk for it would go on by itself, and be waited for by
        // nobody.
        if let Some(mut requests) = self.requests.take() {
            let _ = (&mut requests.0).await;
        }
        while self.notes.join_next().await.is_some() {}
    }
}
