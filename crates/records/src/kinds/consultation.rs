//! 会商: a live room, usually opened from an incident (requirements.md H3).
//!
//! Who is in the room is a fold over append-only facts, so two sites never conflict over it.

use crate::field::FieldType::{Account, Choice, Entries, Record, String, Time};
use crate::field::{Field, KindTable, any_site, once, required};

/// A person joined from a site, that participation ended, or the room was closed.
const PRESENCE: &[Field] = &[
    required(once("type", Choice(&["joined", "left", "closed"]))),
    required(once("at", Time)),
    // The participation: also the media source a publisher's tracks are found under.
    once("participation", Record),
    once("person", Account),
];

/// A campus camera was pinned for everyone, or taken off.
const CAMERAS: &[Field] = &[
    required(once("type", Choice(&["pinned", "unpinned"]))),
    required(once("at", Time)),
    required(once("camera", Record)),
];

/// The table.
pub const TABLE: KindTable = KindTable {
    kind: "consultation",
    since: 1,
    version: 1,
    number_prefix: Some("H"),
    fields: &[
        required(once("title", String { max: 200 })),
        once("incident", Record),
        required(once("opened_at", Time)),
        required(any_site("state", Choice(&["open", "closed"]))),
        any_site("presence", Entries(PRESENCE)),
        any_site("cameras", Entries(CAMERAS)),
    ],
};
