//! The transaction under way: jobs are run in it one after the other.

use crate::action::{Admission, Writer};
use crate::deps::Stand;
use crate::error::StoreError;
use crate::incarnation::Moment;
use crate::job::{Job, Ran};
use crate::offered::Offered;
use crate::open::{Options, WritePoint};
use crate::pile::{self, Pile};
use crate::program::Boot;
use crate::shelf::Shelf;
use crate::state::State;
use crate::{
    ack, admit, adopt, aside, backup, hole, incarnation, institution, meta, provisional, rebuild,
    rejudge, release, round, witness,
};
use records::id::{Hash, InstitutionId, JournalId};
use records::trust::Trust;
use sqlx::SqliteConnection;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Records at hand, some with their document, beyond which they are read again.
const MAX_SHELF: usize = 1_024;

/// The transaction under way.
pub(crate) struct Tx<'a> {
    conn: &'a mut SqliteConnection,
    pub(crate) state: State,
    /// Rows to be written before the transaction ends.
    pub(crate) pile: Pile,
    /// Records as they stand in this transaction.
    pub(crate) shelf: Shelf,
    /// Where bundles stand that others depend on.
    pub(crate) stands: HashMap<Hash, Stand>,
    /// What judging released bundles has cost so far (`release`).
    pub(crate) released: u64,
    /// The job under way has written something.
    pub(crate) written: bool,
    /// The search index may hold words of rows that are gone: its parts are merged before the
    /// commit, which leaves those words behind.
    pub(crate) unmerged: bool,
    pub(crate) options: &'a Options,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(conn: &'a mut SqliteConnection, state: State, options: &'a Options) -> Self {
        Self {
            conn,
            state,
            pile: Pile::default(),
            shelf: Shelf::new(),
            stands: HashMap::new(),
            released: 0,
            written: false,
            unmerged: false,
            options,
        }
    }
}

