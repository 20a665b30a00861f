//! Lists of records.

use crate::error::StoreError;
use crate::meta::{id, int, uint};
use crate::number::day_bounds;
use crate::row::{Linked, RecordRow};
use crate::search;
use crate::store::Store;
use records::id::{AccountId, RecordId, SiteId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// Rows of a page when nothing is said.
const DEFAULT_LIMIT: u32 = 50;
/// Rows of a page at most.
pub(crate) const MAX_LIMIT: u32 = 200;
/// Kinds one filter names at most.
const MAX_KINDS: usize = 8;

/// What a list asks for. The default asks for the newest 50 records of all kinds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Kinds; empty means all. At most eight are looked at.
    pub kinds: Vec<String>,
    /// Home site.
    pub site: Option<SiteId>,
    /// Category or class.
    pub category: Option<String>,
    /// Local day (Asia/Shanghai) as days since 1970-01-01.
    pub day: Option<i64>,
    /// Words that all must occur.
    pub query: Option<String>,
    /// Only what is (`true`) or is not (`false`) open.
    pub open: Option<bool>,
    /// [`Page::next`] of the previous page.
    pub after: Option<String>,
    /// How many rows; 0 means 50, and never more than 200.
    pub limit: u32,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Newest `happened_at` first; records without one stand at `recorded_at`.
    pub rows: Vec<RecordRow>,
    /// Cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// The columns of a row; `$1` is our own site, whose changes have to be acknowledged.
macro_rules! row_columns {
    () => {
        "select r.id, r.kind, r.number, r.site, r.happened_at, r.sort_at, r.recorded_at, r.author,
             coalesce(p.title, '') as author_name, r.title, r.summary, r.state, r.open, r.category,
             r.level, r.sensitive, r.amended, r.incident, r.rev, r.cursor,
             r.disputed,
             (select count(*) from blob_ref b where b.record = r.id) as attachments,
             not exists (
                 -- The signs keep SQLite from looking through all changes of our site.
                 select 1 from change c where c.record = r.id and +c.site = $1
                 -- What a closure adopted is held by the hub that closed.
                 and +c.incarnation < 16777216
                 and c.seq > coalesce((
                     select max(a.seq) from peer_ack a
                     where a.site = c.site and a.incarnation = c.incarnation), 0)) as acked "
    };
}
pub(crate) use row_columns;

/// Rows from the records themselves.
macro_rules! row_select {
    () => {
        concat!(
            $crate::list::row_columns!(),
            "from record r left join record p on p.id = r.author and p.kind = 'person' "
        )
    };
}
pub(crate) use row_select;

macro_rules! list_where {
    () => {
        "where ($2 = 0 or r.kind in ($3, $4, $5, $6, $7, $8, $9, $10))
         and ($11 is null or r.site = $11)
         and ($12 is null or r.category = $12)
         and r.sort_at >= $13 and r.sort_at < $14
         and ($15 is null or r.open = $15)
         and (r.sort_at < $16 or (r.sort_at = $16 and r.id > $17)) "
    };
}

/// A page: first which rows, then what they show, or a search for a frequent word would compute
/// that of everything it finds.
macro_rules! list_page {
    ($found:literal) => {
        concat!(
            row_columns!(),
            "from (select r.no from record r ",
            list_where!(),
            $found,
            " order by r.sort_at desc, r.id limit $18) page
             join record r on r.no = page.no
             left join record p on p.id = r.author and p.kind = 'person'
             order by r.sort_at desc, r.id"
        )
    };
}

const LIST: &str = list_page!("");

const SEARCH: &str = list_page!("and r.no in (select rowid from search where search match $19)");

/// Rows of the fast lane whose record has not come through the gate.
pub(crate) const PROVISIONAL: &str = concat!(
    "select r.*, 1 as acked, 0 as disputed from provisional r ",
    list_where!(),
    "and $1 is not null and not exists (select 1 from record x where x.id = r.id)
     order by r.sort_at desc, r.id limit $18"
);

/// After which record a page begins: its sort time and id.
fn cursor(text: Option<&str>) -> Result<(i64, Vec<u8>), StoreError> {
    let Some(text) = text else {
        return Ok((i64::MAX, Vec::new()));
    };
    let (at, id) = text.split_once('.').ok_or(StoreError::BadCursor)?;
    let at = at.parse().map_err(|_| StoreError::BadCursor)?;
    let id: RecordId = id.parse().map_err(|_| StoreError::BadCursor)?;
    Ok((at, id.0.to_vec()))
}

impl Store {
    /// One page of records.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`], or what the database says.
    pub async fn list(&self, filter: &Filter) -> Result<Page, StoreError> {
        let limit = limit(filter);
        Ok(page(self.sorted(filter, limit).await?, limit))
    }

    /// Records with what they are sorted by, one more than `limit`: it tells whether there is a
    /// next page.
    pub(crate) async fn sorted(
        &self,
        filter: &Filter,
        limit: u32,
    ) -> Result<Vec<(i64, RecordRow)>, StoreError> {
        let typed = filter.query.as_deref().map(str::trim).unwrap_or_default();
        let expression = search::expression(typed);
        if expression.is_none() && !typed.is_empty() {
            // Only signs and spaces: nothing can match.
            return Ok(Vec::new());
        }
        let sql = if expression.is_some() { SEARCH } else { LIST };
        let rows = u64::from(limit) + 1;
        let found = self.select(sql, filter, expression, rows).await?;
        found.iter().map(sorted_row).collect()
    }

    /// Runs a query that has [`list_where`] in it.
    pub(crate) async fn select(
        &self,
        sql: &'static str,
        filter: &Filter,
        expression: Option<String>,
        rows: u64,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let (from, to) = filter.day.map_or((i64::MIN, i64::MAX), day_bounds);
        let (at, after) = cursor(filter.after.as_deref())?;
        let kinds = filter.kinds.len().min(MAX_KINDS);
        let mut query = sqlx::query(sql)
            .bind(self.own_site())
            .bind(int(kinds as u64));
        for index in 0..MAX_KINDS {
            query = query.bind(filter.kinds.get(index).cloned().unwrap_or_default());
        }
        query = query
            .bind(filter.site.map(|site| site.0.to_vec()))
            .bind(filter.category.clone())
            .bind(from)
            .bind(to)
            .bind(filter.open)
            .bind(at)
            .bind(after)
            .bind(int(rows));
        if let Some(expression) = expression {
            query = query.bind(expression);
        }
        Ok(query.fetch_all(&self.inner.readers).await?)
    }

    /// One record's row; `None` if it is not here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn row(&self, id: RecordId) -> Result<Option<RecordRow>, StoreError> {
        let found = sqlx::query(concat!(row_select!(), "where r.id = $2"))
            .bind(self.own_site())
            .bind(id.0.to_vec())
            .fetch_optional(&self.inner.readers)
            .await?;
        found.as_ref().map(row).transpose()
    }

    /// Records that name this one in a record field, newest first, at most 200.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn linked(&self, id: RecordId) -> Result<Vec<Linked>, StoreError> {
        let found = sqlx::query(concat!(
            "select l.relation, x.* from link l join (",
            row_select!(),
            ") x on x.id = l.record
             where l.target = $2 order by x.sort_at desc, x.id, l.relation limit 200"
        ))
        .bind(self.own_site())
        .bind(id.0.to_vec())
        .fetch_all(&self.inner.readers)
        .await?;
        let linked = found.iter().map(|found| {
            Ok(Linked {
                relation: found.try_get("relation")?,
                row: row(found)?,
            })
        });
        linked.collect()
    }

    /// Our own site as SQL wants it; no site's id is empty.
    pub(crate) fn own_site(&self) -> Vec<u8> {
        let own = self.own_journal();
        own.map(|journal| journal.site.0.to_vec())
            .unwrap_or_default()
    }
}

