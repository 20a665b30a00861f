//! The writer: typed edits to raw Automerge changes.

use crate::field::{
    Field, FieldFault, FieldType, KindTable, Value, Values, check, check_all, find,
};
use crate::id::{EntryId, JournalId, SiteId};
use crate::prescan::{PrescanError, prescan};
use crate::read::{HOME_KEY, KIND_KEY, NUMBER_KEY};
use automerge::transaction::{Transactable, Transaction};
use automerge::{
    ActorId, Automerge, AutomergeError, ObjId, ObjType, ROOT, ScalarValue, TextEncoding, hydrate,
};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// One edit of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Writes a field.
    Set(String, Value),
    /// Adds an entry to an entries field.
    AddEntry {
        /// The entries field.
        field: String,
        /// Its new, random id.
        entry: EntryId,
        /// Its values.
        values: Values,
    },
}

/// Why edits were not written; the document is unchanged then.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Values do not fit the table.
    #[error("{} value(s) do not fit the field table", .0.len())]
    Invalid(Vec<(String, FieldFault)>),
    /// The edits leave every field as it is, so there is no change to journal.
    #[error("the edits change nothing")]
    Unchanged,
    /// The change would be larger than any gate takes. Unlike after the other errors, the
    /// document holds the edit and must be thrown away.
    #[error("the change is too large to journal")]
    TooLarge(#[source] PrescanError),
    /// Automerge refused the edit.
    #[error("automerge refused the edit")]
    Automerge(#[from] AutomergeError),
}

/// The actor a site writes under: site (8 B) + incarnation (4 B) + random slot per start (4 B).
#[must_use]
pub fn actor(journal: JournalId, slot: [u8; 4]) -> ActorId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&journal.site.0);
    bytes[8..12].copy_from_slice(&journal.incarnation.to_be_bytes());
    bytes[12..].copy_from_slice(&slot);
    ActorId::from(bytes)
}

/// The journal whose site wrote under `actor`, if the actor has our form.
#[must_use]
pub fn journal_of(actor: &ActorId) -> Option<JournalId> {
    let bytes: &[u8; 16] = actor.to_bytes().try_into().ok()?;
    Some(JournalId {
        site: SiteId::from_slice(&bytes[..8])?,
        incarnation: u32::from_be_bytes(bytes[8..12].try_into().ok()?),
    })
}

/// Creates a record: `doc` must be empty and carry the writer's actor. `number` is the one on
/// the form, for kinds that have a prefix; it is never changed later.
///
/// # Errors
/// [`WriteError`]; nothing is written then.
pub fn create(
    doc: &mut Automerge,
    table: &'static KindTable,
    home: SiteId,
    number: Option<&str>,
    edits: &[Edit],
) -> Result<Vec<u8>, WriteError> {
    let mut faults = check_edits(table, edits);
    let mut values = Values::new();
    for edit in edits {
        if let Edit::Set(name, value) = edit {
            values.insert(name.clone(), value.clone());
        }
    }
    faults.extend(
        check_all(table.fields, &values)
            .into_iter()
            .filter(|(_, fault)| *fault == FieldFault::Required),
    );
    faults.dedup();
    write(doc, faults, |tx| {
        let (root, rest) = beginning(table, home, number, edits);
        tx.init_root_from_hydrate(&root.into())?;
        rest.into_iter().try_for_each(|edit| apply(tx, table, edit))
    })
}

/// Edits an existing record under the actor `doc` carries.
///
/// # Errors
/// [`WriteError`]; nothing is written then.
pub fn edit(
    doc: &mut Automerge,
    table: &'static KindTable,
    edits: &[Edit],
) -> Result<Vec<u8>, WriteError> {
    write(doc, check_edits(table, edits), |tx| {
        edits.iter().try_for_each(|edit| apply(tx, table, edit))
    })
}

