//! 紧急情况: an incident and its timeline (requirements.md G1–G13; screens.md, *States*).

use crate::field::FieldType::{Choice, Entries, Minute, Record, String, Text};
use crate::field::{Field, KindTable, any_site, once, required};

/// Types of seed 0 clause G1 and the national classes (requirements.md section 2).
pub const CLASSES: &[&str] = &[
    "fire",
    "theft",
    "epidemic",
    "accident",
    "natural_disaster",
    "public_health",
    "social_security",
    "network",
    "examination",
    "public_opinion",
    "other",
];

/// 特别重大 to 一般; `ungraded` is 不分级. A missing level is 未定级, not yet graded.
pub const LEVELS: &[&str] = &["I", "II", "III", "IV", "ungraded"];

/// 接报 → … → 归档 and the ways out 不属实, 并入, 研判不上报.
pub const STATES: &[&str] = &[
    "received",
    "verifying",
    "assessing",
    "handling",
    "handled",
    "final_report",
    "archived",
    "untrue",
    "merged",
    "not_reported",
];

/// One line of the timeline: written once by whoever acted, never changed.
const TIMELINE: &[Field] = &[
    required(once("type", Choice(&["progress", "state", "level"]))),
    required(once("at", Minute)),
    once("text", Text { max: 5_000 }),
    once("state", Choice(STATES)),
    once("level", Choice(LEVELS)),
];

/// The table.
pub const TABLE: KindTable = KindTable {
    kind: "incident",
    since: 1,
    version: 1,
    number_prefix: Some("J"),
    fields: &[
        required(once("title", String { max: 200 })),
        required(once("happened_at", Minute)),
        required(once("known_at", Minute)),
        once("place", String { max: 200 }),
        required(once("class", Choice(CLASSES))),
        once("source", Record),
        any_site("level", Choice(LEVELS)),
        required(any_site("state", Choice(STATES))),
        any_site("timeline", Entries(TIMELINE)),
    ],
};
