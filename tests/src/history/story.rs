//! The life of one record: its creation and what is added to it afterwards.

use super::{code, journal, words};
use automerge::Automerge;
use rand::Rng as _;
use rand::rngs::StdRng;
use records::field::{KindTable, Value, Values};
use records::id::{AccountId, EntryId, JournalId, RecordId};
use records::kinds::{self, incident, log_item, person::ROLES};
use records::write::{self, Edit};

/// Records of each site that stand at its beginning: persons, then cameras.
const PERSONS: u64 = 8;
const CAMERAS: u64 = 4;

/// One record under way.
pub(super) struct Story {
    pub(super) record: RecordId,
    pub(super) table: &'static KindTable,
    /// How many changes it has.
    pub(super) changes: usize,
    doc: Automerge,
    home: usize,
    number: Option<String>,
}

/// The id of a person of a site.
pub(super) fn person(site: usize, number: u64) -> AccountId {
    AccountId(record(site, number + 1).0)
}

fn record(site: usize, number: u64) -> RecordId {
    RecordId::new(journal(site).site, number.to_be_bytes())
}

fn minute(now_ms: i64) -> Value {
    Value::Int(now_ms - now_ms.rem_euclid(60_000))
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn choice(rng: &mut StdRng, choices: &[&str]) -> Value {
    text(choices[rng.random_range(0..choices.len())])
}

fn set(name: &str, value: Value) -> Edit {
    Edit::Set(name.to_owned(), value)
}

fn entry(
    rng: &mut StdRng,
    field: &str,
    values: impl IntoIterator<Item = (&'static str, Value)>,
) -> Edit {
    let values: Values = values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Edit::AddEntry {
        field: field.to_owned(),
        entry: EntryId(rng.random()),
        values,
    }
}

impl Story {
    /// The `made`th record of `site`.
    pub(super) fn begin(rng: &mut StdRng, site: usize, made: u64, now_ms: i64) -> Self {
        let kind = match made {
            ..=PERSONS => "person",
            made if made <= PERSONS + CAMERAS => "camera",
            _ => match rng.random_range(0..100) {
                0..2 => "consultation",
                2..10 => "incident",
                _ => "log_item",
            },
        };
        let table = kinds::table(kind).expect("a kind of this version");
        let year = 2026 + (now_ms - super::BEGIN_MS) / (365 * 86_400_000);
        let number = table
            .number_prefix
            .map(|prefix| format!("{}{prefix}{year}-{made:06}", code(site)));
        Self {
            record: record(site, made),
            table,
            changes: 0,
            doc: Automerge::new(),
            home: site,
            number,
        }
    }

    /// Whether a site other than its own may add to it.
    pub(super) fn any_site_may_add(&self) -> bool {
        self.changes > 0 && !matches!(self.table.kind, "person" | "camera")
    }

    /// The next change, written by a site.
    pub(super) fn change(&mut self, rng: &mut StdRng, by: JournalId, now_ms: i64) -> Vec<u8> {
        self.doc.set_actor(write::actor(by, [1; 4]));
        let home = journal(self.home);
        let bytes = if self.changes == 0 {
            let edits = self.creation(rng, now_ms);
            let number = self.number.as_deref();
            write::create(&mut self.doc, self.table, home.site, number, &edits)
        } else {
            let edit = self.edit(rng, by == home, now_ms);
            write::edit(&mut self.doc, self.table, &[edit])
        };
        self.changes += 1;
        bytes.expect("the edits fit the table and change something")
    }

    fn creation(&self, rng: &mut StdRng, now_ms: i64) -> Vec<Edit> {
        match self.table.kind {
            "person" => vec![
                set("name", text(words::name(rng))),
                set("role", choice(rng, ROLES)),
            ],
            "camera" => vec![
                set("name", text(words::place(rng))),
                set("place", text(words::place(rng))),
            ],
            "consultation" => vec![
                set("title", text(words::title(rng))),
                set("opened_at", Value::Int(now_ms)),
                set("state", text("open")),
            ],
            "incident" => vec![
                set("title", text(words::title(rng))),
                set("happened_at", minute(now_ms)),
                set("known_at", minute(now_ms)),
                set("place", text(words::place(rng))),
                set("class", choice(rng, incident::CLASSES)),
                set("state", text("received")),
            ],
            _ => vec![
                set("happened_at", minute(now_ms)),
                set("category", choice(rng, log_item::CATEGORIES)),
                set("content", text(words::paragraph(rng))),
                set("caller", text(words::name(rng))),
                set("place", text(words::place(rng))),
            ],
        }
    }

    /// Something to add. At another site only what any site may write.
    fn edit(&self, rng: &mut StdRng, at_home: bool, now_ms: i64) -> Edit {
        let unique: u32 = rng.random();
        match self.table.kind {
            "person" => set("name", text(format!("{}{unique}", words::name(rng)))),
            "camera" => set("place", text(format!("{}{unique}", words::place(rng)))),
            "consultation" => entry(
                rng,
                "presence",
                [("type", text("joined")), ("at", Value::Int(now_ms))],
            ),
            "incident" => {
                let line = words::paragraph(rng);
                let values = [
                    ("type", text("progress")),
                    ("at", minute(now_ms)),
                    ("text", text(line)),
                ];
                entry(rng, "timeline", values)
            }
            _ if at_home && rng.random_bool(0.6) => set(
                "handling",
                text(format!("{}（{unique}）", words::sentence(rng))),
            ),
            _ => {
                let kind = choice(rng, &["correction", "late_entry"]);
                let line = words::sentence(rng);
                entry(rng, "amendments", [("type", kind), ("text", text(line))])
            }
        }
    }
}
