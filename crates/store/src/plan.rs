//! How SQLite answers what is asked often, or while somebody waits: proved from its own plan.

use crate::{branch, erase, waiting};
use sqlx::{Connection as _, Row as _, SqliteConnection};

async fn plan(statement: &'static str) -> Vec<String> {
    let mut conn = SqliteConnection::connect("sqlite::memory:")
        .await
        .expect("a database in memory");
    let schema = include_str!("../migrations/sqlite/0001_store.sql");
    sqlx::raw_sql(schema)
        .execute(&mut conn)
        .await
        .expect("the schema");
    let explain = sqlx::AssertSqlSafe(format!("explain query plan {statement}"));
    let rows = sqlx::query(explain).fetch_all(&mut conn).await;
    let rows = rows.expect("a statement that the schema knows");
    rows.iter().map(|row| row.get("detail")).collect()
}

fn touches<'a>(plan: &'a [String], table: &str) -> Vec<&'a String> {
    let words = [format!("SEARCH {table} "), format!("SCAN {table}")];
    let of = |step: &&String| words.iter().any(|words| step.starts_with(words));
    plan.iter().filter(of).collect()
}

#[tokio::test]
async fn an_erasure_looks_up_the_bundles_it_needs_and_walks_no_journal() {
    let plan = plan(erase::PLACES).await;
    let steps = touches(&plan, "b");
    assert_eq!(steps.len(), 1, "{plan:?}");
    assert!(
        steps[0].starts_with("SEARCH") && steps[0].contains("site=? AND incarnation=? AND seq=?"),
        "{plan:?}"
    );
}

#[tokio::test]
async fn what_waits_of_a_journal_is_counted_without_touching_a_payload() {
    let plan = plan(waiting::ROOM).await;
    let steps = touches(&plan, "waiting");
    assert!(
        steps.len() == 1 && steps[0].contains("SEARCH") && steps[0].contains("COVERING INDEX"),
        "{plan:?}"
    );
}

#[tokio::test]
async fn branches_are_loaded_and_listed_without_touching_a_payload() {
    for statement in [branch::ALL, crate::quarantine::FORKS] {
        let plan = plan(statement).await;
        let steps: Vec<_> = touches(&plan, "branch")
            .into_iter()
            .chain(touches(&plan, "b"))
            .chain(touches(&plan, "p"))
            .collect();
        let covered = |step: &&&String| step.contains("COVERING INDEX");
        assert!(
            !steps.is_empty() && steps.iter().all(|step| covered(&step)),
            "{plan:?}"
        );
    }
}
