//! The record kinds of this version.

use crate::field::KindTable;

pub mod camera;
pub mod consultation;
pub mod incident;
pub mod log_item;
pub mod person;
#[cfg(test)]
pub(crate) mod probe;

/// Every kind, by table.
pub const ALL: &[&KindTable] = &[
    &log_item::TABLE,
    &incident::TABLE,
    &consultation::TABLE,
    &camera::TABLE,
    &person::TABLE,
    #[cfg(test)]
    &probe::TABLE,
    #[cfg(test)]
    &probe::LATER,
];

/// The table of `kind`; `None` for a kind of a later version.
#[must_use]
pub fn table(kind: &str) -> Option<&'static KindTable> {
    ALL.iter().copied().find(|table| table.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{Field, FieldType};
    use crate::gate::RULES;

    fn with_entries(fields: &[Field]) -> Vec<Field> {
        let nested = fields.iter().flat_map(|field| match field.ty {
            FieldType::Entries(inner) => inner,
            _ => &[],
        });
        fields.iter().chain(nested).copied().collect()
    }

    #[test]
    fn a_tables_version_is_the_rule_set_of_its_newest_field() {
        for table in ALL {
            let fields = with_entries(table.fields);
            let newest = fields.iter().map(|field| field.since).max();
            assert_eq!(newest, Some(table.version), "{}", table.kind);
            assert!(table.since <= table.version && u32::from(table.version) <= RULES);
        }
    }

    #[test]
    fn no_field_is_older_than_its_kind_and_no_later_one_is_required() {
        for table in ALL {
            for field in with_entries(table.fields) {
                assert!(field.since >= table.since, "{}", field.name);
                let later = field.since > table.since;
                assert!(!(later && field.required), "{}", field.name);
            }
        }
    }
}
