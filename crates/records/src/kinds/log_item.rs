//! 值班记事: one item of the duty log (requirements.md E1–E3; forms 1.3-A, C and E).

use crate::field::FieldType::{Blob, Bool, Choice, Entries, Int, Minute, String, Text};
use crate::field::{Field, KindTable, any_site, home_site, once, required, since};

/// What an item is about; quick types of screens.md, *The call at 3 a.m.*
pub const CATEGORIES: &[&str] = &[
    "call",
    "visit",
    "document",
    "event",
    "patrol",
    "equipment",
    "student_injury",
    "missing_person",
    "psychological",
    "fight",
    "fire",
    "theft",
    "epidemic",
    "power_water",
    "elevator",
    "public_opinion",
    "other",
];

/// Corrections (更正) and late entries (补记), shown beside what they correct.
const AMENDMENT: &[Field] = &[
    required(once("type", Choice(&["correction", "late_entry"]))),
    required(once("text", Text { max: 5_000 })),
];

/// Pictures, recordings and papers (附件), each written once beside the item. `mime` and `size` are
/// what the adding site found; whoever serves the bytes looks at them again.
const ATTACHMENT: &[Field] = &[
    required(once("name", String { max: 200 })),
    required(once("mime", String { max: 100 })),
    required(once("size", Int)),
    required(once("blob", Blob)),
    once("caption", String { max: 200 }),
];

/// The table.
pub const TABLE: KindTable = KindTable {
    kind: "log_item",
    since: 1,
    version: 2,
    number_prefix: Some(""),
    fields: &[
        required(once("happened_at", Minute)),
        required(once("category", Choice(CATEGORIES))),
        required(once("content", Text { max: 20_000 })),
        once("caller", String { max: 200 }),
        once("place", String { max: 200 }),
        once("sensitive", Bool),
        home_site("handling", Text { max: 20_000 }),
        home_site("finished", Bool),
        any_site("amendments", Entries(AMENDMENT)),
        since(2, any_site("attachments", Entries(ATTACHMENT))),
    ],
};
