//! Records' documents: loading snapshots.

use crate::action::Loaded;
use crate::error::StoreError;
use crate::meta::id;
use automerge::Automerge;
use records::id::{AccountId, RecordId};
use records::kinds;
use records::read::{Record, read};
use sqlx::{Row as _, SqliteConnection};

/// The damage that a replay of the journals mends.
pub(crate) const SNAPSHOT: &str = "a record's snapshot";

/// A snapshot as stored.
pub(crate) struct Stored {
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: String,
    pub(crate) author: AccountId,
}

pub(crate) async fn stored(
    conn: &mut SqliteConnection,
    record: RecordId,
) -> Result<Option<Stored>, StoreError> {
    let row = sqlx::query(
        "select s.bytes, s.kind, r.author from snapshot s join record r on r.id = s.record
         where s.record = $1",
    )
    .bind(record.0.to_vec())
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Stored {
            bytes: row.try_get("bytes")?,
            kind: row.try_get("kind")?,
            author: AccountId(id(&row, "author")?),
        })
    })
    .transpose()
}

impl Stored {
    pub(crate) fn doc(&self) -> Result<Automerge, StoreError> {
        Automerge::load(&self.bytes).map_err(|_| StoreError::Damaged(SNAPSHOT))
    }

    pub(crate) fn loaded(&self) -> Result<Loaded, StoreError> {
        let record = record(&self.bytes, &self.kind)?;
        Ok(Loaded {
            number: record.number.clone().unwrap_or_default(),
            record,
            author: self.author,
        })
    }
}

/// A snapshot read by its kind's table.
pub(crate) fn record(bytes: &[u8], kind: &str) -> Result<Record, StoreError> {
    let table = kinds::table(kind).ok_or(StoreError::Damaged("a snapshot's kind"))?;
    let doc = Automerge::load(bytes).map_err(|_| StoreError::Damaged(SNAPSHOT))?;
    read(&doc, table, None).map_err(|_| StoreError::Damaged(SNAPSHOT))
}
