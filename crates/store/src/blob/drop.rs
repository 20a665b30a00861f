//! Dropping blobs: rows first, in a transaction; then files, which nobody can find any more.

use super::limits::droppable;
use super::{BlobError, BlobStep, EAGER_LEN, blocking, files};
use crate::meta::int;
use crate::store::Store;
use records::id::{Hash, RecordId};
use sqlx::{Row as _, SqliteConnection};

impl Store {
    /// Drops copies of other sites' blobs and says how many. One that has become this site's own
    /// stays, and so does one that somebody asks for again.
    pub(super) async fn drop_cached(&self, hashes: Vec<Hash>) -> Result<usize, BlobError> {
        let _naming = self.inner.blobs.naming.lock().await;
        let dropped = self
            .write(async move |conn| {
                let mut dropped = Vec::new();
                for hash in hashes {
                    let done = sqlx::query(concat!(
                        "delete from blob where hash = $2 and ",
                        droppable!()
                    ))
                    .bind(int(EAGER_LEN))
                    .bind(hash.0.to_vec())
                    .execute(&mut *conn)
                    .await?;
                    if done.rows_affected() > 0 {
                        dropped.push(hash);
                    }
                }
                Ok(dropped)
            })
            .await?;
        let count = dropped.len();
        self.remove_files(dropped).await?;
        Ok(count)
    }

    /// Removes the files of blobs that are no longer listed. Called with the naming lock held.
    pub(super) async fn remove_files(&self, hashes: Vec<Hash>) -> Result<(), BlobError> {
        if hashes.is_empty() {
            return Ok(());
        }
        self.inner.blobs.reach(BlobStep::Unlisted)?;
        let store = self.clone();
        blocking(move || {
            for hash in hashes {
                files::remove(&store.inner.blobs.path(hash))?;
                files::remove(&store.inner.blobs.part(hash))?;
            }
            Ok(())
        })
        .await
    }
}

/// Forgets what a record names, inside a transaction, and unlists the blobs that nothing else
/// names; their files are swept afterwards.
pub(crate) async fn drop_refs_of(
    conn: &mut SqliteConnection,
    record: RecordId,
) -> Result<Vec<Hash>, sqlx::Error> {
    let named = sqlx::query("delete from blob_ref where record = $1 returning blob")
        .bind(record.0.to_vec())
        .fetch_all(&mut *conn)
        .await?;
    let mut dropped = Vec::new();
    for row in named {
        let blob: Vec<u8> = row.try_get("blob")?;
        for statement in [
            "delete from blob where hash = $1
                 and not exists (select 1 from blob_ref where blob = $1)",
            "delete from blob_want where hash = $1
                 and not exists (select 1 from blob_ref where blob = $1)",
        ] {
            let gone = sqlx::query(statement)
                .bind(blob.clone())
                .execute(&mut *conn)
                .await?;
            if gone.rows_affected() > 0 {
                dropped.extend(Hash::from_slice(&blob));
            }
        }
    }
    dropped.dedup();
    Ok(dropped)
}

/// Unlists blobs that no record names and nobody has touched since `before_ms`.
pub(crate) async fn drop_orphans(
    conn: &mut SqliteConnection,
    before_ms: i64,
    limit: u32,
) -> Result<Vec<Hash>, sqlx::Error> {
    let rows = sqlx::query(
        "delete from blob where hash in (
             select hash from blob where used_ms < $1
             and not exists (select 1 from blob_ref where blob = blob.hash) limit $2)
         returning hash",
    )
    .bind(before_ms)
    .bind(i64::from(limit))
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query(
        "delete from blob_want where not exists (select 1 from blob_ref where blob = hash)",
    )
    .execute(conn)
    .await?;
    let mut dropped = Vec::new();
    for row in &rows {
        dropped.extend(Hash::from_slice(&row.try_get::<Vec<u8>, _>("hash")?));
    }
    Ok(dropped)
}
