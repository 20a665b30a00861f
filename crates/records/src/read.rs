//! The tolerant reader: an Automerge document as typed values of its kind's table.

use crate::field::{Entries, Field, FieldType, KindTable, Value, Values, find};
use crate::id::{AccountId, EntryId, Hash, RecordId, SiteId};
use crate::kinds;
use automerge::{Automerge, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use std::collections::BTreeMap;

/// Document key that names the kind.
pub(crate) const KIND_KEY: &str = "kind";
/// Document key that names the home site.
pub(crate) const HOME_KEY: &str = "home";
/// Document key of the number on the form.
pub(crate) const NUMBER_KEY: &str = "number";

/// The operation that made an entry: unlike the entry's id, nobody else can choose it too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Maker {
    /// Counter of the operation.
    pub counter: u64,
    /// Actor that wrote it ([`crate::write::actor`]).
    pub actor: Vec<u8>,
}

/// A record as its kind's table reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The table it was read by.
    pub table: &'static KindTable,
    /// The site that created it.
    pub home: SiteId,
    /// The number on the form, written once by the creating site; `None` if the kind has none.
    pub number: Option<String>,
    /// One winner per field.
    pub values: Values,
    /// Entries by field, then by entry.
    pub entries: BTreeMap<String, Entries>,
    /// What made each entry, by field and entry.
    pub makers: BTreeMap<(String, EntryId), Maker>,
    /// Fields where sites truly conflict: every value with the site that wrote it.
    pub conflicts: BTreeMap<String, Vec<(Value, SiteId)>>,
    /// Keys this version does not know or whose values are of another type.
    pub unread: usize,
}

impl Record {
    /// The winning value of a field.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.values.get(field)
    }

    /// The winning text of a field, or "".
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.get(field).and_then(Value::as_text).unwrap_or("")
    }

    /// The entries of a field, in entry id order.
    pub fn entries(&self, field: &str) -> impl Iterator<Item = (&EntryId, &Values)> {
        self.entries.get(field).into_iter().flatten()
    }
}

/// A document that is no record of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The `kind` key is missing or another one.
    #[error("the document is not of the expected kind")]
    OtherKind,
    /// The `home` key is missing or no site.
    #[error("the document names no home site")]
    NoHome,
}

/// Reads `doc` by `table`, at `heads` if given, else as it stands now.
///
/// # Errors
/// [`ReadError`] when kind or home site do not hold; everything else is tolerated and counted
/// in [`Record::unread`].
pub fn read(
    doc: &Automerge,
    table: &'static KindTable,
    heads: Option<&[ChangeHash]>,
) -> Result<Record, ReadError> {
    let reader = Reader { doc, heads };
    if reader.scalar(&ROOT, KIND_KEY) != Some(ScalarValue::Str(table.kind.into())) {
        return Err(ReadError::OtherKind);
    }
    let home = match reader.scalar(&ROOT, HOME_KEY) {
        Some(ScalarValue::Bytes(bytes)) => SiteId::from_slice(&bytes),
        _ => None,
    }
    .ok_or(ReadError::NoHome)?;
    let number = match reader.scalar(&ROOT, NUMBER_KEY) {
        Some(ScalarValue::Str(number)) => Some(number.to_string()),
        _ => None,
    };
    let mut record = Record {
        table,
        home,
        number,
        values: Values::new(),
        entries: BTreeMap::new(),
        makers: BTreeMap::new(),
        conflicts: BTreeMap::new(),
        unread: 0,
    };
    for key in reader.keys(&ROOT) {
        match find(table.fields, &key) {
            _ if [KIND_KEY, HOME_KEY, NUMBER_KEY].contains(&key.as_str()) => {}
            Some(field) => reader.read_field(field, &mut record),
            None => record.unread += 1,
        }
    }
    Ok(record)
}

/// Reads `doc` as it stands now by the table of the kind it names itself.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_present(doc: &Automerge) -> Result<Record, ReadError> {
    let reader = Reader { doc, heads: None };
    let table = match reader.scalar(&ROOT, KIND_KEY) {
        Some(ScalarValue::Str(kind)) => kinds::table(&kind),
        _ => None,
    };
    read(doc, table.ok_or(ReadError::OtherKind)?, None)
}

struct Reader<'a> {
    doc: &'a Automerge,
    heads: Option<&'a [ChangeHash]>,
}

