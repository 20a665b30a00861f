//! A change on a real record, damaged by the fuzzer and given a right checksum again: no panic
//! escapes the gate, and what it admits loads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use records::field::Value;
use records::gate::{RULES, Verdict, judge};
use records::id::{EntryId, JournalId, RecordId, SiteId};
use records::kinds::log_item;
use records::payload::RecordChanges;
use records::write::{self, Edit};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const EAST: JournalId = JournalId {
    site: SiteId([1; 8]),
    incarnation: 1,
};

/// A log item's snapshot, and an honest change on it.
static HONEST: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(honest);

// The input is a list of edits of three bytes: position (two bytes) and value.
fuzz_target!(|bytes: &[u8]| {
    let (base, honest) = &*HONEST;
    let mut change = honest.clone();
    for edit in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % (change.len() - 8);
        change[8 + at] = edit[2];
    }
    let hash = Sha256::digest(&change[8..]);
    change[4..8].copy_from_slice(&hash[..4]);
    if let Verdict::Accepted(admitted) = judge(Some(base), &section(change), EAST, RULES) {
        automerge::Automerge::load(&admitted.snapshot).expect("an admitted snapshot loads");
    }
});

fn section(change: Vec<u8>) -> RecordChanges {
    RecordChanges {
        record: RecordId::new(EAST.site, [9; 8]),
        kind: log_item::TABLE.kind.to_owned(),
        table_version: 1,
        changes: vec![change],
    }
}

fn honest() -> (Vec<u8>, Vec<u8>) {
    let text = |text: &str| Value::Text(text.to_owned());
    let set = |field: &str, value| Edit::Set(field.to_owned(), value);
    let actor = write::actor(EAST, [0; 4]);
    let mut doc = automerge::Automerge::new().with_actor(actor);
    let created = [
        set("happened_at", Value::Int(1_790_000_040_000)),
        set("category", text("fire")),
        set("content", text("三号楼二层发现火情。")),
        set("handling", text("已报119。")),
    ];
    let table = records::kinds::table(log_item::TABLE.kind).expect("a kind of this version");
    write::create(&mut doc, table, EAST.site, Some("E2026-000012"), &created).expect("valid");
    let base = doc.save();
    let values = [("type", text("correction")), ("text", text("应为二号楼。"))];
    let edits = [
        set("handling", text("已报119,学生疏散。")),
        set("finished", Value::Bool(true)),
        Edit::AddEntry {
            field: "amendments".to_owned(),
            entry: EntryId([1; 16]),
            values: values.map(|(name, value)| (name.to_owned(), value)).into(),
        },
    ];
    let change = write::edit(&mut doc, table, &edits).expect("valid");
    (base, change)
}
