//! What changed after a cursor.

use crate::error::StoreError;
use crate::list::{MAX_LIMIT, row, row_select};
use crate::meta::{int, uint};
use crate::row::Feed;
use crate::store::Store;
use sqlx::Row as _;

impl Store {
    /// Records that changed after cursor `after`, at most `limit` (1–200). When there are more,
    /// the cursor is that of the last row given; else it is the store's present one. `resync`
    /// tells a reader to start over: records have vanished since, or the cursor is not ours.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn feed(&self, after: u64, limit: u32) -> Result<Feed, StoreError> {
        // Read before the rows: a row that comes in between is then given twice, never skipped.
        let now = *self.inner.cursor.borrow();
        if after > now || after < self.inner.view.borrow().feed_begins {
            return Ok(Feed {
                cursor: now,
                rows: Vec::new(),
                resync: true,
            });
        }
        let limit = limit.clamp(1, MAX_LIMIT);
        let found = sqlx::query(concat!(
            row_select!(),
            "where r.cursor > $2 order by r.cursor limit $3"
        ))
        .bind(self.own_site())
        .bind(int(after))
        .bind(i64::from(limit))
        .fetch_all(&self.inner.readers)
        .await?;
        let cursor = match found.last() {
            Some(last) if found.len() == limit as usize => uint(last.try_get("cursor")?)?,
            _ => now,
        };
        Ok(Feed {
            cursor,
            rows: found.iter().map(row).collect::<Result<_, _>>()?,
            resync: false,
        })
    }
}
