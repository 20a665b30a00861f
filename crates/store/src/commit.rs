//! A local action from decision to durable bundle.

use crate::action::{Action, Committed, Reads, RecordEdit};
use crate::error::CommitError;
use crate::store::Store;

impl Store {
    /// Decides and commits one local action, serially with all others: `decide` sees the records
    /// as they are at that moment. The answer comes after the bundle is on disk. The same action
    /// id again gets the same answer and writes nothing.
    ///
    /// # Errors
    /// [`CommitError`]; nothing was written then.
    pub async fn commit<R: Send + 'static>(
        &self,
        action: Action,
        decide: impl FnOnce(&Reads) -> Result<Vec<RecordEdit>, R> + Send + 'static,
    ) -> Result<Committed, CommitError<R>> {
        unimplemented!()
    }
}
