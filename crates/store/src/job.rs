//! What the writer is asked to do, and how each job is answered.

use crate::action::{Action, Admission, Committed, Reads, RecordEdit, Writer};
use crate::doc::SNAPSHOT;
use crate::error::StoreError;
use crate::incarnation::Moment;
use crate::offered::Offered;
use crate::provisional::FastLaneStep;
use crate::rebuild::Tell;
use crate::row::Rejudged;
use crate::store::Store;
use ed25519_dalek::SigningKey;
use futures::future::LocalBoxFuture;
use records::bundle::Head;
use records::field::FieldFault;
use records::id::{InstitutionId, JournalId, SiteId};
use records::payload::InstitutionOp;
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;
pub(crate) type CommitReply = oneshot::Sender<Result<Committed, CommitFault>>;
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

/// A local action, and who waits for its answer.
pub(crate) struct Asked {
    pub(crate) action: Box<Action>,
    pub(crate) decide: Decide,
    pub(crate) reply: CommitReply,
}

/// What the writer is asked to do.
pub(crate) enum Job {
    Start(Box<Writer>, Reply<()>),
    Pin(InstitutionId, Reply<()>),
    Leave(Option<JournalId>, Moment, Reply<Option<Head>>),
    Commit(Asked),
    Witness(Box<Action>, Reply<Option<Head>>),
    Institution {
        op: Box<InstitutionOp>,
        root: Box<SigningKey>,
        institution: InstitutionId,
        wall_ms: i64,
        reply: Reply<Head>,
    },
    Admit(Vec<Offered>, i64, Reply<Vec<Admission>>),
    Release(Reply<()>),
    /// Whether the heads are all that the site holds.
    Ack(SiteId, Vec<Head>, bool, Reply<()>),
    Holes(Vec<(JournalId, u64)>, i64, Reply<()>),
    CheckAside(Reply<u64>),
    Rebuild(Tell, Reply<()>),
    FastLane(FastLaneStep, Reply<()>),
    Rejudge(Reply<Rejudged>),
    Confirm(Option<(Head, i64)>, Reply<()>),
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
    pub(crate) answer: Answer,
    pub(crate) fatal: Option<StoreError>,
}

impl Ran {
    /// `wrote` tells whether the job had begun to write when it failed.
    pub(crate) fn of<T: 'static>(
        reply: Reply<T>,
        result: Result<T, StoreError>,
        wrote: bool,
    ) -> Self {
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

/// Errors after which SQLite may have rolled the transaction back by itself, and a damaged
/// snapshot, which the writer mends before it goes on.
pub(crate) fn fatal(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Full
            | StoreError::ReadOnly
            | StoreError::Stopped
            | StoreError::Damaged("database pages" | SNAPSHOT)
            | StoreError::Database(_)
    )
}

impl Ran {
    /// [`Ran::of`], of a local action.
    pub(crate) fn of_commit(
        reply: CommitReply,
        result: Result<Committed, CommitFault>,
        wrote: bool,
    ) -> Self {
        let error = match &result {
            Err(CommitFault::Store(error)) => Some(error),
            _ => None,
        };
        Ran {
            fatal: error.filter(|error| wrote || fatal(error)).cloned(),
            answer: Box::new(move |group| {
                let result = group.map_err(CommitFault::Store).and(result);
                drop(reply.send(result));
            }),
        }
    }
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

/// The sending side of the writer's queue.
#[derive(Clone)]
pub(crate) struct Queue(pub(crate) mpsc::Sender<Job>);

impl Queue {
    pub(crate) async fn send(&self, job: Job) -> Result<(), StoreError> {
        self.0.send(job).await.map_err(|_| StoreError::Stopped)
    }
}

/// The answer of a job that was never run.
pub(crate) fn refuse(job: Job) -> Answer {
    match job {
        Job::Start(_, reply)
        | Job::Pin(_, reply)
        | Job::Release(reply)
        | Job::Ack(_, _, _, reply)
        | Job::Holes(_, _, reply)
        | Job::FastLane(_, reply)
        | Job::Rebuild(_, reply) => refusal(reply),
        Job::Commit(asked) => refuse_commit(asked.reply),
        Job::Witness(_, reply) => refusal(reply),
        Job::Rejudge(reply) => refusal(reply),
        Job::CheckAside(reply) => refusal(reply),
        Job::Institution { reply, .. } => refusal(reply),
        Job::Leave(_, _, reply) => refusal(reply),
        Job::Confirm(_, reply) => refusal(reply),
        Job::Admit(_, _, reply) => refusal(reply),
        Job::Rows(work) => work.refuse(),
    }
}

/// [`refuse`], of a local action.
pub(crate) fn refuse_commit(reply: CommitReply) -> Answer {
    Box::new(move |group| {
        let error = group.err().unwrap_or(StoreError::Stopped);
        drop(reply.send(Err(CommitFault::Store(error))));
    })
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
