//! What lists show of a record, from its own fields alone.
//!
//! No rules here: phases, deadlines and permissions are derived elsewhere. To give a new kind an
//! outline, add its arm to [`outline`]; a kind without one shows its number only.

use crate::field::{Value, Values};
use crate::id::{EntryId, RecordId};
use crate::read::Record;

/// How many code points of a narrative a list shows as its title.
pub const TITLE_LEN: usize = 60;
/// How many code points a list shows below the title.
pub const SUMMARY_LEN: usize = 160;

/// A record as one row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// One line of at most [`TITLE_LEN`] code points where it is cut from a narrative.
    pub title: String,
    /// What else fits on a second line, at most [`SUMMARY_LEN`] code points; may be empty.
    pub summary: String,
    /// When it happened, ms since the epoch.
    pub happened_at: Option<i64>,
    /// The category (log item) or class (incident).
    pub category: Option<String>,
    /// The level of an incident; `None` while it is not yet graded.
    pub level: Option<String>,
    /// The state word of the kind.
    pub state: Option<String>,
    /// Whether somebody still has to do something about it.
    pub open: bool,
    /// Whether only those who may read sensitive records see the content.
    pub sensitive: bool,
    /// `"correction"` if anything was corrected, else `"late_entry"` if anything was entered late;
    /// `None` without amendments. Their order does not matter.
    pub amendment: Option<&'static str>,
    /// The incident this record belongs to.
    pub incident: Option<RecordId>,
    /// The record this one was made from.
    pub source: Option<RecordId>,
    /// All text worth searching, one piece a line.
    pub search_text: String,
}

/// The outline of `record`.
#[must_use]
pub fn outline(record: &Record) -> Outline {
    let mut outline = match record.table.kind {
        "log_item" => log_item(record),
        "incident" => incident(record),
        "consultation" => consultation(record),
        "camera" => Outline {
            title: record.text("name").to_owned(),
            summary: record.text("place").to_owned(),
            open: !yes(record, "retired"),
            ..Outline::default()
        },
        "person" => Outline {
            title: record.text("name").to_owned(),
            open: !yes(record, "dismissed"),
            ..Outline::default()
        },
        _ => Outline::default(),
    };
    outline.search_text = search_text(record);
    outline
}

fn log_item(record: &Record) -> Outline {
    let finished = yes(record, "finished");
    let (title, rest) = headline(record.text("content"));
    let handling = record.text("handling");
    let summary = if rest.is_empty() { handling } else { rest };
    Outline {
        title,
        summary: line(summary, SUMMARY_LEN),
        happened_at: time(record, "happened_at"),
        category: word(record, "category"),
        state: Some(if finished { "finished" } else { "open" }.to_owned()),
        open: !finished,
        sensitive: yes(record, "sensitive"),
        amendment: amendment(record),
        ..Outline::default()
    }
}

fn incident(record: &Record) -> Outline {
    let state = word(record, "state");
    let over = ["archived", "untrue", "merged", "not_reported"];
    let summary = match latest_progress(record) {
        Some(text) => line(text, SUMMARY_LEN),
        None => line(record.text("place"), SUMMARY_LEN),
    };
    Outline {
        title: line(record.text("title"), usize::MAX),
        summary,
        happened_at: time(record, "happened_at"),
        category: word(record, "class"),
        level: word(record, "level"),
        open: !over.contains(&record.text("state")),
        state,
        source: record.get("source").and_then(Value::as_record),
        ..Outline::default()
    }
}

fn consultation(record: &Record) -> Outline {
    Outline {
        title: line(record.text("title"), usize::MAX),
        happened_at: time(record, "opened_at"),
        state: word(record, "state"),
        open: record.text("state") == "open",
        incident: record.get("incident").and_then(Value::as_record),
        ..Outline::default()
    }
}

/// Entries carry no order of their own but their time; a tie is settled by the entry id.
fn latest_progress(record: &Record) -> Option<&str> {
    let at = |(id, entry): &(&EntryId, &Values)| (entry.get("at").and_then(Value::as_int), **id);
    record
        .entries("timeline")
        .filter(|(_, entry)| !entry_text(entry, "text").is_empty())
        .max_by_key(at)
        .map(|(_, entry)| entry_text(entry, "text"))
}

fn amendment(record: &Record) -> Option<&'static str> {
    let has = |ty: &str| {
        let mut entries = record.entries("amendments");
        entries.any(|(_, entry)| entry_text(entry, "type") == ty)
    };
    ["correction", "late_entry"].into_iter().find(|ty| has(ty))
}

fn search_text(record: &Record) -> String {
    let fields = ["title", "content", "name", "caller", "place", "handling"];
    let own = fields.into_iter().map(|field| record.text(field));
    let entries = record.entries.values().flat_map(|entries| entries.values());
    let texts = entries.flat_map(|entry| {
        let texts = ["text", "name", "caption"];
        texts.map(|field| entry_text(entry, field))
    });
    let number = record.number.as_deref().into_iter();
    let pieces: Vec<&str> = number
        .chain(own)
        .chain(texts)
        .filter(|text| !text.is_empty())
        .collect();
    pieces.join("\n")
}

fn entry_text<'a>(entry: &'a Values, field: &str) -> &'a str {
    entry.get(field).and_then(Value::as_text).unwrap_or("")
}

fn yes(record: &Record, field: &str) -> bool {
    record.get(field) == Some(&Value::Bool(true))
}

fn time(record: &Record, field: &str) -> Option<i64> {
    record.get(field).and_then(Value::as_int)
}

fn word(record: &Record, field: &str) -> Option<String> {
    let word = record.get(field).and_then(Value::as_text)?;
    Some(word.to_owned())
}

/// The first line with anything on it, cut to a title, and what follows the cut.
fn headline(text: &str) -> (String, &str) {
    let text = text.trim();
    let first = text.lines().next().unwrap_or("").trim_end();
    let end = first
        .char_indices()
        .nth(TITLE_LEN)
        .map_or(first.len(), |(index, _)| index);
    (first[..end].to_owned(), text[end..].trim())
}

/// The text on one line, cut to `max` code points.
fn line(text: &str, max: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(max).collect()
}

#[cfg(test)]
mod tests;