impl Tx<'_> {
    /// The connection, with every row of this transaction written and nothing remembered, so
    /// that any statement sees, and may change, all there is.
    pub(crate) async fn sql(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.shelf.clear();
        self.stands.clear();
        pile::write(self).await?;
        Ok(self.conn)
    }

    /// The connection as it is: for tables that are never piled, and for reading what pile and
    /// shelf were asked for before.
    pub(crate) fn raw(&mut self) -> &mut SqliteConnection {
        self.conn
    }

    /// Keeps pile and shelf within their bounds.
    pub(crate) async fn ease(&mut self) -> Result<(), StoreError> {
        if self.pile.is_high() || self.shelf.len() > MAX_SHELF {
            self.sql().await?;
        }
        Ok(())
    }

    /// Passes a failpoint.
    pub(crate) fn reach(&self, point: WritePoint) -> Result<(), StoreError> {
        match &self.options.crash_at {
            Some(crash_at) if crash_at(point) => Err(StoreError::Stopped),
            _ => Ok(()),
        }
    }

    /// Takes the institution if the store has none yet.
    pub(crate) async fn pin(&mut self, institution: InstitutionId) -> Result<(), StoreError> {
        match self.state.institution {
            Some(ours) if ours == institution => Ok(()),
            Some(_) => Err(StoreError::OtherInstitution),
            None => {
                let value = institution.0.to_vec();
                meta::set(self.raw(), meta::INSTITUTION, value).await?;
                self.state.institution = Some(institution);
                self.state.trust = Arc::new(Trust::new(institution));
                Ok(())
            }
        }
    }

    /// Our own `journal` has a bundle that this directory did not write, or not any more.
    pub(crate) async fn must_leave(&mut self, journal: JournalId) -> Result<(), StoreError> {
        if self.state.left < Some(journal) {
            self.written = true;
            let value = minicbor::to_vec(journal).expect("encoding into a Vec cannot fail");
            meta::set(self.raw(), meta::LEFT, value).await?;
            self.state.left = Some(journal);
        }
        Ok(())
    }

    async fn start(&mut self, writer: Writer) -> Result<(), StoreError> {
        self.pin(writer.institution).await?;
        let number = meta::counter(self.conn, meta::BOOTS).await? + 1;
        let value = number.to_be_bytes().to_vec();
        meta::set(self.conn, meta::BOOTS, value).await?;
        let id = writer.slot;
        self.state.boot = Boot { number, id };
        let before = self.state.own;
        // Incarnations opened here are known here alone, until they are synced.
        let opened = before.filter(|own| own.site == writer.journal.site);
        let journal = opened.map_or(writer.journal, |own| own.max(writer.journal));
        let writer = Arc::new(Writer { journal, ..writer });
        if before == Some(journal) {
            self.state.writer = Some(writer);
            return Ok(());
        }
        incarnation::take(self, &writer).await?;
        let own = self.state.own;
        self.state.acked = meta::acked(self.sql().await?, own).await?;
        let tips = &self.state.tips;
        self.state.unwitnessed = witness::unwitnessed(self.conn, own, tips).await?;
        Ok(())
    }

    /// Runs the job; with a local action, those that stand right behind it too.
    pub(crate) async fn run(&mut self, job: Job, jobs: &mut VecDeque<Job>) -> Vec<Ran> {
        self.written = false;
        let ran = match job {
            Job::Start(writer, reply) => {
                let result = self.start(*writer).await;
                Ran::of(reply, result, self.written)
            }
            Job::Pin(institution, reply) => {
                let result = self.pin(institution).await;
                Ran::of(reply, result, self.written)
            }
            Job::Leave(ended, now, reply) => {
                let result = incarnation::leave(self, ended, now).await;
                // That the journal must not be continued is kept, even with no other to open.
                let undo = self.written && !matches!(result, Err(StoreError::Restored));
                Ran::of(reply, result, undo)
            }
            Job::Commit(asked) => return round::run(self, asked, jobs).await,
            Job::Witness(action, reply) => {
                let result = witness::witness(self, &action).await;
                Ran::of(reply, result, self.written)
            }
            Job::Institution {
                op,
                root,
                institution,
                wall_ms,
                reply,
            } => {
                let done = institution::commit(self, *op, &root, institution, wall_ms).await;
                let result = self.replayed(done).await;
                Ran::of(reply, result, self.written)
            }
            Job::Admit(offered, received_ms, reply) => {
                let done = self.admit(&offered, received_ms).await;
                let result = self.replayed(done).await;
                Ran::of(reply, result, self.written)
            }
            Job::Release(reply) => {
                let done = release::go_on(self).await;
                let result = self.replayed(done).await;
                Ran::of(reply, result, self.written)
            }
            Job::Ack(peer, heads, whole, reply) => {
                let result = ack::take(self, peer, &heads, whole).await;
                Ran::of(reply, result, self.written)
            }
            Job::Holes(places, found_ms, reply) => {
                let result = hole::note_all(self, &places, found_ms).await;
                Ran::of(reply, result, self.written)
            }
            Job::Confirm(file, reply) => {
                let result = backup::confirm(self, file).await;
                Ran::of(reply, result, self.written)
            }
            Job::CheckAside(reply) => {
                let result = aside::check(self).await;
                Ran::of(reply, result, self.written)
            }
            Job::Rebuild(mut tell, reply) => {
                let result = rebuild::replay(self, &mut tell).await;
                Ran::of(reply, result, self.written)
            }
            Job::FastLane(step, reply) => {
                let result = provisional::step(self, step).await;
                Ran::of(reply, result, self.written)
            }
            Job::Rejudge(reply) => {
                let done = rejudge::held(self).await;
                let result = self.replayed(done).await;
                Ran::of(reply, result, self.written)
            }
            Job::Rows(work) => work.run(self.raw()).await,
        };
        vec![ran]
    }

    async fn admit(
        &mut self,
        offered: &[Offered],
        received_ms: i64,
    ) -> Result<Vec<Admission>, StoreError> {
        let answers = admit::offer_all(self, offered, received_ms).await?;
        let now = Moment {
            wall_ms: received_ms,
            uptime_ms: 0,
        };
        match incarnation::renew(self, now).await {
            // Sync goes on; whoever writes here is told.
            Ok(_) | Err(StoreError::Restored | StoreError::Revoked) => {}
            Err(error) => return Err(error),
        }
        Ok(answers)
    }

    /// Replays before the transaction ends if an earlier verdict has become outdated.
    async fn replayed<T>(&mut self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        let done = done?;
        if self.state.adopt {
            adopt::adopt(self).await?;
        }
        if self.state.replay {
            match rebuild::replay(self, &mut |_, _| ()).await {
                // Put off: what mends the journal calls for it again.
                Err(StoreError::InstitutionDamaged) => {
                    self.state.replay = false;
                    self.state.awaits_mend = true;
                }
                done => done?,
            }
        }
        Ok(done)
    }
}
