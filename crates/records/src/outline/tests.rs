use super::*;
use crate::field::Entries;
use crate::id::SiteId;
use crate::kinds;
use std::collections::BTreeMap;

fn record(kind: &str, values: &[(&str, Value)]) -> Record {
    Record {
        table: kinds::table(kind).unwrap(),
        home: SiteId([1; 8]),
        number: Some("E2026-000012".to_owned()),
        values: named(values),
        entries: BTreeMap::new(),
        conflicts: BTreeMap::new(),
        makers: BTreeMap::new(),
        unread: 0,
    }
}

fn named(values: &[(&str, Value)]) -> Values {
    let values = values.iter().cloned();
    values
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn with_entries(mut record: Record, field: &str, entries: &[&[(&str, Value)]]) -> Record {
    let ids = (1..).map(|id| EntryId([id; 16]));
    let entries: Entries = ids
        .zip(entries.iter().map(|values| named(values)))
        .collect();
    record.entries.insert(field.to_owned(), entries);
    record
}

#[test]
fn a_log_item_shows_its_first_line_and_what_follows() {
    let content = text("\n三号楼发现火情\n  值班员已到场。\n消防车在路上。");
    let outline = outline(&record("log_item", &[("content", content)]));
    assert_eq!(outline.title, "三号楼发现火情");
    assert_eq!(outline.summary, "值班员已到场。 消防车在路上。");
    assert!(outline.open);
    assert_eq!(outline.state.as_deref(), Some("open"));
}

#[test]
fn a_long_first_line_is_cut_by_code_points() {
    let content = "值班🚒".repeat(40);
    let outline = outline(&record("log_item", &[("content", text(&content))]));
    assert_eq!(outline.title, "值班🚒".repeat(20));
    assert_eq!(outline.title.chars().count(), TITLE_LEN);
    assert_eq!(outline.summary, "值班🚒".repeat(20));
}

#[test]
fn a_finished_sensitive_item_says_so() {
    let values = [
        ("content", text("一切正常")),
        ("happened_at", Value::Int(60_000)),
        ("category", text("patrol")),
        ("finished", Value::Bool(true)),
        ("sensitive", Value::Bool(true)),
        ("handling", text("已巡查")),
    ];
    let outline = outline(&record("log_item", &values));
    assert!(!outline.open && outline.sensitive);
    assert_eq!(outline.state.as_deref(), Some("finished"));
    assert_eq!(outline.happened_at, Some(60_000));
    assert_eq!(outline.category.as_deref(), Some("patrol"));
    assert_eq!(outline.summary, "已巡查");
}

#[test]
fn a_correction_weighs_more_than_a_late_entry() {
    let item = record("log_item", &[("content", text("一切正常"))]);
    assert_eq!(outline(&item).amendment, None);
    let late: &[(&str, Value)] = &[("type", text("late_entry")), ("text", text("补"))];
    let fixed: &[(&str, Value)] = &[("type", text("correction")), ("text", text("改"))];
    let item = with_entries(item, "amendments", &[late]);
    assert_eq!(outline(&item).amendment, Some("late_entry"));
    let item = with_entries(item, "amendments", &[fixed, late]);
    assert_eq!(outline(&item).amendment, Some("correction"));
}

#[test]
fn an_incident_shows_its_latest_progress_and_where_it_came_from() {
    let source = RecordId([4; 16]);
    let values = [
        ("title", text("三号楼火情")),
        ("class", text("fire")),
        ("state", text("handling")),
        ("source", Value::Record(source)),
    ];
    let late: &[(&str, Value)] = &[("at", Value::Int(120_000)), ("text", text("消防车已到"))];
    let early: &[(&str, Value)] = &[("at", Value::Int(60_000)), ("text", text("已报119"))];
    let silent: &[(&str, Value)] = &[("at", Value::Int(180_000)), ("state", text("handling"))];
    let incident = record("incident", &values);
    let outline = outline(&with_entries(incident, "timeline", &[late, early, silent]));
    assert_eq!(outline.title, "三号楼火情");
    assert_eq!(outline.summary, "消防车已到");
    assert_eq!(outline.category.as_deref(), Some("fire"));
    assert_eq!(outline.level, None);
    assert_eq!(outline.source, Some(source));
    assert!(outline.open);
}

#[test]
fn an_incident_that_is_over_is_not_open() {
    for state in ["archived", "untrue", "merged", "not_reported"] {
        let values = [("title", text("误报")), ("state", text(state))];
        assert!(!outline(&record("incident", &values)).open);
    }
}

#[test]
fn a_consultation_belongs_to_its_incident() {
    let incident = RecordId([4; 16]);
    let values = [
        ("title", text("三号楼火情会商")),
        ("incident", Value::Record(incident)),
        ("opened_at", Value::Int(5)),
        ("state", text("closed")),
    ];
    let outline = outline(&record("consultation", &values));
    assert_eq!(outline.incident, Some(incident));
    assert_eq!(outline.happened_at, Some(5));
    assert!(!outline.open);
}

#[test]
fn persons_and_cameras_are_shown_by_name() {
    let camera = [("name", text("东门")), ("place", text("东校区大门"))];
    let camera = outline(&record("camera", &camera));
    assert_eq!(
        (camera.title.as_str(), camera.summary.as_str()),
        ("东门", "东校区大门")
    );
    let person = [("name", text("王芳")), ("dismissed", Value::Bool(true))];
    let person = outline(&record("person", &person));
    assert_eq!(person.title, "王芳");
    assert!(!person.open);
}

#[test]
fn search_finds_number_place_caller_and_entries() {
    let values = [
        ("content", text("发现火情")),
        ("caller", text("李四")),
        ("place", text("三号楼")),
        ("category", text("fire")),
    ];
    let said: &[(&str, Value)] = &[("type", text("correction")), ("text", text("应为二号楼"))];
    let item = with_entries(record("log_item", &values), "amendments", &[said]);
    let expected = "E2026-000012\n发现火情\n李四\n三号楼\n应为二号楼";
    assert_eq!(outline(&item).search_text, expected);
}
