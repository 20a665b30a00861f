//! The record before and after a change, field by field.
//!
//! The operations were checked one by one ([`super::ops`]); this looks at what Automerge made
//! of them, so that neither check has to be believed alone.

use super::ops::Ops;
use super::refusal::{Refusal, Stop};
use crate::field::{Field, FieldFault, FieldType, Value, Writer, check, check_all};
use crate::read::Record;

/// Checks a record that the change created.
pub(super) fn created(after: &Record) -> Result<(), Stop> {
    if after.unread > 0 || !after.conflicts.is_empty() {
        return Err(Refusal::Identity.into());
    }
    first_fault(check_all(after.table.fields, &after.values))?;
    for (name, entries) in &after.entries {
        let fields = after.table.entry_fields(name).unwrap_or_default();
        for values in entries.values() {
            first_fault(check_all(fields, values))?;
        }
    }
    Ok(())
}

/// Checks what the change made of an existing record.
pub(super) fn changed(before: &Record, after: &Record, ops: &Ops) -> Result<(), Stop> {
    let identity = |record: &Record| (record.home, record.number.clone());
    if identity(before) != identity(after) {
        return Err(Refusal::Identity.into());
    }
    if before.unread != after.unread {
        return Err(Refusal::Operation("record".to_owned()).into());
    }
    for field in before.table.fields {
        if field.is_entries() {
            entries(field, before, after, ops)?;
        } else if ops.written.contains(field.name) {
            written(field, before, after)?;
        } else {
            untouched(field, before, after)?;
        }
    }
    Ok(())
}

fn untouched(field: &Field, before: &Record, after: &Record) -> Result<(), Stop> {
    let name = field.name;
    let same = before.get(name) == after.get(name)
        && before.conflicts.get(name) == after.conflicts.get(name);
    if same {
        return Ok(());
    }
    Err(match field.writer {
        Writer::Once => Refusal::Once(name.to_owned()),
        Writer::HomeSite | Writer::AnySite => Refusal::Operation(name.to_owned()),
    }
    .into())
}

fn written(field: &Field, before: &Record, after: &Record) -> Result<(), Stop> {
    let value = after.get(field.name);
    let value = value.ok_or_else(|| Refusal::Operation(field.name.to_owned()))?;
    let is_text = matches!(field.ty, FieldType::Text { .. });
    // Whoever writes a field has seen all its values and settles them.
    if !is_text && after.conflicts.contains_key(field.name) {
        return Err(Refusal::Operation(field.name.to_owned()).into());
    }
    match check(field, value) {
        // Concurrent edits may have made the text too long before; shortening it must do.
        Err(FieldFault::TooLong(_)) if len(before.get(field.name)) > len(Some(value)) => Ok(()),
        Err(fault) => Err(Refusal::Value(field.name.to_owned(), fault).into()),
        Ok(()) => Ok(()),
    }
}

fn entries(field: &Field, before: &Record, after: &Record, ops: &Ops) -> Result<(), Stop> {
    let changed = || Stop::from(Refusal::EntryChanged(field.name.to_owned()));
    let fields = before.table.entry_fields(field.name).unwrap_or_default();
    let old = before.entries.get(field.name);
    let new = after.entries.get(field.name);
    for (id, values) in old.into_iter().flatten() {
        if new.and_then(|new| new.get(id)) != Some(values) {
            return Err(changed());
        }
    }
    for (id, values) in new.into_iter().flatten() {
        if old.is_some_and(|old| old.contains_key(id)) {
            continue;
        }
        if !ops.added.contains(&(field.name, *id)) {
            return Err(changed());
        }
        first_fault(check_all(fields, values))?;
    }
    Ok(())
}

/// Fields that merging has made longer than their limit: both edits were valid where they were
/// made, so both stand at every site, and a person shortens the text.
#[must_use]
pub fn excess(record: &Record) -> Vec<(String, FieldFault)> {
    let fields = record.table.fields.iter();
    fields
        .filter_map(|field| {
            let fault = check(field, record.get(field.name)?).err()?;
            Some((field.name.to_owned(), fault))
        })
        .collect()
}

fn first_fault(faults: Vec<(String, FieldFault)>) -> Result<(), Stop> {
    match faults.into_iter().next() {
        Some((name, fault)) => Err(Refusal::Value(name, fault).into()),
        None => Ok(()),
    }
}

fn len(value: Option<&Value>) -> usize {
    let text = value.and_then(Value::as_text);
    text.map_or(0, |text| text.chars().count())
}
