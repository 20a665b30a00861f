//! A stored row as lists, the feed and pages show it.

use crate::api::shapes::{PersonRef, RecordRow};
use rules::{Phase, Role};

/// The row for a reader of `role`.
#[must_use]
pub fn for_role(row: store::RecordRow, role: Role) -> RecordRow {
    let hidden = hides_from(role, row.sensitive);
    let mut row = whole(row);
    if hidden {
        row.title.clear();
        row.summary.clear();
    }
    row
}

/// Administrators run the system and see no sensitive content (screens.md, *Roles*).
#[must_use]
pub fn hides_from(role: Role, sensitive: bool) -> bool {
    sensitive && role == Role::Administrator
}

fn whole(row: store::RecordRow) -> RecordRow {
    let phase = Phase::of(&row.kind, row.state.as_deref(), row.open);
    RecordRow {
        id: row.id.to_string(),
        kind: row.kind,
        number: row.number,
        site: row.site.to_string(),
        happened_at: row.happened_at,
        recorded_at: row.recorded_at,
        author: PersonRef {
            id: row.author.to_string(),
            name: row.author_name,
        },
        title: row.title,
        summary: row.summary,
        state: row.state,
        phase: phase.as_str().to_owned(),
        category: row.category,
        level: row.level,
        sensitive: row.sensitive,
        amended: row.amended.unwrap_or_else(|| "none".to_owned()),
        incident: row.incident.map(|id| id.to_string()),
        acked: row.acked,
        disputed: row.disputed,
        rev: row.rev,
        attached: row.attachments,
        provisional: row.provisional,
    }
}
