//! Kinds for the tests of rule sets: one that rule set 2 widened, one that it added.

use crate::field::FieldType::{Entries, String, Text};
use crate::field::{Field, KindTable, any_site, once, required, since};

const NOTE: &[Field] = &[
    required(once("text", Text { max: 20 })),
    since(2, once("mood", String { max: 20 })),
];

/// A kind of rule set 1 with fields of rule set 2.
pub(crate) const TABLE: KindTable = KindTable {
    kind: "probe",
    since: 1,
    version: 2,
    number_prefix: None,
    fields: &[
        required(once("title", String { max: 20 })),
        any_site("notes", Entries(NOTE)),
        since(2, any_site("weather", String { max: 20 })),
        since(2, any_site("photos", Entries(NOTE))),
    ],
};

/// A kind of rule set 2.
pub(crate) const LATER: KindTable = KindTable {
    kind: "later_probe",
    since: 2,
    version: 2,
    number_prefix: None,
    fields: &[since(2, required(once("title", String { max: 20 })))],
};
