//! The actions on existing records: their names and the fields each one takes.

use records::field::FieldType::{Blob, Choice, Minute, Record, String, Text};
use records::field::{Field, once, required};
use records::kinds::incident::{CLASSES, LEVELS, STATES};

/// An action of the API on a record of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// 更正 or 补记 of a log item.
    Amend,
    /// 附件 of a log item.
    Attach,
    /// 办结 of a log item.
    Finish,
    /// 转紧急情况: a new incident from a log item.
    OpenIncident,
    /// A line of progress on an incident.
    AddProgress,
    /// Another state of an incident.
    SetState,
    /// Another level of an incident.
    SetLevel,
    /// A new consultation about an incident.
    OpenConsultation,
    /// Join a consultation.
    Join,
    /// Leave a consultation.
    Leave,
    /// Pin a camera for everyone.
    PinCamera,
    /// Take a camera off.
    UnpinCamera,
    /// Close a consultation.
    Close,
}

struct Line {
    kind: &'static str,
    name: &'static str,
    action: Action,
    fields: &'static [Field],
}

const fn line(
    kind: &'static str,
    name: &'static str,
    action: Action,
    fields: &'static [Field],
) -> Line {
    Line {
        kind,
        name,
        action,
        fields,
    }
}

const CAMERA: &[Field] = &[required(once("camera", Record))];

const TABLE: &[Line] = &[
    line(
        "log_item",
        "amend",
        Action::Amend,
        &[
            required(once("type", Choice(&["correction", "late_entry"]))),
            required(once("text", Text { max: 5_000 })),
        ],
    ),
    line(
        "log_item",
        "attach",
        Action::Attach,
        &[
            // Cleaned and cut before it is written, so a longer one is no fault.
            required(once("name", String { max: 1_000 })),
            required(once("blob", Blob)),
            once("caption", String { max: 200 }),
        ],
    ),
    line(
        "log_item",
        "finish",
        Action::Finish,
        &[required(once("handling", Text { max: 20_000 }))],
    ),
    line(
        "log_item",
        "open_incident",
        Action::OpenIncident,
        &[
            required(once("title", String { max: 200 })),
            required(once("class", Choice(CLASSES))),
            once("level", Choice(LEVELS)),
            once("place", String { max: 200 }),
            once("happened_at", Minute),
        ],
    ),
    line(
        "incident",
        "add_progress",
        Action::AddProgress,
        &[
            once("at", Minute),
            required(once("text", Text { max: 5_000 })),
        ],
    ),
    line(
        "incident",
        "set_state",
        Action::SetState,
        &[
            required(once("state", Choice(STATES))),
            once("reason", Text { max: 5_000 }),
        ],
    ),
    line(
        "incident",
        "set_level",
        Action::SetLevel,
        &[required(once("level", Choice(LEVELS)))],
    ),
    line(
        "incident",
        "open_consultation",
        Action::OpenConsultation,
        &[once("title", String { max: 200 })],
    ),
    line("consultation", "join", Action::Join, &[]),
    line(
        "consultation",
        "leave",
        Action::Leave,
        &[required(once("participation", Record))],
    ),
    line("consultation", "pin_camera", Action::PinCamera, CAMERA),
    line("consultation", "unpin_camera", Action::UnpinCamera, CAMERA),
    line("consultation", "close", Action::Close, &[]),
];

/// The action called `name` on a record of `kind`, with the fields it takes.
#[must_use]
pub fn find(kind: &str, name: &str) -> Option<(Action, &'static [Field])> {
    TABLE
        .iter()
        .find(|line| line.kind == kind && line.name == name)
        .map(|line| (line.action, line.fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_that_rules_offer_is_in_the_table() {
        let actor = rules::Actor {
            account: records::id::AccountId([1; 16]),
            role: rules::Role::Officer,
            site: records::id::SiteId([1; 8]),
        };
        for table in records::kinds::ALL {
            let record = records::read::Record {
                table,
                home: actor.site,
                number: None,
                values: records::field::Values::new(),
                entries: std::collections::BTreeMap::new(),
                conflicts: std::collections::BTreeMap::new(),
                makers: std::collections::BTreeMap::new(),
                unread: 0,
            };
            for offer in rules::offers(&actor, &record, rules::Sequels::default()) {
                let known = find(table.kind, offer.action);
                assert!(known.is_some(), "{} {}", table.kind, offer.action);
            }
        }
    }
}
