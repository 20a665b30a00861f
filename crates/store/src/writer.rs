//! The one writer: whatever is queued goes into one transaction, answers go out after it.

use crate::action::{Action, Admission, Committed, Reads, RecordEdit, Writer};
use crate::error::StoreError;
use crate::store::Store;
use ed25519_dalek::SigningKey;
use futures::future::LocalBoxFuture;
use records::bundle::{Bundle, Head};
use records::field::FieldFault;
use records::id::{InstitutionId, SiteId};
use records::payload::InstitutionOp;
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

/// How many jobs one transaction takes at most.
const GROUP: usize = 256;
/// How many jobs may stand in the queue before their senders wait.
const QUEUE: usize = 1_024;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;
pub(crate) type Decide = Box<dyn FnOnce(&Reads) -> Result<Vec<RecordEdit>, ()> + Send>;

/// Why a local action failed; the caller's own reason travels beside it.
pub(crate) enum CommitFault {
    Decided,
    Invalid(Vec<(String, FieldFault)>),
    Store(StoreError),
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
    fn run<'c>(self: Box<Self>, conn: &'c mut SqliteConnection) -> LocalBoxFuture<'c, Done>;
}

/// Called with the transaction's outcome; sends the answer.
pub(crate) type Done = Box<dyn FnOnce(Result<(), StoreError>)>;

struct Rows<F, T> {
    work: F,
    reply: Reply<T>,
}

impl<F, T> RowWork for Rows<F, T>
where
    T: Send + 'static,
    F: AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error> + Send + 'static,
{
    fn run<'c>(self: Box<Self>, conn: &'c mut SqliteConnection) -> LocalBoxFuture<'c, Done> {
        Box::pin(async move {
            let Rows { work, reply } = *self;
            let result = work(conn).await.map_err(StoreError::from);
            let done: Done = Box::new(move |group| {
                // Whoever asked may have gone; the work is done all the same.
                drop(reply.send(group.and(result)));
            });
            done
        })
    }
}

/// The sending side of the writer's queue.
#[derive(Clone)]
pub(crate) struct Queue(mpsc::Sender<Job>);

impl Queue {
    pub(crate) async fn send(&self, job: Job) -> Result<(), StoreError> {
        self.0.send(job).await.map_err(|_| StoreError::Stopped)
    }
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
