//! Blobs that are to come from other sites.

use super::BlobError;
use crate::error::StoreError;
use crate::meta::{id, int, uint};
use crate::store::Store;
use records::id::{Hash, SiteId};
use sqlx::Row as _;

/// A blob that is named here and is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedBlob {
    /// Its name.
    pub hash: Hash,
    /// The size the newest record gives it, bytes.
    pub size: u64,
    /// Somebody has asked for it; otherwise it is small and kept everywhere.
    pub asked: bool,
    /// Sites that added it to records, and so had it then.
    pub sites: Vec<SiteId>,
}

impl Store {
    /// The next blobs to fetch, at most `of_one_site` of those a site has named, so that no site's
    /// keep the others' waiting: those somebody asked for first; before those that nobody had the
    /// last time those that were not looked for yet; newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn wanted_blobs(&self, of_one_site: u32) -> Result<Vec<WantedBlob>, StoreError> {
        let rows = sqlx::query(
            "with named as (
                 select distinct blob, site from blob_ref
                 where blob in (select hash from blob_want)
             ), placed as (
                 select hash, row_number() over (partition by site
                     order by asked_ms is null, missed_ms, asked_ms desc, hlc desc) as place
                 from blob_want join named on blob = hash
             )
             select w.hash, w.asked_ms, r.size, r.site
             from blob_want w join blob_ref r on r.blob = w.hash
             where w.hash in (select hash from placed where place <= $1)
             order by w.asked_ms is null, w.missed_ms, w.asked_ms desc, w.hlc desc, w.hash,
                 r.hlc desc",
        )
        .bind(i64::from(of_one_site))
        .fetch_all(&self.inner.readers)
        .await?;
        let mut wanted: Vec<WantedBlob> = Vec::new();
        for row in rows {
            let (hash, site) = (Hash(id(&row, "hash")?), SiteId(id(&row, "site")?));
            match wanted.last_mut() {
                Some(last) if last.hash == hash => {
                    if !last.sites.contains(&site) {
                        last.sites.push(site);
                    }
                }
                _ => wanted.push(WantedBlob {
                    hash,
                    size: u64::try_from(row.try_get::<i64, _>("size")?).unwrap_or(0),
                    asked: row.try_get::<Option<i64>, _>("asked_ms")?.is_some(),
                    sites: vec![site],
                }),
            }
        }
        Ok(wanted)
    }

    /// Notes that no site reached has these, so that others have their turn before them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_missed_blobs(
        &self,
        missed: Vec<Hash>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.write(async move |conn| {
            for hash in &missed {
                sqlx::query("update blob_want set missed_ms = $2 where hash = $1")
                    .bind(hash.0.to_vec())
                    .bind(now_ms)
                    .execute(&mut *conn)
                    .await?;
            }
            Ok(())
        })
        .await
    }

    /// Asks for a blob, now and over restarts, until it is here or the asking is withdrawn. One
    /// that is here stays as it is.
    ///
    /// # Errors
    /// [`BlobError::Unnamed`], or a failure.
    pub async fn ask_for_blob(&self, hash: Hash, now_ms: i64) -> Result<(), BlobError> {
        if self.blob_sizes(hash).await?.is_empty() {
            return Err(BlobError::Unnamed);
        }
        self.write(async move |conn| {
            sqlx::query(
                "insert into blob_want(hash, hlc, asked_ms)
                 select $1, coalesce(max(hlc), 0), $2 from blob_ref where blob = $1
                     and not exists (select 1 from blob where hash = $1 and had is null)
                     having count(*) > 0
                 on conflict(hash) do update set asked_ms = $2, missed_ms = 0",
            )
            .bind(hash.0.to_vec())
            .bind(now_ms)
            .execute(conn)
            .await
            .map(drop)
        })
        .await?;
        Ok(())
    }

    /// Withdraws the asking: a large blob is no longer fetched, a small one still is. Chunks that
    /// are here stay until the blob is dropped.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stop_asking_for_blob(&self, hash: Hash) -> Result<(), StoreError> {
        self.write(async move |conn| {
            sqlx::query(
                "delete from blob_want where hash = $1
                     and not exists (
                         select 1 from blob_ref where blob = $1 and size > 0 and size <= $2)",
            )
            .bind(hash.0.to_vec())
            .bind(int(super::EAGER_LEN))
            .execute(&mut *conn)
            .await?;
            sqlx::query("update blob_want set asked_ms = null where hash = $1")
                .bind(hash.0.to_vec())
                .execute(conn)
                .await
                .map(drop)
        })
        .await
    }

    /// A blob that nobody asked for is not one that every site keeps.
    pub(super) async fn stop_wanting(&self, hash: Hash) -> Result<(), StoreError> {
        self.write(async move |conn| {
            sqlx::query("delete from blob_want where hash = $1 and asked_ms is null")
                .bind(hash.0.to_vec())
                .execute(conn)
                .await
                .map(drop)
        })
        .await
    }

    /// Whether somebody has asked for the blob.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_blob_asked_for(&self, hash: Hash) -> Result<bool, StoreError> {
        let asked = sqlx::query_scalar(
            "select count(*) from blob_want where hash = $1 and asked_ms is not null",
        )
        .bind(hash.0.to_vec())
        .fetch_one(&self.inner.readers)
        .await?;
        Ok(uint(asked)? > 0)
    }
}
