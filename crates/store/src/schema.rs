//! The schema: additive migration files, the version in `PRAGMA user_version`.
//!
//! To change the schema, add the next file and list it; a released file is never edited.

use crate::error::OpenError;
use sqlx::SqliteConnection;

const MIGRATIONS: &[&str] = &[include_str!("../migrations/sqlite/0001_store.sql")];

/// "Duty" in ASCII: tells our databases from those of other programs.
const APPLICATION_ID: i64 = 0x4475_7479;

async fn pragma(conn: &mut SqliteConnection, query: &'static str) -> Result<i64, OpenError> {
    Ok(sqlx::query_scalar(query).fetch_one(conn).await?)
}

/// Refuses a database of another program or of a later version; says which version it has.
pub(crate) async fn check(conn: &mut SqliteConnection) -> Result<usize, OpenError> {
    let found = pragma(conn, "pragma user_version").await?;
    let application = pragma(conn, "pragma application_id").await?;
    let tables = pragma(conn, "select count(*) from sqlite_schema").await?;
    let ours = application == APPLICATION_ID || (application == 0 && tables == 0);
    if !ours {
        return Err(OpenError::Foreign);
    }
    match usize::try_from(found) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        _ => Err(OpenError::NewerSchema {
            found,
            known: known(),
        }),
    }
}

/// The version this program writes.
pub(crate) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).expect("there are few migrations")
}

/// Brings the database up to date, each file in its own transaction.
pub(crate) async fn migrate(conn: &mut SqliteConnection) -> Result<(), OpenError> {
    let version = check(conn).await?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        sqlx::raw_sql("begin immediate").execute(&mut *conn).await?;
        let done = apply(conn, migration, index + 1).await;
        if done.is_err() {
            // The error of the migration is the one worth telling.
            drop(sqlx::raw_sql("rollback").execute(&mut *conn).await);
        }
        done?;
    }
    Ok(())
}

async fn apply(
    conn: &mut SqliteConnection,
    migration: &'static str,
    version: usize,
) -> Result<(), OpenError> {
    sqlx::raw_sql(migration).execute(&mut *conn).await?;
    // Pragmas take no parameters; both values are our own numbers.
    let stamp =
        format!("pragma application_id = {APPLICATION_ID}; pragma user_version = {version}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(stamp))
        .execute(&mut *conn)
        .await?;
    sqlx::raw_sql("commit").execute(conn).await?;
    Ok(())
}
