//! Records in other hands: the files in `tests/interop` are what our writer makes, npm's
//! Automerge reads them (`cargo xtask test`), and what is edited there does not pass our gate.

use anyhow::{Context as _, Result, bail, ensure};
use automerge::Automerge;
use records::field::{Value, Values};
use records::gate::{RULES, Refusal, Verdict, judge};
use records::id::{EntryId, JournalId, RecordId, SiteId};
use records::kinds;
use records::payload::RecordChanges;
use records::read::{Record, read};
use records::write::{self, Edit, actor};
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// The home site, before and after it was restored from a backup.
const EAST: [JournalId; 2] = [east(1), east(2)];
const WEST: JournalId = JournalId {
    site: SiteId([2; 8]),
    incarnation: 1,
};

const fn east(incarnation: u32) -> JournalId {
    JournalId {
        site: SiteId([1; 8]),
        incarnation,
    }
}

fn file(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("interop");
    folder.join(name)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn set(name: &str, value: Value) -> Edit {
    Edit::Set(name.to_owned(), value)
}

fn amendment(id: u8, words: &str) -> Edit {
    Edit::AddEntry {
        field: "amendments".to_owned(),
        entry: EntryId([id; 16]),
        values: Values::from([
            ("type".to_owned(), text("correction")),
            ("text".to_owned(), text(words)),
        ]),
    }
}

/// A log item with Chinese text, emoji, entries of two sites, and a value that the home site
/// wrote twice at once.
fn log_item() -> Result<Automerge> {
    let table = kinds::table("log_item").context("a kind")?;
    let mut doc = Automerge::new().with_actor(actor(EAST[0], [0; 4]));
    let created = [
        set("happened_at", Value::Int(1_790_000_040_000)),
        set("category", text("fire")),
        set("content", text("三号楼二层发现火情🔥，值班员已到场。")),
        set("place", text("三号楼")),
        set("sensitive", Value::Bool(false)),
    ];
    write::create(
        &mut doc,
        table,
        EAST[0].site,
        Some("E2026-000012"),
        &created,
    )?;
    let mut west = doc.fork().with_actor(actor(WEST, [0; 4]));
    write::edit(&mut west, table, &[amendment(1, "应为二号楼👩‍🚒。")])?;
    let mut again = doc.fork().with_actor(actor(EAST[1], [0; 4]));
    write::edit(&mut again, table, &[set("finished", Value::Bool(true))])?;
    let handled = set("handling", text("已报119，学生全部疏散。"));
    write::edit(
        &mut doc,
        table,
        &[handled, set("finished", Value::Bool(false))],
    )?;
    doc.merge(&mut west)?;
    doc.merge(&mut again)?;
    Ok(doc)
}

fn shown(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Int(int) => json!(int),
        Value::Bool(yes) => json!(yes),
        Value::Site(id) => json!(id.to_string()),
        Value::Record(id) => json!(id.to_string()),
        Value::Account(id) => json!(id.to_string()),
        Value::Blob(hash) => json!(hash.to_string()),
    }
}

fn object(values: &Values) -> Json {
    let shown = values
        .iter()
        .map(|(name, value)| (name.clone(), shown(value)));
    Json::Object(shown.collect())
}

/// What our reader makes of the record, as the JavaScript side is to find it.
fn expected(record: &Record, changes: usize) -> Json {
    let mut all = object(&record.values);
    all["kind"] = json!(record.table.kind);
    all["home"] = json!(record.home.to_string());
    all["number"] = json!(record.number);
    for (field, entries) in &record.entries {
        let entries = entries
            .iter()
            .map(|(id, values)| (id.to_string(), object(values)));
        all[field] = Json::Object(entries.collect());
    }
    let rivals = record.conflicts["finished"].iter();
    let mut rivals: Vec<Json> = rivals.map(|(value, _)| shown(value)).collect();
    rivals.sort_by_key(Json::to_string);
    json!({"record": all, "finished": rivals, "changes": changes})
}

/// Compares with the file, and leaves what it should be beside it when it is not.
fn check(name: &str, wanted: &[u8]) -> Result<()> {
    let found = std::fs::read(file(name)).unwrap_or_default();
    if found != wanted {
        let new = file(&format!("{name}.new"));
        std::fs::write(&new, wanted)?;
        bail!(
            "{name} is out of date; what it should be is in {}",
            new.display()
        );
    }
    Ok(())
}

#[test]
fn the_files_that_javascript_reads_are_what_our_writer_makes() -> Result<()> {
    let doc = log_item()?;
    let table = kinds::table("log_item").context("a kind")?;
    let record = read(&doc, table, None)?;
    ensure!(record.unread == 0);
    let changes = doc.get_changes(&[]).len();
    let json = serde_json::to_string_pretty(&expected(&record, changes))? + "\n";
    check("log_item.json", json.as_bytes())?;
    check("log_item.automerge", &doc.save())
}

#[test]
fn a_record_edited_in_javascript_is_refused_and_harms_nothing() -> Result<()> {
    let base = std::fs::read(file("log_item.automerge"))?;
    let section = RecordChanges {
        record: RecordId::new(EAST[0].site, [9; 8]),
        kind: "log_item".to_owned(),
        table_version: 1,
        changes: vec![std::fs::read(file("javascript.change"))?],
    };
    for signer in [EAST[0], EAST[1], WEST] {
        let verdict = judge(Some(&base), &section, signer, RULES);
        ensure!(
            verdict == Verdict::Refused(Refusal::ForeignActor),
            "{verdict:?}"
        );
    }
    Ok(())
}
