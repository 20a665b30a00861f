//! The one writer: whatever is queued goes into one transaction, answers go out after it.
//!
//! It has a thread of its own, since the gate computes for milliseconds at a time; everything on
//! it is run one after the other, so `Tx` needs no locks.

use crate::action::{Action, Admission, Committed, Reads, RecordEdit, Writer};
use crate::error::StoreError;
use crate::open::{Options, WritePoint};
use crate::state::{State, View};
use crate::store::Store;
use crate::{ack, admit, commit, institution, meta, rebuild};
use ed25519_dalek::SigningKey;
use futures::future::LocalBoxFuture;
use records::bundle::{Bundle, Head};
use records::field::FieldFault;
use records::id::{InstitutionId, JournalId, SiteId};
use records::payload::InstitutionOp;
use records::trust::Trust;
use sqlx::{Connection as _, SqliteConnection};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, oneshot, watch};

/// How many jobs one transaction takes at most.
const GROUP: usize = 256;
/// How many jobs may stand in the queue before their senders wait.
pub(crate) const QUEUE: usize = 1_024;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;
pub(crate) type Decide = Box<dyn FnOnce(&Reads) -> Result<Vec<RecordEdit>, ()> + Send>;

/// Why a local action failed; the caller's own reason travels beside it.
pub(crate) enum CommitFault {
    Decided,
    Invalid(Vec<(String, FieldFault)>),
    Store(StoreError),
}

impl From<StoreError> for CommitFault {
    fn from(error: StoreError) -> Self {
        CommitFault::Store(error)
    }
}

/// What the writer is asked to do.
pub(crate) enum Job {
    Start(Box<Writer>, Reply<()>),
    Pin(InstitutionId, Reply<()>),
    Commit(
        Box<Action>,
        Decide,
        oneshot::Sender<Result<Committed, CommitFault>>,
    ),
    Institution {
        op: Box<InstitutionOp>,
        root: Box<SigningKey>,
        institution: InstitutionId,
        wall_ms: i64,
        reply: Reply<Head>,
    },
    Admit(Vec<Bundle>, i64, Reply<Vec<Admission>>),
    Ack(SiteId, Vec<Head>, Reply<()>),
    Rebuild(Reply<()>),
    Rows(Box<dyn RowWork>),
}

/// Writes that touch neither journals nor caches: accounts, sessions, join codes.
pub(crate) trait RowWork: Send {
    fn run<'c>(self: Box<Self>, conn: &'c mut SqliteConnection) -> LocalBoxFuture<'c, Ran>;
    /// The answer when the transaction never began.
    fn refuse(self: Box<Self>) -> Answer;
}

/// Called with the transaction's outcome; sends the answer.
pub(crate) type Answer = Box<dyn FnOnce(Result<(), StoreError>)>;

/// A job that ran: its answer, and the error after which the transaction cannot go on.
pub(crate) struct Ran {
    answer: Answer,
    fatal: Option<StoreError>,
}

impl Ran {
    /// `wrote` tells whether the job had begun to write when it failed.
    fn of<T: 'static>(reply: Reply<T>, result: Result<T, StoreError>, wrote: bool) -> Self {
        let fatal = result.as_ref().err().filter(|error| wrote || fatal(error));
        Ran {
            fatal: fatal.cloned(),
            answer: Box::new(move |group| {
                // Whoever asked may have gone; the work is done all the same.
                drop(reply.send(group.and(result)));
            }),
        }
    }
}

/// Errors after which SQLite may have rolled the transaction back by itself.
fn fatal(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Full
            | StoreError::ReadOnly
            | StoreError::Stopped
            | StoreError::Damaged("database pages")
            | StoreError::Database(_)
    )
}

pub(crate) struct Rows<F, T> {
    work: F,
    reply: Reply<T>,
}

impl<F, T> RowWork for Rows<F, T>
where
    T: Send + 'static,
    F: AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error> + Send + 'static,
{
    fn run<'c>(self: Box<Self>, conn: &'c mut SqliteConnection) -> LocalBoxFuture<'c, Ran> {
        Box::pin(async move {
            let Rows { work, reply } = *self;
            let result = work(conn).await;
            // A constraint undoes its own statement and harms nobody else.
            let constraint = result
                .as_ref()
                .err()
                .and_then(sqlx::Error::as_database_error)
                .is_some_and(|error| error.kind() != sqlx::error::ErrorKind::Other);
            let mut ran = Ran::of(reply, result.map_err(StoreError::from), false);
            ran.fatal = ran.fatal.filter(|_| !constraint);
            ran
        })
    }

    fn refuse(self: Box<Self>) -> Answer {
        refusal(self.reply)
    }
}

