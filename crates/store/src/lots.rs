//! Many rows with one statement: a statement costs a round trip to SQLite's thread.

use crate::error::StoreError;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

/// Rows of one statement; fixed, so that SQLite prepares each statement once.
pub(crate) const LOTS: [usize; 4] = [64, 32, 8, 1];

/// The rows of `sql`, which ends in `in `, for every id; shorter lists repeat their last one.
pub(crate) async fn select(
    conn: &mut SqliteConnection,
    sql: &str,
    ids: &[&[u8]],
) -> Result<Vec<SqliteRow>, StoreError> {
    let mut rows = Vec::new();
    for lot in ids.chunks(LOTS[0]) {
        let Some(last) = lot.last() else { continue };
        let size = LOTS.into_iter().rev().find(|size| *size >= lot.len());
        let mut select = QueryBuilder::<Sqlite>::new(sql);
        select.push("(");
        let mut list = select.separated(", ");
        for at in 0..size.unwrap_or(LOTS[0]) {
            list.push_bind(lot.get(at).unwrap_or(last).to_vec());
        }
        list.push_unseparated(")");
        rows.extend(select.build().fetch_all(&mut *conn).await?);
    }
    Ok(rows)
}
