//! One record whole, with where each part of it came from.

use crate::doc;
use crate::error::StoreError;
use crate::lane::stem;
use crate::list::{row, row_select};
use crate::meta::{id, journal_of, uint};
use crate::row::{ChangeOrigin, EntryOrigin, StoredRecord};
use crate::store::Store;
use records::bundle::{Head, decode_header};
use records::id::{AccountId, EntryId, Hash, RecordId, SiteId};
use records::share::{Share, share};
use records::trust::Standing;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::collections::BTreeSet;

impl Store {
    /// One record whole; `None` if it is not here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record(&self, id: RecordId) -> Result<Option<StoredRecord>, StoreError> {
        // One read transaction, so that row, document and origins belong together.
        let mut tx = self.inner.readers.begin().await?;
        let found = sqlx::query(concat!(row_select!(), "where r.id = $2"))
            .bind(self.own_site())
            .bind(id.0.to_vec())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let stored = doc::stored(&mut tx, id)
            .await?
            .ok_or(StoreError::Damaged("a record has no snapshot"))?;
        let entries = sqlx::query(
            "select e.field, e.entry, e.author, coalesce(p.title, '') as author_name, e.site,
                 e.wall_ms, e.hlc
             from entry_origin e left join record p on p.id = e.author and p.kind = 'person'
             where e.record = $1 order by e.hlc, e.entry",
        )
        .bind(id.0.to_vec())
        .fetch_all(&mut *tx)
        .await?;
        let changes = sqlx::query(
            "select b.site, b.incarnation, b.seq, b.hash, b.header
             from (select distinct site, incarnation, seq from change where record = $1) c
             join bundle b on b.site = c.site and b.incarnation = c.incarnation and b.seq = c.seq",
        )
        .bind(id.0.to_vec())
        .fetch_all(&mut *tx)
        .await?;
        // One whose bundle is damaged on disk is left out until that is mended.
        let changes = changes.iter().filter_map(|row| change(row).ok());
        let mut changes: Vec<ChangeOrigin> = changes.collect();
        changes.sort_by_key(|change| (change.hlc, change.head));
        for change in &mut changes {
            change.author_name = name(&mut tx, change.author).await?;
        }
        let row = row(&found)?;
        let (doc, record) = doc::load(&stored.bytes, &stored.kind)?;
        let disputed = match row.disputed {
            true => share(&doc, &record, &self.beyond_cut(&mut tx, id).await?),
            false => Share::default(),
        };
        Ok(Some(StoredRecord {
            row,
            record,
            entries: entries.iter().map(entry).collect::<Result<_, _>>()?,
            changes,
            disputed,
        }))
    }

    /// The changes of a record that were signed beyond the cut of a revoked key.
    async fn beyond_cut(
        &self,
        conn: &mut SqliteConnection,
        record: RecordId,
    ) -> Result<BTreeSet<Hash>, StoreError> {
        let changes = sqlx::query(
            "select c.hash as change, b.site, b.incarnation, b.seq, b.hash from change c
             join bundle b on b.site = c.site and b.incarnation = c.incarnation and b.seq = c.seq
             where c.record = $1",
        )
        .bind(record.0.to_vec())
        .fetch_all(conn)
        .await?;
        let trust = self.trust();
        let mut beyond = BTreeSet::new();
        for row in &changes {
            let (journal, seq) = (stem(journal_of(row)?), uint(row.try_get("seq")?)?);
            let standing = trust.standing(journal, seq, Hash(id(row, "hash")?));
            if standing == Standing::BeyondCut {
                beyond.insert(Hash(id(row, "change")?));
            }
        }
        Ok(beyond)
    }
}

fn entry(row: &SqliteRow) -> Result<EntryOrigin, StoreError> {
    Ok(EntryOrigin {
        field: row.try_get("field")?,
        entry: EntryId(id(row, "entry")?),
        author: AccountId(id(row, "author")?),
        author_name: row.try_get("author_name")?,
        site: SiteId(id(row, "site")?),
        wall_ms: row.try_get("wall_ms")?,
        hlc: uint(row.try_get("hlc")?)?,
    })
}

fn change(row: &SqliteRow) -> Result<ChangeOrigin, StoreError> {
    let header: Vec<u8> = row.try_get("header")?;
    let header = decode_header(&header).map_err(|_| StoreError::Damaged("a bundle header"))?;
    Ok(ChangeOrigin {
        head: Head {
            journal: stem(journal_of(row)?),
            seq: uint(row.try_get("seq")?)?,
            hash: Hash(id(row, "hash")?),
        },
        action: header.action,
        author: header.account,
        author_name: String::new(),
        wall_ms: header.wall_ms,
        hlc: header.hlc,
    })
}

async fn name(conn: &mut SqliteConnection, id: AccountId) -> Result<String, StoreError> {
    let name: Option<String> =
        sqlx::query_scalar("select title from record where id = $1 and kind = 'person'")
            .bind(id.0.to_vec())
            .fetch_optional(conn)
            .await?;
    Ok(name.unwrap_or_default())
}