/// How many rows a page of this filter has at most.
pub(crate) fn limit(filter: &Filter) -> u32 {
    match filter.limit {
        0 => DEFAULT_LIMIT,
        limit => limit.min(MAX_LIMIT),
    }
}

/// The first `limit` of these rows as a page.
pub(crate) fn page(mut rows: Vec<(i64, RecordRow)>, limit: u32) -> Page {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().filter(|_| more);
    Page {
        next: last.map(|(at, row)| format!("{at}.{}", row.id)),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    }
}

/// A row of [`row_columns`] and what it is sorted by.
pub(crate) fn sorted_row(found: &SqliteRow) -> Result<(i64, RecordRow), StoreError> {
    Ok((found.try_get("sort_at")?, row(found)?))
}

/// A row of [`row_columns`].
pub(crate) fn row(row: &SqliteRow) -> Result<RecordRow, StoreError> {
    let incident: Option<Vec<u8>> = row.try_get("incident")?;
    let incident = incident
        .map(|id| RecordId::from_slice(&id).ok_or(StoreError::Damaged("an incident's id")))
        .transpose()?;
    Ok(RecordRow {
        id: RecordId(id(row, "id")?),
        kind: row.try_get("kind")?,
        number: row.try_get("number")?,
        site: SiteId(id(row, "site")?),
        happened_at: row.try_get("happened_at")?,
        recorded_at: row.try_get("recorded_at")?,
        author: AccountId(id(row, "author")?),
        author_name: row.try_get("author_name")?,
        title: row.try_get("title")?,
        summary: row.try_get("summary")?,
        state: row.try_get("state")?,
        open: row.try_get::<i64, _>("open")? != 0,
        category: row.try_get("category")?,
        level: row.try_get("level")?,
        sensitive: row.try_get::<i64, _>("sensitive")? != 0,
        amended: row.try_get("amended")?,
        incident,
        acked: row.try_get::<i64, _>("acked")? != 0,
        disputed: row.try_get::<i64, _>("disputed")? != 0,
        rev: uint(row.try_get("rev")?)?,
        attachments: uint(row.try_get("attachments")?)?,
        provisional: false,
    })
}

#[cfg(test)]
mod tests;
