//! The handle everybody holds.

use crate::action::Writer;
use crate::blob::Blobs;
use crate::error::StoreError;
use crate::job::{Job, Queue};
use crate::program::Boot;
use crate::state::View;
use records::bundle::Head;
use records::id::{InstitutionId, JournalId};
use records::trust::Trust;
use sqlx::SqlitePool;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;
use tokio::sync::{oneshot, watch};

/// One site's store; cheap to clone. The data directory stays locked until the last clone is
/// dropped, which waits for the transaction under way.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub(crate) readers: SqlitePool,
    pub(crate) blobs: Blobs,
    /// `None` only while dropping.
    pub(crate) queue: Option<Queue>,
    pub(crate) view: watch::Receiver<View>,
    pub(crate) cursor: watch::Receiver<u64>,
    pub(crate) transactions: Arc<AtomicU64>,
    pub(crate) thread: Option<JoinHandle<()>>,
}

impl Drop for Inner {
    /// Closes the queue and waits until the writer has finished and unlocked the directory, so
    /// that whoever drops a store can open it again. The writer needs no async runtime for it.
    fn drop(&mut self) {
        self.queue = None;
        let Some(thread) = self.thread.take() else {
            return;
        };
        // A decision may own the last handle and is dropped on the writer's own thread.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("the writer has panicked");
        }
    }
}

impl Store {
    /// Names the identity that local actions are signed with from now on. Its journal is the
    /// enrolled one; if a later incarnation was opened in this directory, that one is written.
    ///
    /// # Errors
    /// [`StoreError::OtherInstitution`] when the store holds another institution's journals;
    /// [`StoreError::Stopped`].
    pub async fn start_writer(&self, writer: Writer) -> Result<(), StoreError> {
        let writer = Box::new(writer);
        self.ask(|reply| Job::Start(writer, reply)).await?
    }

    /// Pins the institution of an empty store before anything is admitted (joining).
    ///
    /// Without it the store takes the institution of the first self-certified founding bundle.
    ///
    /// # Errors
    /// [`StoreError::OtherInstitution`], [`StoreError::Stopped`].
    pub async fn set_institution(&self, institution: InstitutionId) -> Result<(), StoreError> {
        self.ask(|reply| Job::Pin(institution, reply)).await?
    }

    /// The institution journal's state after the last commit.
    #[must_use]
    pub fn trust(&self) -> Arc<Trust> {
        self.inner.view.borrow().trust.clone()
    }

    /// The rule set local actions write by: the active one, or the newest one this program knows
    /// if a newer one is active.
    #[must_use]
    pub fn rules(&self) -> u32 {
        self.inner.view.borrow().rules
    }

    /// Heads of all journals held, in journal order, after the last commit.
    #[must_use]
    pub fn frontier(&self) -> Vec<Head> {
        self.inner.view.borrow().frontier.clone()
    }

    /// Our own journal, once a writer was ever started here.
    #[must_use]
    pub fn own_journal(&self) -> Option<JournalId> {
        self.inner.view.borrow().own
    }

    /// Which start of this directory's process this is, once a writer was started.
    #[must_use]
    pub fn boot(&self) -> Boot {
        self.inner.view.borrow().boot
    }

    /// How many of our own bundles no other site has acknowledged.
    #[must_use]
    pub fn held_only_here(&self) -> u64 {
        self.inner.view.borrow().held_only_here
    }

    /// The feed cursor, after each commit that changed a record, a journal or an acknowledgement.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.inner.cursor.clone()
    }

    /// Asks the writer and waits for its answer, which comes after the commit.
    pub(crate) async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<T>) -> Job,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let queue = self.inner.queue.as_ref().ok_or(StoreError::Stopped)?;
        queue.send(job(reply)).await?;
        answer.await.map_err(|_| StoreError::Stopped)
    }
}
