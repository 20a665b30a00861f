//! Witnesses: bundles without content that sign what this site has seen of others.

use crate::action::Action;
use crate::commit::sign_and_settle;
use crate::error::StoreError;
use crate::incarnation::{self, Moment};
use crate::job::{CommitFault, Job};
use crate::meta::int;
use crate::state::Tip;
use crate::store::Store;
use crate::tx::Tx;
use records::bundle::Head;
use records::id::JournalId;
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

impl Store {
    /// Whether another journal brought something worth a witness since our own last bundle
    /// ([`records::witness`]); as of the last commit.
    #[must_use]
    pub fn unwitnessed(&self) -> bool {
        self.inner.view.borrow().unwitnessed
    }

    /// Signs what this site has seen of the other journals since its own last bundle. Nothing is
    /// written, and `None` answered, when there is nothing worth it, or when this site may not
    /// continue its journal ([`StoreError::Restored`]). Reads and seed of the action are not used.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    pub async fn witness(&self, action: Action) -> Result<Option<Head>, StoreError> {
        let action = Box::new(action);
        self.ask(|reply| Job::Witness(action, reply)).await?
    }
}

pub(crate) async fn witness(tx: &mut Tx<'_>, action: &Action) -> Result<Option<Head>, StoreError> {
    let writer = tx.state.writer.clone().ok_or(StoreError::NoWriter)?;
    if !tx.state.unwitnessed {
        return Ok(None);
    }
    // The first bundle of a new incarnation is a witness itself.
    match incarnation::renew(tx, Moment::of(action)).await {
        Ok(None) => {}
        Err(StoreError::Restored | StoreError::Revoked) => return Ok(None),
        opened => return opened,
    }
    match sign_and_settle(tx, action, &writer, Vec::new()).await {
        Ok(head) => Ok(Some(head)),
        // Nobody counts on what it says.
        Err(CommitFault::Store(StoreError::Revoked)) => Ok(None),
        Err(CommitFault::Store(error)) => Err(error),
        // Neither a decision nor values are part of a witness.
        Err(CommitFault::Decided | CommitFault::Invalid(_)) => Err(StoreError::DecisionFailed),
    }
}

/// Whether a bundle with content stands in another journal beyond the past of our newest one.
pub(crate) async fn unwitnessed(
    conn: &mut SqliteConnection,
    own: Option<JournalId>,
    tips: &BTreeMap<JournalId, Tip>,
) -> Result<bool, StoreError> {
    let Some(own) = own else {
        return Ok(false);
    };
    let past = tips.get(&own).map(|tip| tip.past.clone());
    let past = past.unwrap_or_default();
    for journal in tips.keys().filter(|journal| **journal != own) {
        // An empty payload is one byte; lengths are read without reading the payloads.
        let found: Option<i64> = sqlx::query_scalar(
            "select 1 from bundle where site = $1 and incarnation = $2 and seq > $3
             and length(payload) > 1 limit 1",
        )
        .bind(journal.site.0.to_vec())
        .bind(i64::from(journal.incarnation))
        .bind(int(past.seq(*journal)))
        .fetch_optional(&mut *conn)
        .await?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
