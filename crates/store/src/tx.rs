//! The transaction under way: jobs are run in it one after the other.

use crate::action::{Action, Admission, Committed, Writer};
use crate::error::StoreError;
use crate::job::{Answer, CommitFault, Decide, Job, Ran, fatal};
use crate::open::{Options, WritePoint};
use crate::state::State;
use crate::{ack, admit, commit, institution, meta, rebuild, witness};
use records::bundle::Bundle;
use records::id::{InstitutionId, JournalId};
use records::trust::Trust;
use sqlx::SqliteConnection;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The transaction under way.
pub(crate) struct Tx<'a> {
    pub(crate) conn: &'a mut SqliteConnection,
    pub(crate) state: State,
    /// The job under way has written something.
    pub(crate) written: bool,
    pub(crate) options: &'a Options,
}

impl Tx<'_> {
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
                meta::set(self.conn, meta::INSTITUTION, value).await?;
                self.state.institution = Some(institution);
                self.state.trust = Arc::new(Trust::new(institution));
                Ok(())
            }
        }
    }

    /// Our own journal grew by a bundle that this directory had forgotten.
    pub(crate) async fn continued_elsewhere(
        &mut self,
        journal: JournalId,
    ) -> Result<(), StoreError> {
        let value = minicbor::to_vec(journal).expect("encoding into a Vec cannot fail");
        meta::set(self.conn, meta::RESTORED, value).await?;
        self.state.restored = true;
        Ok(())
    }

    async fn start(&mut self, writer: Writer) -> Result<(), StoreError> {
        self.pin(writer.institution).await?;
        if self.state.own != Some(writer.journal) {
            let value = minicbor::to_vec(writer.journal).expect("encoding into a Vec cannot fail");
            meta::set(self.conn, meta::OWN, value).await?;
            self.state.own = Some(writer.journal);
            self.state.restored = false;
            self.state.acked = meta::acked(self.conn, self.state.own).await?;
            let (own, tips) = (self.state.own, &self.state.tips);
            self.state.unwitnessed = witness::unwitnessed(self.conn, own, tips).await?;
        }
        self.state.writer = Some(Arc::new(writer));
        Ok(())
    }

    pub(crate) async fn run(&mut self, job: Job) -> Ran {
        self.written = false;
        match job {
            Job::Start(writer, reply) => {
                let result = self.start(*writer).await;
                Ran::of(reply, result, self.written)
            }
            Job::Pin(institution, reply) => {
                let result = self.pin(institution).await;
                Ran::of(reply, result, self.written)
            }
            Job::Commit(action, decide, reply) => self.commit(&action, decide, reply).await,
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
            Job::Admit(bundles, received_ms, reply) => {
                let done = self.admit(&bundles, received_ms).await;
                let result = self.replayed(done).await;
                Ran::of(reply, result, self.written)
            }
            Job::Ack(peer, heads, reply) => {
                let result = ack::record(self, peer, &heads).await;
                Ran::of(reply, result, self.written)
            }
            Job::Rebuild(reply) => {
                let result = rebuild::replay(self).await;
                Ran::of(reply, result, self.written)
            }
            Job::Rows(work) => work.run(self.conn).await,
        }
    }

    async fn commit(
        &mut self,
        action: &Action,
        decide: Decide,
        reply: oneshot::Sender<Result<Committed, CommitFault>>,
    ) -> Ran {
        let result = commit::commit(self, action, decide).await;
        let error = match &result {
            Err(CommitFault::Store(error)) => Some(error),
            _ => None,
        };
        let fatal = error.filter(|error| self.written || fatal(error)).cloned();
        let answer: Answer = Box::new(move |group| {
            let result = group.map_err(CommitFault::Store).and(result);
            drop(reply.send(result));
        });
        Ran { answer, fatal }
    }

    async fn admit(
        &mut self,
        bundles: &[Bundle],
        received_ms: i64,
    ) -> Result<Vec<Admission>, StoreError> {
        let mut answers = Vec::with_capacity(bundles.len());
        for bundle in bundles {
            answers.push(admit::offer(self, bundle, received_ms).await?);
        }
        Ok(answers)
    }

    /// Replays before the transaction ends if an earlier verdict has become outdated.
    async fn replayed<T>(&mut self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        let done = done?;
        if self.state.replay {
            rebuild::replay(self).await?;
        }
        Ok(done)
    }
}
