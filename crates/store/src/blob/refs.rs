//! Which record names which blob: a cache of the journals.

use super::EAGER_LEN;
use crate::error::StoreError;
use crate::meta::{id, int};
use crate::store::Store;
use crate::tx::Tx;
use records::bundle::Header;
use records::field::{Value, Values};
use records::id::{EntryId, Hash, RecordId, SiteId};
use sqlx::{Row as _, SqliteConnection};

/// A record's entry that names a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRef {
    /// The record.
    pub record: RecordId,
    /// The entries field.
    pub field: String,
    /// The entry in it.
    pub entry: EntryId,
    /// The size the entry gives, bytes.
    pub size: u64,
    /// The site that added it, which had the blob then.
    pub site: SiteId,
    /// Whether the record is labelled 敏感.
    pub sensitive: bool,
}

/// Writes the blobs that an entry names, and asks for small ones.
pub(crate) async fn project(
    tx: &mut Tx<'_>,
    header: &Header,
    record: RecordId,
    field: &str,
    entry: EntryId,
    values: &Values,
) -> Result<(), StoreError> {
    let size = values.get("size").and_then(Value::as_int).unwrap_or(0);
    for blob in values.values().filter_map(Value::as_blob) {
        sqlx::query(
            "insert into blob_ref(blob, record, field, entry, size, site, hlc)
             values($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        )
        .bind(blob.0.to_vec())
        .bind(record.0.to_vec())
        .bind(field)
        .bind(entry.0.to_vec())
        .bind(size)
        .bind(header.site.0.to_vec())
        .bind(int(header.hlc))
        .execute(tx.raw())
        .await?;
        // One that is here needs no asking for; a large one waits until somebody opens it.
        sqlx::query(
            "insert into blob_want(hash, hlc, asked_ms)
             select $1, $2, null where $3 > 0 and $3 <= $4
                 and not exists (select 1 from blob where hash = $1 and had is null)
             on conflict(hash) do update set hlc = $2 where hlc < $2",
        )
        .bind(blob.0.to_vec())
        .bind(int(header.hlc))
        .bind(size)
        .bind(int(EAGER_LEN))
        .execute(tx.raw())
        .await?;
    }
    Ok(())
}

/// Forgets what records name, before a replay; what people have asked for stays asked for.
pub(crate) async fn forget_all(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    for statement in [
        "delete from blob_ref",
        "delete from blob_want where asked_ms is null",
    ] {
        sqlx::query(statement).execute(&mut *conn).await?;
    }
    Ok(())
}

impl Store {
    /// Every entry here that names the blob, the newest first, at most a hundred.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn blob_refs(&self, hash: Hash) -> Result<Vec<BlobRef>, StoreError> {
        let rows = sqlx::query(
            "select b.record, b.field, b.entry, b.size, b.site, r.sensitive
             from blob_ref b join record r on r.id = b.record
             where b.blob = $1 order by b.hlc desc, b.entry limit 100",
        )
        .bind(hash.0.to_vec())
        .fetch_all(&self.inner.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(BlobRef {
                    record: RecordId(id(row, "record")?),
                    field: row.try_get("field")?,
                    entry: EntryId(id(row, "entry")?),
                    size: u64::try_from(row.try_get::<i64, _>("size")?).unwrap_or(0),
                    site: SiteId(id(row, "site")?),
                    sensitive: row.try_get::<i64, _>("sensitive")? != 0,
                })
            })
            .collect()
    }

    /// The sizes that records give the blob; none if no record names it.
    pub(super) async fn blob_sizes(&self, hash: Hash) -> Result<Vec<u64>, StoreError> {
        let sizes = sqlx::query_scalar("select distinct size from blob_ref where blob = $1")
            .bind(hash.0.to_vec())
            .fetch_all(&self.inner.readers)
            .await?;
        // A size below zero is no size; the record itself stays as it was signed.
        Ok(sizes
            .into_iter()
            .filter_map(|size: i64| u64::try_from(size).ok())
            .collect())
    }
}
