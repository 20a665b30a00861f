//! A camera as the institution knows it. Address and password never enter a journal
//! (DESIGN.md section 4); they stay in the owner site's configuration.

use crate::field::FieldType::{Bool, String};
use crate::field::{KindTable, home_site, required};

/// The table. The owner is the record's home site.
pub const TABLE: KindTable = KindTable {
    kind: "camera",
    since: 1,
    version: 1,
    number_prefix: None,
    fields: &[
        required(home_site("name", String { max: 100 })),
        home_site("place", String { max: 200 }),
        home_site("retired", Bool),
    ],
};
