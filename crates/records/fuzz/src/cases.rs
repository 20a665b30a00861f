//! Honest sections of two kinds of record.

use automerge::Automerge;
use records::chunk::{Parts, take_apart};
use records::field::Value;
use records::gate::{RULES, Verdict, judge};
use records::id::{EntryId, JournalId, RecordId, SiteId};
use records::kinds;
use records::payload::RecordChanges;
use records::write::{Edit, actor, create, edit, table_version};

const EAST: JournalId = JournalId {
    site: SiteId([1; 8]),
    incarnation: 1,
};
const WEST: JournalId = JournalId {
    site: SiteId([2; 8]),
    incarnation: 1,
};

/// A change that passes, and the record it passes on.
#[derive(Debug, Clone)]
pub struct Case {
    /// The record's snapshot before it; `None` if it creates the record.
    pub base: Option<Vec<u8>>,
    /// The change, taken apart.
    pub parts: Parts,
    /// The section around it.
    pub section: RecordChanges,
    /// Who signed it.
    pub signer: JournalId,
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn set(field: &str, value: Value) -> Edit {
    Edit::Set(field.to_owned(), value)
}

fn entry(field: &str, id: u8, values: &[(&str, Value)]) -> Edit {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Edit::AddEntry {
        field: field.to_owned(),
        entry: EntryId([id; 16]),
        values: values.collect(),
    }
}

/// A record that is written on, a case for each change.
struct Story {
    kind: &'static str,
    doc: Automerge,
    cases: Vec<Case>,
}

impl Story {
    fn new(kind: &'static str, number: &str, created: &[Edit]) -> Self {
        let mut story = Self {
            kind,
            doc: Automerge::new(),
            cases: Vec::new(),
        };
        let mut doc = Automerge::new().with_actor(actor(EAST, [0; 4]));
        let table = kinds::table(kind).expect("a kind of this version");
        let change = create(&mut doc, table, EAST.site, Some(number), created).expect("valid");
        story.keep(None, change, created, EAST);
        story.doc = doc;
        story
    }

    /// One more change on the record as it is.
    fn then(&mut self, signer: JournalId, edits: &[Edit]) {
        let base = self.doc.save();
        let mut doc = self.doc.fork().with_actor(actor(signer, [0; 4]));
        let table = kinds::table(self.kind).expect("a kind of this version");
        let change = edit(&mut doc, table, edits).expect("valid");
        self.doc.merge(&mut doc).expect("an honest change");
        self.keep(Some(base), change, edits, signer);
    }

    /// Changes of two sites on the same state, and one on both.
    fn at_once(&mut self, east: &[Edit], west: &[Edit], both: &[Edit]) {
        let mut other = Self {
            kind: self.kind,
            doc: self.doc.fork(),
            cases: Vec::new(),
        };
        self.then(EAST, east);
        other.then(WEST, west);
        self.doc.merge(&mut other.doc).expect("an honest change");
        self.cases.append(&mut other.cases);
        self.then(EAST, both);
    }

    fn keep(&mut self, base: Option<Vec<u8>>, change: Vec<u8>, edits: &[Edit], signer: JournalId) {
        let table = kinds::table(self.kind).expect("a kind of this version");
        let parts = take_apart(&change).expect("an honest change");
        let section = RecordChanges {
            record: RecordId::new(EAST.site, [9; 8]),
            kind: self.kind.to_owned(),
            table_version: table_version(table, edits),
            changes: vec![change],
        };
        let verdict = judge(base.as_deref(), &section, signer, RULES);
        assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
        self.cases.push(Case {
            base,
            parts,
            section,
            signer,
        });
    }
}

/// Creations, edits of text and of single values, entries, changes of two sites at once.
///
/// # Panics
/// When the gate refuses one of them.
#[must_use]
pub fn cases() -> Vec<Case> {
    let correction = |id, words| {
        let values = [("type", text("correction")), ("text", text(words))];
        entry("amendments", id, &values)
    };
    let mut item = Story::new(
        "log_item",
        "E2026-000012",
        &[
            set("happened_at", Value::Int(1_790_000_040_000)),
            set("category", text("fire")),
            set("content", text("三号楼二层发现火情。")),
            set("handling", text("已报119。")),
        ],
    );
    item.then(EAST, &[set("handling", text("已报119,学生疏散。"))]);
    item.then(EAST, &[set("handling", text("已报119。"))]);
    item.at_once(
        &[set("finished", Value::Bool(true)), correction(1, "应为二号楼。")],
        &[correction(2, "补记:校医到场。")],
        &[set("handling", text("已报119,校医到场。"))],
    );
    let minute = |at: i64| Value::Int(1_790_000_040_000 + at * 60_000);
    let mut incident = Story::new(
        "incident",
        "JE2026-000003",
        &[
            set("title", text("三号楼火情")),
            set("happened_at", minute(0)),
            set("known_at", minute(1)),
            set("class", text("fire")),
            set("state", text("received")),
        ],
    );
    let progress = |id, words| {
        let values = [
            ("type", text("progress")),
            ("at", minute(5)),
            ("text", text(words)),
        ];
        entry("timeline", id, &values)
    };
    incident.at_once(
        &[set("state", text("verifying")), progress(3, "派人核实")],
        &[set("level", text("IV")), progress(4, "已报院领导")],
        &[set("state", text("handling")), set("level", text("III"))],
    );
    item.cases.append(&mut incident.cases);
    item.cases
}