/// The faults of edits that write what rule set `rules` does not have yet.
#[must_use]
pub fn inactive(
    table: &'static KindTable,
    edits: &[Edit],
    rules: u32,
) -> Vec<(String, FieldFault)> {
    let written = edits.iter().flat_map(|edit| written(table, edit));
    let later = written.filter(|field| u32::from(field.since) > rules);
    later
        .map(|field| (field.name.to_owned(), FieldFault::UnknownField))
        .collect()
}

/// The table version a section with these edits names: the rule set of the newest field they
/// write, so that every site that knows it can read them.
#[must_use]
pub fn table_version(table: &'static KindTable, edits: &[Edit]) -> u16 {
    let written = edits.iter().flat_map(|edit| written(table, edit));
    let newest = written.map(|field| field.since).max();
    newest.unwrap_or(table.since).max(table.since)
}

/// The fields an edit writes; those of an entry after the entries field itself.
fn written(table: &'static KindTable, edit: &Edit) -> Vec<&'static Field> {
    match edit {
        Edit::Set(name, _) => table.field(name).into_iter().collect(),
        Edit::AddEntry { field, values, .. } => {
            let fields = table.entry_fields(field).unwrap_or_default();
            let inner = values.keys().filter_map(|name| find(fields, name));
            table.field(field).into_iter().chain(inner).collect()
        }
    }
}

fn check_edits(table: &'static KindTable, edits: &[Edit]) -> Vec<(String, FieldFault)> {
    edits
        .iter()
        .flat_map(|edit| match edit {
            Edit::Set(name, value) => match find(table.fields, name) {
                Some(field) => check(field, value)
                    .err()
                    .map(|fault| (name.clone(), fault))
                    .into_iter()
                    .collect(),
                None => vec![(name.clone(), FieldFault::UnknownField)],
            },
            Edit::AddEntry { field, values, .. } => match table.entry_fields(field) {
                Some(fields) => check_all(fields, values),
                None => vec![(field.clone(), FieldFault::UnknownField)],
            },
        })
        .collect()
}

fn write(
    doc: &mut Automerge,
    faults: Vec<(String, FieldFault)>,
    edit: impl FnOnce(&mut Transaction<'_>) -> Result<(), AutomergeError>,
) -> Result<Vec<u8>, WriteError> {
    if !faults.is_empty() {
        return Err(WriteError::Invalid(faults));
    }
    let mut tx = doc.transaction();
    edit(&mut tx)?;
    if tx.commit().0.is_none() {
        return Err(WriteError::Unchanged);
    }
    let change = doc.get_last_local_change().expect("the edit was committed");
    prescan(change.raw_bytes()).map_err(WriteError::TooLarge)?;
    Ok(change.raw_bytes().to_vec())
}

/// What a new record begins as, in one piece: Automerge takes that for a fraction of what as many
/// single operations cost. Entries, and edits that come back to a field, are left for afterwards.
fn beginning<'a>(
    table: &'static KindTable,
    home: SiteId,
    number: Option<&str>,
    edits: &'a [Edit],
) -> (HashMap<&'static str, hydrate::Value>, Vec<&'a Edit>) {
    let mut root = HashMap::new();
    root.insert(KIND_KEY, hydrate::Value::from(table.kind));
    root.insert(HOME_KEY, hydrate::Value::scalar(home.0.to_vec()));
    if let Some(number) = number {
        root.insert(NUMBER_KEY, hydrate::Value::from(number));
    }
    // Made now, so that two sites adding the first entry at once share one map. Those that
    // later rule sets added are made when used: whoever does not know them reads the rest.
    let entries = table.fields.iter().filter(|field| field.is_entries());
    let entries = entries.filter(|field| field.since == table.since);
    root.extend(entries.map(|field| (field.name, hydrate::Value::map())));
    let mut rest = Vec::new();
    for edit in edits {
        match edit {
            Edit::Set(name, value) => {
                let field = table.field(name).expect("edits were checked");
                match root.entry(field.name) {
                    Entry::Vacant(at) => drop(at.insert(whole(field, value))),
                    Entry::Occupied(_) => rest.push(edit),
                }
            }
            Edit::AddEntry { .. } => rest.push(edit),
        }
    }
    (root, rest)
}

/// An entry in one piece.
fn entry_of(fields: &'static [Field], values: &Values) -> hydrate::Value {
    let values = values.iter().map(|(name, value)| {
        let field = find(fields, name).expect("edits were checked");
        (field.name, whole(field, value))
    });
    hydrate::Value::from(values.collect::<HashMap<_, _>>())
}

/// A value where none was before.
fn whole(field: &Field, value: &Value) -> hydrate::Value {
    match (field.ty, value) {
        (FieldType::Text { .. }, Value::Text(text)) => {
            hydrate::Value::text(TextEncoding::platform_default(), text)
        }
        _ => hydrate::Value::Scalar(scalar(value)),
    }
}

fn apply<T: Transactable>(
    tx: &mut T,
    table: &'static KindTable,
    edit: &Edit,
) -> Result<(), AutomergeError> {
    match edit {
        Edit::Set(name, value) => {
            let field = table.field(name).expect("edits were checked");
            put(tx, &ROOT, field, value)
        }
        Edit::AddEntry {
            field,
            entry,
            values,
        } => {
            let map = match tx.get(ROOT, field.as_str())? {
                Some((value, id)) if value.to_objtype() == Some(ObjType::Map) => id,
                _ => tx.put_object(ROOT, field.as_str(), ObjType::Map)?,
            };
            let fields = table.entry_fields(field).expect("edits were checked");
            let whole = entry_of(fields, values);
            tx.batch_create_object(&map, entry.to_string(), &whole, false)?;
            Ok(())
        }
    }
}

fn put<T: Transactable>(
    tx: &mut T,
    object: &ObjId,
    field: &Field,
    value: &Value,
) -> Result<(), AutomergeError> {
    if let (FieldType::Text { .. }, Value::Text(text)) = (field.ty, value) {
        let id = match tx.get(object, field.name)? {
            Some((found, id)) if found.to_objtype() == Some(ObjType::Text) => id,
            _ => tx.put_object(object, field.name, ObjType::Text)?,
        };
        return update_text(tx, &id, text);
    }
    tx.put(object, field.name, scalar(value))
}

fn scalar(value: &Value) -> ScalarValue {
    match value {
        Value::Text(text) => ScalarValue::Str(text.as_str().into()),
        Value::Int(int) => ScalarValue::Int(*int),
        Value::Bool(yes) => ScalarValue::Boolean(*yes),
        Value::Site(id) => ScalarValue::Bytes(id.0.to_vec()),
        Value::Record(id) => ScalarValue::Bytes(id.0.to_vec()),
        Value::Account(id) => ScalarValue::Bytes(id.0.to_vec()),
        Value::Blob(hash) => ScalarValue::Bytes(hash.0.to_vec()),
    }
}

/// Above this many differing code points a text is replaced from its first to its last difference
/// in one piece: Automerge's own comparison takes time by the square (18 s for 40,000).
const MAX_COMPARED: usize = 1_000;

fn update_text<T: Transactable>(tx: &mut T, id: &ObjId, text: &str) -> Result<(), AutomergeError> {
    let old: Vec<char> = tx.text(id)?.chars().collect();
    let new: Vec<char> = text.chars().collect();
    let ahead = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_tail, new_tail) = (&old[ahead..], &new[ahead..]);
    let tails = old_tail.iter().rev().zip(new_tail.iter().rev());
    let behind = tails.take_while(|(a, b)| a == b).count();
    let (gone, come) = (old_tail.len() - behind, new_tail.len() - behind);
    // What was only put in, or only taken out, needs no comparison.
    if gone.min(come) > 0 && gone.max(come) <= MAX_COMPARED {
        return tx.update_text(id, text);
    }
    let come: String = new_tail[..come].iter().collect();
    let gone = isize::try_from(gone).expect("a text is shorter than isize::MAX");
    tx.splice_text(id, ahead, gone, &come)
}
