//! One sync connection: carries frames and effects between a [`Session`], its streams and the
//! store.

mod admit;
mod end;
mod up;

pub(super) use end::End;

use super::Shared;
use super::admission::Offers;
use super::carry::{self, Arriving, Leaving, Meters, Received};
use super::chores::{Chore, Chores};
use super::counters::LinkBytes;
use super::rows::FastLane;
use crate::session::{CloseReason, Effect, Event, Position, Progress, Session, fork};
use crate::status::{FaultCode, LinkFault};
use crate::stream::StreamError;
use crate::wire::{self, Frame, Hello, Lane};
use admit::Admitted;
use futures::future::{BoxFuture, OptionFuture};
use records::bundle::{Bundle, Head};
use records::id::{JournalId, SiteId};
use records::payload::SiteRole;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use store::StoreError;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

const TICK: Duration = Duration::from_secs(1);

/// Ends a task with whoever started it.
pub(super) struct Guard(pub(super) JoinHandle<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
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
    reading: Option<BoxFuture<'static, Result<Vec<Vec<Bundle>>, StoreError>>>,
    offers: Offers,
    admitting: Option<BoxFuture<'static, Admitted>>,
    acks: BTreeMap<JournalId, Head>,
    holds: Option<Vec<Head>>,
    acking: Option<BoxFuture<'static, Result<(), StoreError>>>,
    media: Option<Guard>,
    chores: Chores,
    requests: Option<Guard>,
    /// What is written on the side; nobody waits for it before the link is over.
    notes: JoinSet<()>,
    up_since: Option<Instant>,
    /// The store was told that the hub may decide again; if that fails, the next link says it.
    confirming: bool,
    rows: FastLane,
    shown: Progress,
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
    let meters = Meters {
        all: shared.counters.clone(),
        link: bytes.clone(),
    };
    let (out, mut arriving, _carriers) = carry::start(&meters, &connection, streams);
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
        acks: BTreeMap::new(),
        holds: None,
        acking: None,
        media: None,
        requests: None,
        notes: JoinSet::new(),
        up_since: None,
        confirming: false,
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
                Some(read) = OptionFuture::from(self.reading.as_mut()) => {
                    self.reading = None;
                    Event::Bundles(read.map_err(|error| self.store_failed(&error))?)
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
        if let Some(proved) = self.rows.follow(link, missing, agreed) {
            self.notes.spawn(proved);
        }
        self.confirm();
        self.perform(effects)
    }

    fn perform(&mut self, effects: Vec<Effect>) -> Result<(), End> {
        for effect in effects {
            match effect {
                Effect::Send(frame) => self.send(frame)?,
                Effect::Read { from, max_bytes } => {
                    let store = self.shared.store.clone();
                    self.reading = Some(Box::pin(async move {
                        // One after the other: others need the database's readers, too.
                        let mut read = Vec::with_capacity(from.len());
                        for Position { journal, after } in from {
                            read.push(store.bundles_after(journal, after, max_bytes).await?);
                        }
                        Ok(read)
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
                Effect::Acked(heads) => self.note_acks(heads),
                Effect::Holds(heads) => self.holds = Some(heads),
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
        // A peer that never reads while it keeps asking is over any quota.
        let sent = self.out.send(frame);
        sent.then_some(()).ok_or(End::Closed(CloseReason::Quota))
    }

    /// A restored hub may decide again once a peer holds no more of the institution journal.
    fn confirm(&mut self) {
        let store = &self.shared.store;
        let due = store.is_unconfirmed() && self.session.agrees_on(JournalId::INSTITUTION);
        if due && !std::mem::replace(&mut self.confirming, true) {
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
}