type Found = (automerge::Value<'static>, ObjId);

impl Reader<'_> {
    fn keys(&self, object: &ObjId) -> Vec<String> {
        match self.heads {
            Some(heads) => self.doc.keys_at(object, heads).collect(),
            None => self.doc.keys(object).collect(),
        }
    }

    /// All concurrent values of a key, the winner last (as Automerge orders them).
    fn all(&self, object: &ObjId, key: &str) -> Vec<Found> {
        let found = match self.heads {
            Some(heads) => self.doc.get_all_at(object, key, heads),
            None => self.doc.get_all(object, key),
        };
        let owned = found.unwrap_or_default().into_iter();
        owned.map(|(value, id)| (value.into_owned(), id)).collect()
    }

    fn winner(&self, object: &ObjId, key: &str) -> Option<Found> {
        let found = match self.heads {
            Some(heads) => self.doc.get_at(object, key, heads),
            None => self.doc.get(object, key),
        };
        let (value, id) = found.ok().flatten()?;
        Some((value.into_owned(), id))
    }

    fn scalar(&self, object: &ObjId, key: &str) -> Option<ScalarValue> {
        self.winner(object, key)?.0.into_scalar().ok()
    }

    fn read_field(&self, field: &'static Field, record: &mut Record) {
        if let FieldType::Entries(fields) = field.ty {
            let entries = self.read_entries(field, fields, record);
            record.entries.insert(field.name.to_owned(), entries);
            return;
        }
        let all = self.all(&ROOT, field.name);
        let Some(winner) = all.last() else {
            return;
        };
        let Some(value) = self.value(field, winner) else {
            record.unread += 1;
            return;
        };
        record.values.insert(field.name.to_owned(), value);
        if all.len() > 1 {
            let rivals = all.iter().filter_map(|found| {
                let (value, site) = (self.value(field, found)?, writer_site(&found.1)?);
                Some((value, site))
            });
            record
                .conflicts
                .insert(field.name.to_owned(), rivals.collect());
        }
    }

    /// Two sites that add the first entry at once make two maps under one key; both are read.
    fn read_entries(
        &self,
        field: &Field,
        fields: &'static [Field],
        record: &mut Record,
    ) -> Entries {
        let mut entries = Entries::new();
        for (value, map) in self.all(&ROOT, field.name) {
            if value.to_objtype() != Some(ObjType::Map) {
                record.unread += 1;
                continue;
            }
            for key in self.keys(&map) {
                let Ok(id) = key.parse::<EntryId>() else {
                    record.unread += 1;
                    continue;
                };
                for (value, entry) in self.all(&map, &key).into_iter().rev() {
                    if value.to_objtype() != Some(ObjType::Map) {
                        record.unread += 1;
                        continue;
                    }
                    let values = self.read_entry(&entry, fields, &mut record.unread);
                    let taken = entries.contains_key(&id);
                    let id = if taken { rival_id(id, &entry) } else { id };
                    if let ObjId::Id(counter, actor, _) = &entry {
                        let (counter, actor) = (*counter, actor.to_bytes().to_vec());
                        let key = (field.name.to_owned(), id);
                        record.makers.insert(key, Maker { counter, actor });
                    }
                    entries.insert(id, values);
                }
            }
        }
        entries
    }

    fn read_entry(&self, entry: &ObjId, fields: &'static [Field], unread: &mut usize) -> Values {
        let mut values = Values::new();
        for key in self.keys(entry) {
            let read = find(fields, &key)
                .zip(self.winner(entry, &key))
                .and_then(|(field, found)| self.value(field, &found));
            match read {
                Some(value) => {
                    values.insert(key, value);
                }
                None => *unread += 1,
            }
        }
        values
    }

    fn value(&self, field: &Field, (value, id): &Found) -> Option<Value> {
        match (field.ty, value) {
            // JavaScript writers turn a scalar string into a Text object (findings-sync.md 3).
            (
                FieldType::Text { .. } | FieldType::String { .. } | FieldType::Choice(_),
                automerge::Value::Object(ObjType::Text),
            ) => {
                let text = match self.heads {
                    Some(heads) => self.doc.text_at(id, heads),
                    None => self.doc.text(id),
                };
                text.ok().map(Value::Text)
            }
            (ty, automerge::Value::Scalar(scalar)) => scalar_value(ty, scalar.as_ref()),
            _ => None,
        }
    }
}

/// The typed value of a scalar, if it is of the field's type.
pub(crate) fn scalar_value(ty: FieldType, scalar: &ScalarValue) -> Option<Value> {
    match (ty, scalar) {
        (
            FieldType::Text { .. } | FieldType::String { .. } | FieldType::Choice(_),
            ScalarValue::Str(text),
        ) => Some(Value::Text(text.to_string())),
        (FieldType::Time | FieldType::Minute | FieldType::Int, ScalarValue::Int(int)) => {
            Some(Value::Int(*int))
        }
        (FieldType::Bool, ScalarValue::Boolean(yes)) => Some(Value::Bool(*yes)),
        (FieldType::Site, ScalarValue::Bytes(id)) => SiteId::from_slice(id).map(Value::Site),
        (FieldType::Record, ScalarValue::Bytes(id)) => RecordId::from_slice(id).map(Value::Record),
        (FieldType::Account, ScalarValue::Bytes(id)) => {
            AccountId::from_slice(id).map(Value::Account)
        }
        (FieldType::Blob, ScalarValue::Bytes(hash)) => Hash::from_slice(hash).map(Value::Blob),
        _ => None,
    }
}

/// Where two sites used one entry id at once, both entries are read: the one that lost gets an
/// id of its own, so that no site can hide another's entry behind its own.
fn rival_id(id: EntryId, object: &ObjId) -> EntryId {
    let mut hasher = blake3::Hasher::new_derive_key("dutyroom 2026 rival entry v1");
    hasher.update(&id.0);
    if let ObjId::Id(counter, actor, _) = object {
        hasher.update(&counter.to_le_bytes());
        hasher.update(actor.to_bytes());
    }
    EntryId::from_slice(&hasher.finalize().as_bytes()[..EntryId::LEN])
        .expect("taken with the length of an id")
}

/// The site whose actor wrote an operation; actor ids begin with the site id.
fn writer_site(id: &ObjId) -> Option<SiteId> {
    match id {
        ObjId::Id(_, actor, _) => SiteId::from_slice(actor.to_bytes().get(..SiteId::LEN)?),
        ObjId::Root => None,
    }
}
