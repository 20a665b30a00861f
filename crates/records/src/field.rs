//! Field tables: what a kind's records may hold, and who may write it.

use crate::id::{AccountId, EntryId, Hash, RecordId, SiteId};
use std::collections::BTreeMap;

/// The type of a field. A field never changes its type; a new type is a new field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Long text as an Automerge `Text`, merged by code points; at most `max` code points.
    Text {
        /// Limit in code points.
        max: usize,
    },
    /// Short text as a scalar, last writer wins; at most `max` code points.
    String {
        /// Limit in code points.
        max: usize,
    },
    /// Milliseconds since the epoch.
    Time,
    /// Milliseconds since the epoch, a whole minute.
    Minute,
    /// An integer within ± 2^53.
    Int,
    /// Yes or no.
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A site.
    Site,
    /// Another record.
    Record,
    /// A person.
    Account,
    /// The BLAKE3 hash of a blob's content.
    Blob,
    /// An append-only map of entries; each entry is written once and never changed.
    Entries(&'static [Field]),
}

/// Who may write a field after creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// Set when the record (or entry) is created and never again.
    Once,
    /// The site that created the record.
    HomeSite,
    /// Any site of the institution.
    AnySite,
}

/// One field of a kind or of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Name in the document and in the API.
    pub name: &'static str,
    /// Type and limits.
    pub ty: FieldType,
    /// Whether a new record must have it.
    pub required: bool,
    /// Who may write it.
    pub writer: Writer,
    /// The rule set that added it (see [`crate::gate::Rules`]). A later one is never required.
    pub since: u16,
}

impl Field {
    /// Whether this is an append-only map of entries.
    #[must_use]
    pub fn is_entries(&self) -> bool {
        matches!(self.ty, FieldType::Entries(_))
    }
}

/// The field table of a record kind.
#[derive(Debug, PartialEq, Eq)]
pub struct KindTable {
    /// Name in documents, bundles and the API.
    pub kind: &'static str,
    /// The rule set that added the kind.
    pub since: u16,
    /// The newest rule set that added a field.
    pub version: u16,
    /// Letter after the site code in record numbers; kinds without one are not numbered.
    pub number_prefix: Option<&'static str>,
    /// The fields.
    pub fields: &'static [Field],
}

impl KindTable {
    /// The field called `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        find(self.fields, name)
    }

    /// The fields of the entries called `name`.
    #[must_use]
    pub fn entry_fields(&self, name: &str) -> Option<&'static [Field]> {
        match self.field(name)?.ty {
            FieldType::Entries(fields) => Some(fields),
            _ => None,
        }
    }
}

/// The same field, added by a later rule set. Nothing writes it before that is active.
#[must_use]
pub const fn since(rules: u16, field: Field) -> Field {
    Field {
        since: rules,
        ..field
    }
}

/// The field called `name` in `fields`.
#[must_use]
pub fn find(fields: &'static [Field], name: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.name == name)
}

/// A field that only its creation writes.
#[must_use]
pub const fn once(name: &'static str, ty: FieldType) -> Field {
    Field {
        name,
        ty,
        required: false,
        writer: Writer::Once,
        since: 1,
    }
}

/// A field that any site may write.
#[must_use]
pub const fn any_site(name: &'static str, ty: FieldType) -> Field {
    Field {
        writer: Writer::AnySite,
        ..once(name, ty)
    }
}

/// A field that the record's home site may write.
#[must_use]
pub const fn home_site(name: &'static str, ty: FieldType) -> Field {
    Field {
        writer: Writer::HomeSite,
        ..once(name, ty)
    }
}

/// The same field, required in a new record.
#[must_use]
pub const fn required(field: Field) -> Field {
    Field {
        required: true,
        ..field
    }
}

/// A value of a field other than entries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Of [`FieldType::Text`], [`FieldType::String`] and [`FieldType::Choice`].
    Text(String),
    /// Of [`FieldType::Time`], [`FieldType::Minute`] and [`FieldType::Int`].
    Int(i64),
    /// Of [`FieldType::Bool`].
    Bool(bool),
    /// Of [`FieldType::Site`].
    Site(SiteId),
    /// Of [`FieldType::Record`].
    Record(RecordId),
    /// Of [`FieldType::Account`].
    Account(AccountId),
    /// Of [`FieldType::Blob`].
    Blob(Hash),
}

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number or time, if it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The blob, if it is one.
    #[must_use]
    pub fn as_blob(&self) -> Option<Hash> {
        match self {
            Value::Blob(hash) => Some(*hash),
            _ => None,
        }
    }

    /// The record, if it is one.
    #[must_use]
    pub fn as_record(&self) -> Option<RecordId> {
        match self {
            Value::Record(id) => Some(*id),
            _ => None,
        }
    }
}

/// Named values of one record or entry.
pub type Values = BTreeMap<String, Value>;

/// The entries of one entries field.
pub type Entries = BTreeMap<EntryId, Values>;

/// What is wrong with one value; the API's field codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldFault {
    /// A required field is missing or empty.
    Required,
    /// More than so many code points.
    TooLong(usize),
    /// Not one of the choices.
    NotAChoice,
    /// Not a time of the wanted precision within the years 1970–2199.
    NotATime,
    /// A value of another type.
    WrongType,
    /// No such field in the table.
    UnknownField,
}

const LATEST_TIME_MS: i64 = 7_258_118_400_000;
const MAX_INT: i64 = 1 << 53;

/// Checks one value against its field.
///
/// # Errors
/// What is wrong with it.
pub fn check(field: &Field, value: &Value) -> Result<(), FieldFault> {
    match (field.ty, value) {
        (FieldType::Text { max } | FieldType::String { max }, Value::Text(text)) => {
            if text.chars().count() > max {
                Err(FieldFault::TooLong(max))
            } else if field.required && text.trim().is_empty() {
                Err(FieldFault::Required)
            } else {
                Ok(())
            }
        }
        (FieldType::Choice(choices), Value::Text(text)) => {
            if choices.contains(&text.as_str()) {
                Ok(())
            } else {
                Err(FieldFault::NotAChoice)
            }
        }
        (FieldType::Time | FieldType::Minute, Value::Int(ms)) => {
            let whole = field.ty == FieldType::Time || ms % 60_000 == 0;
            if whole && (0..LATEST_TIME_MS).contains(ms) {
                Ok(())
            } else {
                Err(FieldFault::NotATime)
            }
        }
        (FieldType::Int, Value::Int(int)) if int.abs() < MAX_INT => Ok(()),
        (FieldType::Bool, Value::Bool(_))
        | (FieldType::Site, Value::Site(_))
        | (FieldType::Record, Value::Record(_))
        | (FieldType::Account, Value::Account(_))
        | (FieldType::Blob, Value::Blob(_)) => Ok(()),
        _ => Err(FieldFault::WrongType),
    }
}

/// Checks a whole new record or entry: each value, and that no required one is missing.
#[must_use]
pub fn check_all(fields: &'static [Field], values: &Values) -> Vec<(String, FieldFault)> {
    let known = values.iter().filter_map(|(name, value)| {
        let fault = match find(fields, name) {
            Some(field) => check(field, value).err()?,
            None => FieldFault::UnknownField,
        };
        Some((name.clone(), fault))
    });
    let missing = fields
        .iter()
        .filter(|field| field.required && !values.contains_key(field.name))
        .map(|field| (field.name.to_owned(), FieldFault::Required));
    known.chain(missing).collect()
}
