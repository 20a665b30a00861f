//! Helpers of the gate's tests: sites that write as the store does, and forgers.

use super::*;
use crate::field::{FieldFault, KindTable, Value, Values};
use crate::id::{EntryId, RecordId, SiteId};
use crate::kinds;
use crate::write::{self, Edit, actor};
use automerge::ReadDoc as _;
use automerge::legacy::{Op, OpType};
use automerge::transaction::Transaction;
use automerge::{ExpandedChange, ObjType, ScalarValue};

mod accepted;
mod bounded;
mod hostile;
mod made;
mod mutated;
mod rules;

/// East campus: the home site of the records here.
const EAST: JournalId = journal(1);
/// West campus.
const WEST: JournalId = journal(2);

const fn journal(site: u8) -> JournalId {
    JournalId {
        site: SiteId([site; 8]),
        incarnation: 1,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn set(field: &str, value: Value) -> Edit {
    Edit::Set(field.to_owned(), value)
}

fn entry(field: &str, id: u8, values: &[(&str, Value)]) -> Edit {
    let values = values.iter().cloned();
    Edit::AddEntry {
        field: field.to_owned(),
        entry: EntryId([id; 16]),
        values: values
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Values>(),
    }
}

fn amendment(id: u8, said: &str) -> Edit {
    let values = [("type", text("correction")), ("text", text(said))];
    entry("amendments", id, &values)
}

fn table(kind: &str) -> &'static KindTable {
    kinds::table(kind).unwrap()
}

/// Writes at `site` on the record as `base` has it, as its store would.
fn edit(base: &[u8], site: JournalId, kind: &str, edits: &[Edit]) -> Vec<u8> {
    let mut doc = Automerge::load(base).unwrap();
    doc.set_actor(actor(site, [0; 4]));
    write::edit(&mut doc, table(kind), edits).unwrap()
}

fn create(site: JournalId, kind: &str, number: Option<&str>, edits: &[Edit]) -> Vec<u8> {
    let mut doc = Automerge::new().with_actor(actor(site, [0; 4]));
    write::create(&mut doc, table(kind), site.site, number, edits).unwrap()
}

/// Writes whatever it wants past our writer, as a hostile site would.
fn forge(base: &[u8], site: JournalId, write: impl FnOnce(&mut Transaction<'_>)) -> Vec<u8> {
    let mut doc = Automerge::load(base).unwrap();
    doc.set_actor(actor(site, [0; 4]));
    let mut tx = doc.transaction();
    write(&mut tx);
    tx.commit();
    doc.get_last_local_change().unwrap().raw_bytes().to_vec()
}

/// Rewrites the inside of a change and encodes it again.
fn rewrite(change: &[u8], rewrite: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    let mut expanded = Change::try_from(change).unwrap().decode();
    rewrite(&mut expanded);
    Change::from(expanded).raw_bytes().to_vec()
}

/// A section of one record of the east campus.
fn section(kind: &str, changes: &[Vec<u8>]) -> RecordChanges {
    RecordChanges {
        record: RecordId::new(EAST.site, [9; 8]),
        kind: kind.to_owned(),
        table_version: 1,
        changes: changes.to_vec(),
    }
}

fn verdict(base: Option<&[u8]>, site: JournalId, kind: &str, change: &[u8]) -> Verdict {
    judge(base, &section(kind, &[change.to_vec()]), site, RULES)
}

#[track_caller]
fn admit(base: Option<&[u8]>, site: JournalId, kind: &str, change: &[u8]) -> Admitted {
    match verdict(base, site, kind, change) {
        Verdict::Accepted(admitted) => *admitted,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_refused(base: &[u8], site: JournalId, kind: &str, change: &[u8], refusal: Refusal) {
    let verdict = verdict(Some(base), site, kind, change);
    assert_eq!(verdict, Verdict::Refused(refusal));
}

/// A log item of the east campus.
fn log_item() -> Vec<u8> {
    let edits = [
        set("happened_at", Value::Int(1_790_000_040_000)),
        set("category", text("fire")),
        set("content", text("三号楼二层发现火情,值班员已到场。")),
        set("place", text("三号楼")),
    ];
    let change = create(EAST, "log_item", Some("E2026-000012"), &edits);
    admit(None, EAST, "log_item", &change).snapshot
}

/// An incident of the east campus.
fn incident() -> Vec<u8> {
    let edits = [
        set("title", text("三号楼火情")),
        set("happened_at", Value::Int(1_790_000_040_000)),
        set("known_at", Value::Int(1_790_000_100_000)),
        set("class", text("fire")),
        set("state", text("received")),
    ];
    let change = create(EAST, "incident", Some("EJ2026-000003"), &edits);
    admit(None, EAST, "incident", &change).snapshot
}

fn progress(id: u8, said: &str) -> Edit {
    let values = [
        ("type", text("progress")),
        ("at", Value::Int(1_790_000_160_000)),
        ("text", text(said)),
    ];
    entry("timeline", id, &values)
}
