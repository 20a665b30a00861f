//! A person and the role granted at the home site. Password verifiers never enter a journal.

use crate::field::FieldType::{Bool, Choice, String};
use crate::field::{KindTable, home_site, required};

/// Roles of DESIGN.md section 1.
pub const ROLES: &[&str] = &[
    "officer",
    "leader",
    "headquarters",
    "administrator",
    "staff",
];

/// The table. A site vouches only for persons whose home site it is.
pub const TABLE: KindTable = KindTable {
    kind: "person",
    since: 1,
    version: 1,
    number_prefix: None,
    fields: &[
        required(home_site("name", String { max: 100 })),
        required(home_site("role", Choice(ROLES))),
        home_site("dismissed", Bool),
    ],
};
