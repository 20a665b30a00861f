//! The record kinds of this version.

use crate::field::KindTable;

pub mod camera;
pub mod consultation;
pub mod incident;
pub mod log_item;
pub mod person;

/// Every kind, by table.
pub const ALL: &[&KindTable] = &[
    &log_item::TABLE,
    &incident::TABLE,
    &consultation::TABLE,
    &camera::TABLE,
    &person::TABLE,
];

/// The table of `kind`; `None` for a kind of a later version.
#[must_use]
pub fn table(kind: &str) -> Option<&'static KindTable> {
    ALL.iter().copied().find(|table| table.kind == kind)
}
