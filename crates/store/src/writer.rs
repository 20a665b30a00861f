//! The one writer: whatever is queued goes into one transaction, answers go out after it.
//!
//! It has a thread of its own, since the gate computes for milliseconds at a time; everything on
//! it is run one after the other, so a transaction needs no locks.

use crate::doc::SNAPSHOT;
use crate::error::StoreError;
use crate::job::{Answer, Job, refuse};
use crate::meta;
use crate::open::{BUSY_TIMEOUT, Options, WritePoint};
use crate::provisional;
use crate::state::{State, View};
use crate::tx::Tx;
use futures::FutureExt as _;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot, watch};

/// How many jobs one transaction takes at most.
const GROUP: usize = 256;
/// How many jobs may stand in the queue before their senders wait.
pub(crate) const QUEUE: usize = 1_024;

/// The writer's own side: lives on its thread until the queue is closed.
pub(crate) struct Loop {
    pub(crate) conn: SqliteConnection,
    pub(crate) state: State,
    pub(crate) options: Options,
    pub(crate) queue: mpsc::Receiver<Job>,
    pub(crate) view: watch::Sender<View>,
    pub(crate) cursor: watch::Sender<u64>,
    pub(crate) transactions: Arc<AtomicU64>,
    /// A damaged snapshot was mended; once a process is enough, or the disk is to blame.
    pub(crate) mended: bool,
}

impl Loop {
    pub(crate) async fn run(mut self) {
        let mut jobs = VecDeque::new();
        // Of what was released: after a failure it waits until somebody asks for something.
        let mut goes_on = true;
        loop {
            let unjudged = !self.state.grown.is_empty();
            if jobs.is_empty() && !self.receive(&mut jobs, unjudged && goes_on).await {
                break;
            }
            if !jobs.is_empty() && self.group(&mut jobs).await.is_err() {
                break;
            }
            // In a transaction of its own, so that nobody's work fails with it.
            if !self.state.grown.is_empty() {
                let (reply, _) = oneshot::channel();
                match self.group(&mut [Job::Release(reply)].into()).await {
                    Ok(done) => goes_on = done,
                    Err(_) => break,
                }
            }
        }
        // An open transaction of a stopped writer is undone by closing.
        if let Err(error) = self.conn.close().await {
            tracing::warn!(error = %error, "the database did not close cleanly");
        }
    }

    /// Takes what is queued; waits for something unless there is work beside it. `false` once
    /// nothing can come any more.
    async fn receive(&mut self, jobs: &mut VecDeque<Job>, busy: bool) -> bool {
        let mut batch = Vec::new();
        let received = match busy {
            true => self.queue.recv_many(&mut batch, GROUP).now_or_never(),
            false => Some(self.queue.recv_many(&mut batch, GROUP).await),
        };
        jobs.extend(batch);
        received != Some(0)
    }

    /// One transaction: as many of `jobs` as go through, answered after the commit. Whether it
    /// was committed; an error means that the writer is to stop as if killed.
    async fn group(&mut self, jobs: &mut VecDeque<Job>) -> Result<bool, StoreError> {
        let mut answers = Vec::with_capacity(jobs.len());
        let outcome = self.transact(jobs, &mut answers).await;
        match &outcome {
            Ok(state) => {
                self.transactions.fetch_add(1, Ordering::Relaxed);
                self.state = state.clone();
                if self.state.erased {
                    // While a reader holds the log, the next transaction tries again.
                    self.state.erased = !empty_log(&mut self.conn).await.unwrap_or(false);
                }
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
                if matches!(error, StoreError::Damaged(SNAPSHOT)) && !self.mended {
                    self.mended = true;
                    let (reply, _) = oneshot::channel();
                    jobs.push_front(Job::Rebuild(Box::new(|_, _| ()), reply));
                }
            }
        }
        let outcome = outcome.map(drop);
        for answer in answers {
            answer(outcome.clone());
        }
        Ok(outcome.is_ok())
    }

    async fn transact(
        &mut self,
        jobs: &mut VecDeque<Job>,
        answers: &mut Vec<Answer>,
    ) -> Result<State, StoreError> {
        let cursor = self.state.cursor;
        let begun = begin(&mut self.conn, &self.options).await;
        let mut tx = Tx::new(&mut self.conn, self.state.clone(), &self.options);
        while let Some(job) = jobs.pop_front() {
            if let Err(error) = &begun {
                answers.push(refuse(job));
                if jobs.is_empty() {
                    return Err(error.clone());
                }
                continue;
            }
            let mut broken = None;
            for ran in tx.run(job, jobs).await {
                answers.push(ran.answer);
                broken = broken.or(ran.fatal);
            }
            if let Some(error) = broken {
                return Err(error);
            }
        }
        provisional::end_if_passed(&mut tx).await?;
        let (last, unmerged) = (tx.state.cursor, tx.unmerged);
        let conn = tx.sql().await?;
        if unmerged {
            sqlx::query("insert into search(search) values('optimize')")
                .execute(&mut *conn)
                .await?;
        }
        if last != cursor {
            meta::set(conn, meta::CURSOR, last.to_be_bytes().to_vec()).await?;
        }
        tx.reach(WritePoint::BeforeCommit)?;
        sqlx::raw_sql("commit").execute(tx.raw()).await?;
        tx.reach(WritePoint::AfterCommit)?;
        Ok(tx.state)
    }
}

/// Copies the write-ahead log into the database and empties it; false when a reader is in it.
pub(crate) async fn empty_log(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // A long reader, such as `dutyroom verify`, must not hold up what people write.
    sqlx::raw_sql("pragma busy_timeout = 0")
        .execute(&mut *conn)
        .await?;
    let row = sqlx::query("pragma wal_checkpoint(truncate)");
    let emptied = row.fetch_one(&mut *conn).await;
    let patience = BUSY_TIMEOUT.as_millis();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "pragma busy_timeout = {patience}"
    )))
    .execute(conn)
    .await?;
    let busy: i64 = emptied?.try_get(0)?;
    Ok(busy == 0)
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
