//! Lists of records, and one record whole.

use crate::error::StoreError;
use crate::row::{Linked, RecordRow, StoredRecord};
use crate::store::Store;
use records::id::{RecordId, SiteId};

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

impl Store {
    /// One page of records.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`], or what the database says.
    pub async fn list(&self, filter: &Filter) -> Result<Page, StoreError> {
        unimplemented!()
    }

    /// One record whole; `None` if it is not here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record(&self, id: RecordId) -> Result<Option<StoredRecord>, StoreError> {
        unimplemented!()
    }

    /// One record's row; `None` if it is not here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn row(&self, id: RecordId) -> Result<Option<RecordRow>, StoreError> {
        unimplemented!()
    }

    /// Records that name this one in a record field, newest first, at most 200.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn linked(&self, id: RecordId) -> Result<Vec<Linked>, StoreError> {
        unimplemented!()
    }
}
