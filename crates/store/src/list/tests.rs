use super::*;

/// What SQLite means to do, step by step.
async fn plan(store: &Store, sql: &str) -> Vec<String> {
    let explained = sqlx::AssertSqlSafe(format!("explain query plan {sql}"));
    let steps = sqlx::query(explained).fetch_all(&store.inner.readers).await;
    let steps = steps.expect("the query is sound");
    let detail = |step: &SqliteRow| step.try_get("detail").expect("a plan has details");
    steps.iter().map(detail).collect()
}

#[tokio::test]
async fn a_page_asks_after_the_changes_of_its_own_rows_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path()).await.expect("a new store");
    let whole = concat!(row_select!(), "where r.id = $2");
    for sql in [LIST, SEARCH, whole] {
        let plan = plan(&store, sql).await;
        let of_record = |step: &String| step.starts_with("SEARCH c ") && step.contains("record=?");
        assert!(plan.iter().any(of_record), "{plan:#?}");
    }
}

#[tokio::test]
async fn a_page_is_picked_before_its_rows_are_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path()).await.expect("a new store");
    for sql in [LIST, SEARCH] {
        let plan = plan(&store, sql).await;
        assert_eq!(plan[0], "CO-ROUTINE page", "{plan:#?}");
        let rest = plan.iter().skip_while(|step| *step != "SCAN page");
        let again = rest.filter(|step| step.contains("record_sort") || step.contains("search"));
        assert_eq!(again.count(), 0, "{plan:#?}");
    }
}
