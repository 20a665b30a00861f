//! Records' documents: loading snapshots.

use crate::error::StoreError;
use crate::store::Store;
use automerge::Automerge;
use records::id::RecordId;
use records::kinds;
use records::read::{Record, read};
use sqlx::{Row as _, SqliteConnection};

/// The damage that a replay of the journals mends.
pub(crate) const SNAPSHOT: &str = "a record's snapshot";

impl Store {
    /// The document of the record with this number or id (32 hex digits), as any Automerge
    /// library loads it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn document(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let id = name.parse::<RecordId>().unwrap_or_default();
        let bytes = sqlx::query_scalar(
            "select s.bytes from snapshot s join record r on r.id = s.record
             where r.id = $1 or (r.number = $2 and $2 <> '') order by r.no limit 1",
        )
        .bind(id.0.to_vec())
        .bind(name)
        .fetch_optional(&self.inner.readers)
        .await?;
        Ok(bytes)
    }
}

/// A snapshot as stored.
pub(crate) struct Stored {
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: String,
}

pub(crate) async fn stored(
    conn: &mut SqliteConnection,
    record: RecordId,
) -> Result<Option<Stored>, StoreError> {
    let row = sqlx::query("select bytes, kind from snapshot where record = $1")
        .bind(record.0.to_vec())
        .fetch_optional(conn)
        .await?;
    row.map(|row| {
        Ok(Stored {
            bytes: row.try_get("bytes")?,
            kind: row.try_get("kind")?,
        })
    })
    .transpose()
}

/// A snapshot read by its kind's table.
pub(crate) fn record(bytes: &[u8], kind: &str) -> Result<Record, StoreError> {
    load(bytes, kind).map(|(_, record)| record)
}

/// A snapshot's document, and what it reads as.
pub(crate) fn load(bytes: &[u8], kind: &str) -> Result<(Automerge, Record), StoreError> {
    let table = kinds::table(kind).ok_or(StoreError::Damaged("a snapshot's kind"))?;
    let doc = Automerge::load(bytes).map_err(|_| StoreError::Damaged(SNAPSHOT))?;
    let record = read(&doc, table, None).map_err(|_| StoreError::Damaged(SNAPSHOT))?;
    Ok((doc, record))
}
