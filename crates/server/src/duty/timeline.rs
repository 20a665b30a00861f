//! The timeline of a record: its creation, its entries, and what its consultations add.

use super::values;
use crate::api::shapes::PersonRef;
use records::field::{Value, Values};
use serde::Serialize;
use store::{EntryOrigin, StoredRecord};
use utoipa::ToSchema;

/// What a line of the timeline tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimelineType {
    /// The record was made.
    Created,
    /// A line of progress.
    Progress,
    /// The state changed; `data.state`.
    State,
    /// The level changed; `data.level`.
    Level,
    /// 更正 or 补记; `data.type`.
    Amendment,
    /// A consultation was opened.
    ConsultationOpened,
    /// Somebody joined; `data.person`.
    Joined,
    /// Somebody left; `data.person`.
    Left,
    /// A camera was pinned; `data.camera`.
    CameraPinned,
    /// A camera was taken off; `data.camera`.
    CameraUnpinned,
    /// The consultation was closed.
    ConsultationClosed,
}

/// One line of the timeline.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TimelineItem {
    /// Entry id, or the record's id for the line of its creation.
    pub id: String,
    /// When it happened, ms.
    pub at: i64,
    /// When it was recorded, ms by the recording site's clock.
    pub recorded_at: i64,
    /// Recorded at which site.
    pub site: String,
    /// Recorded by whom.
    pub author: PersonRef,
    /// What it tells.
    #[serde(rename = "type")]
    pub kind: TimelineType,
    /// The text, where there is one.
    pub text: String,
    /// The entry's other values.
    #[schema(value_type = Object)]
    pub data: serde_json::Map<String, serde_json::Value>,
    /// The record the line belongs to: this one, or a consultation of it.
    pub record: String,
    /// 存疑: signed with a revoked key beyond its cut.
    pub disputed: bool,
}

/// The lines of `record` and of its `consultations`, oldest first.
#[must_use]
pub fn timeline(record: &StoredRecord, consultations: &[StoredRecord]) -> Vec<TimelineItem> {
    let mut items = lines(record);
    for consultation in consultations {
        items.extend(lines(consultation));
    }
    items.sort_by(|a, b| (a.at, a.recorded_at, &a.id).cmp(&(b.at, b.recorded_at, &b.id)));
    items
}

fn lines(stored: &StoredRecord) -> Vec<TimelineItem> {
    let entries = stored.entries.iter().filter_map(|origin| {
        let values = stored
            .record
            .entries
            .get(&origin.field)?
            .get(&origin.entry)?;
        entry_line(stored, origin, values)
    });
    std::iter::once(created_line(stored))
        .chain(entries)
        .collect()
}

fn created_line(stored: &StoredRecord) -> TimelineItem {
    let row = &stored.row;
    let (kind, at) = match row.kind.as_str() {
        "consultation" => (TimelineType::ConsultationOpened, row.recorded_at),
        _ => (
            TimelineType::Created,
            row.happened_at.unwrap_or(row.recorded_at),
        ),
    };
    TimelineItem {
        id: row.id.to_string(),
        at,
        recorded_at: row.recorded_at,
        site: row.site.to_string(),
        author: PersonRef {
            id: row.author.to_string(),
            name: row.author_name.clone(),
        },
        kind,
        text: row.title.clone(),
        data: serde_json::Map::new(),
        record: row.id.to_string(),
        disputed: stored.disputed.created,
    }
}

fn entry_line(stored: &StoredRecord, origin: &EntryOrigin, entry: &Values) -> Option<TimelineItem> {
    let word = entry.get("type").and_then(Value::as_text)?;
    let at = entry.get("at").and_then(Value::as_int);
    let text = entry.get("text").and_then(Value::as_text);
    Some(TimelineItem {
        id: origin.entry.to_string(),
        at: at.unwrap_or(origin.wall_ms),
        recorded_at: origin.wall_ms,
        site: origin.site.to_string(),
        author: PersonRef {
            id: origin.author.to_string(),
            name: origin.author_name.clone(),
        },
        kind: line_type(word)?,
        text: text.unwrap_or_default().to_owned(),
        data: values::object(entry),
        record: stored.row.id.to_string(),
        disputed: stored.is_disputed(origin),
    })
}

fn line_type(word: &str) -> Option<TimelineType> {
    Some(match word {
        "progress" => TimelineType::Progress,
        "state" => TimelineType::State,
        "level" => TimelineType::Level,
        "correction" | "late_entry" => TimelineType::Amendment,
        "joined" => TimelineType::Joined,
        "left" => TimelineType::Left,
        "closed" => TimelineType::ConsultationClosed,
        "pinned" => TimelineType::CameraPinned,
        "unpinned" => TimelineType::CameraUnpinned,
        _ => return None,
    })
}