/// The transaction under way.
pub(crate) struct Tx<'a> {
    pub(crate) conn: &'a mut SqliteConnection,
    pub(crate) state: State,
    /// The job under way has written something.
    pub(crate) written: bool,
    options: &'a Options,
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
        }
        self.state.writer = Some(Arc::new(writer));
        Ok(())
    }

    async fn run(&mut self, job: Job) -> Ran {
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

/// The sending side of the writer's queue.
#[derive(Clone)]
pub(crate) struct Queue(pub(crate) mpsc::Sender<Job>);

impl Queue {
    pub(crate) async fn send(&self, job: Job) -> Result<(), StoreError> {
        self.0.send(job).await.map_err(|_| StoreError::Stopped)
    }
}

/// The writer's own side: lives on its thread until the queue is closed.
pub(crate) struct Loop {
    pub(crate) conn: SqliteConnection,
    pub(crate) state: State,
    pub(crate) options: Options,
    pub(crate) queue: mpsc::Receiver<Job>,
    pub(crate) view: watch::Sender<View>,
    pub(crate) cursor: watch::Sender<u64>,
    pub(crate) transactions: Arc<std::sync::atomic::AtomicU64>,
}

impl Loop {
    pub(crate) async fn run(mut self) {
        let mut jobs = VecDeque::new();
        loop {
            if jobs.is_empty() {
                let mut batch = Vec::new();
                if self.queue.recv_many(&mut batch, GROUP).await == 0 {
                    break;
                }
                jobs.extend(batch);
            }
            if self.group(&mut jobs).await.is_err() {
                break;
            }
        }
        // An open transaction of a stopped writer is undone by closing.
        if let Err(error) = self.conn.close().await {
            tracing::warn!(error = %error, "the database did not close cleanly");
        }
    }

    /// One transaction: as many of `jobs` as go through, answered after the commit. An error
    /// means that the writer is to stop as if killed.
    async fn group(&mut self, jobs: &mut VecDeque<Job>) -> Result<(), StoreError> {
        let mut answers = Vec::with_capacity(jobs.len());
        let outcome = self.transact(jobs, &mut answers).await;
        match &outcome {
            Ok(state) => {
                self.transactions.fetch_add(1, Ordering::Relaxed);
                self.state = state.clone();
                self.view.send_replace(state.view());
                if *self.cursor.borrow() != state.cursor {
                    self.cursor.send_replace(state.cursor);
                }
            }
            Err(StoreError::Stopped) => return Err(StoreError::Stopped),
            Err(error) => {
                tracing::error!(error = %error, jobs = answers.len(), "a transaction failed");
                // SQLite may have undone it already; either way nothing of it is left.
                drop(sqlx::raw_sql("rollback").execute(&mut self.conn).await);
            }
        }
        let outcome = outcome.map(drop);
        for answer in answers {
            answer(outcome.clone());
        }
        Ok(())
    }

    async fn transact(
        &mut self,
        jobs: &mut VecDeque<Job>,
        answers: &mut Vec<Answer>,
    ) -> Result<State, StoreError> {
        let cursor = self.state.cursor;
        let begun = begin(&mut self.conn, &self.options).await;
        let mut tx = Tx {
            conn: &mut self.conn,
            state: self.state.clone(),
            written: false,
            options: &self.options,
        };
        while let Some(job) = jobs.pop_front() {
            if let Err(error) = &begun {
                answers.push(refuse(job));
                if jobs.is_empty() {
                    return Err(error.clone());
                }
                continue;
            }
            let ran = tx.run(job).await;
            answers.push(ran.answer);
            if let Some(error) = ran.fatal {
                return Err(error);
            }
        }
        if tx.state.cursor != cursor {
            let value = tx.state.cursor.to_be_bytes().to_vec();
            meta::set(tx.conn, meta::CURSOR, value).await?;
        }
        tx.reach(WritePoint::BeforeCommit)?;
        sqlx::raw_sql("commit").execute(&mut *tx.conn).await?;
        tx.reach(WritePoint::AfterCommit)?;
        Ok(tx.state)
    }
}

async fn begin(conn: &mut SqliteConnection, options: &Options) -> Result<(), StoreError> {
    if let Some(pages) = &options.max_pages {
        // Pragmas take no parameters; this is a number.
        let pragma = format!("pragma max_page_count = {}", pages.load(Ordering::Relaxed));
        sqlx::raw_sql(sqlx::AssertSqlSafe(pragma))
            .execute(&mut *conn)
            .await?;
    }
    sqlx::raw_sql("begin immediate").execute(&mut *conn).await?;
    match &options.crash_at {
        Some(crash_at) if crash_at(WritePoint::Begun) => Err(StoreError::Stopped),
        _ => Ok(()),
    }
}

/// The answer of a job that was never run.
fn refuse(job: Job) -> Answer {
    match job {
        Job::Start(_, reply) | Job::Pin(_, reply) | Job::Ack(_, _, reply) | Job::Rebuild(reply) => {
            refusal(reply)
        }
        Job::Commit(_, _, reply) => Box::new(move |group| {
            let error = group.err().unwrap_or(StoreError::Stopped);
            drop(reply.send(Err(CommitFault::Store(error))));
        }),
        Job::Institution { reply, .. } => refusal(reply),
        Job::Admit(_, _, reply) => refusal(reply),
        Job::Rows(work) => work.refuse(),
    }
}

fn refusal<T: 'static>(reply: Reply<T>) -> Answer {
    Box::new(move |group| {
        let error = group.err().unwrap_or(StoreError::Stopped);
        drop(reply.send(Err(error)));
    })
}

impl Store {
    /// Runs small writes in the writer's next transaction.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(|reply| Job::Rows(Box::new(Rows { work, reply })))
            .await?
    }
}
