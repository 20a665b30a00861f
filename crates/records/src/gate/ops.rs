//! Whether every operation of a change is one that our own writers make.
//!
//! The document is followed operation by operation, so that nothing is left to what Automerge
//! makes of odd predecessors: only fields of the table, only where the writer may, no deletion
//! but inside long texts, no counters, marks or lists, and entries only ever added.

use super::refusal::{Refusal, Stop};
use super::rules::View;
use crate::field::{Field, FieldFault, FieldType, Writer, check};
use crate::id::{EntryId, SiteId};
use crate::read::{HOME_KEY, KIND_KEY, NUMBER_KEY, scalar_value};
use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Automerge, ExpandedChange, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use std::collections::{BTreeMap, BTreeSet};

/// How long a number on a form may be, in bytes of printable ASCII.
pub(super) const MAX_NUMBER_LEN: usize = 40;

/// An operation by counter and actor.
type Id = (u64, ActorId);

/// What an object of the document is to its record.
#[derive(Debug, Clone)]
enum Object {
    /// The long text of a field of the record.
    Text(&'static Field),
    /// The map of an entries field.
    Entries(&'static Field),
    /// An entry that this change adds, and the fields written of it so far.
    NewEntry(&'static Field, BTreeSet<String>),
    /// The long text of an entry that this change adds.
    NewEntryText(&'static Field),
    /// An entry, or part of one, that was there before.
    Closed(&'static Field),
}

/// Who writes, and what the change did.
pub(super) struct Ops {
    view: View,
    signer: SiteId,
    home: SiteId,
    creates: bool,
    objects: BTreeMap<Id, Object>,
    /// The visible operations of each key of the record.
    visible: BTreeMap<String, Vec<Id>>,
    /// Entries there are, by field.
    entries: BTreeSet<(&'static str, EntryId)>,
    /// Fields of the record that the change wrote.
    pub(super) written: BTreeSet<&'static str>,
    /// Entries that the change added.
    pub(super) added: BTreeSet<(&'static str, EntryId)>,
}

impl Ops {
    /// Maps out `doc`, which stands where the change was made. `home` is the record's home site;
    /// `None` if the change creates it.
    pub(super) fn new(doc: &Automerge, view: View, signer: SiteId, home: Option<SiteId>) -> Self {
        let mut ops = Self {
            view,
            signer,
            home: home.unwrap_or(signer),
            creates: home.is_none(),
            objects: BTreeMap::new(),
            visible: BTreeMap::new(),
            entries: BTreeSet::new(),
            written: BTreeSet::new(),
            added: BTreeSet::new(),
        };
        for key in doc.keys(ROOT) {
            let found = objects_at(doc, &ROOT, &key);
            let ids = found.iter().filter_map(|(id, _)| op_id(id)).collect();
            ops.visible.insert(key.clone(), ids);
            if let Some(field) = view.table.field(&key) {
                found
                    .iter()
                    .for_each(|(id, ty)| ops.map_out(doc, field, id, *ty));
            }
        }
        ops
    }

    fn map_out(&mut self, doc: &Automerge, field: &'static Field, id: &ObjId, ty: Option<ObjType>) {
        let Some(op) = op_id(id) else { return };
        match (field.ty, ty) {
            (FieldType::Text { .. }, Some(ObjType::Text)) => {
                self.objects.insert(op, Object::Text(field));
            }
            (FieldType::Entries(_), Some(ObjType::Map)) => {
                self.objects.insert(op, Object::Entries(field));
                for key in doc.keys(id) {
                    if let Ok(entry) = key.parse() {
                        self.entries.insert((field.name, entry));
                    }
                    for (entry, _) in objects_at(doc, id, &key) {
                        self.close(doc, field, &entry);
                    }
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, doc: &Automerge, field: &'static Field, entry: &ObjId) {
        let keys: Vec<String> = doc.keys(entry).collect();
        let parts = keys.iter().flat_map(|key| objects_at(doc, entry, key));
        let all = parts.map(|(id, _)| id).chain([entry.clone()]);
        for id in all.filter_map(|id| op_id(&id)) {
            self.objects.insert(id, Object::Closed(field));
        }
    }

    /// Checks every operation of the change.
    pub(super) fn check(&mut self, change: &ExpandedChange) -> Result<(), Stop> {
        for (index, op) in change.operations.iter().enumerate() {
            let id = (
                change.start_op.get() + index as u64,
                change.actor_id.clone(),
            );
            match &op.obj {
                ObjectId::Root => self.check_root(id, op)?,
                ObjectId::Id(OpId(counter, actor)) => {
                    let key = (*counter, actor.clone());
                    let object = self.objects.get(&key).cloned();
                    self.check_inside(&key, object, id, op)?;
                }
            }
        }
        Ok(())
    }

    fn check_root(&mut self, id: Id, op: &Op) -> Result<(), Stop> {
        let Key::Map(key) = &op.key else {
            return Err(not_allowed("record"));
        };
        if op.insert {
            return Err(not_allowed("record"));
        }
        let visible = self.visible.get(key.as_str()).cloned().unwrap_or_default();
        if [KIND_KEY, HOME_KEY, NUMBER_KEY].contains(&key.as_str()) {
            let first = self.creates && visible.is_empty() && op.pred.is_empty();
            if !first || !self.identity(key, &op.action) {
                return Err(Refusal::Identity.into());
            }
            self.visible.insert(key.to_string(), vec![id]);
            return Ok(());
        }
        let field = self
            .view
            .field(self.view.table.fields, key)
            .ok_or_else(|| unknown(key))?;
        self.may_write(field)?;
        match (field.ty, &op.action) {
            (FieldType::Entries(_), OpType::Make(ObjType::Map))
                if visible.is_empty() && op.pred.is_empty() =>
            {
                self.objects.insert(id.clone(), Object::Entries(field));
            }
            (FieldType::Entries(_), _) => {
                return Err(Refusal::EntryChanged(field.name.to_owned()).into());
            }
            (FieldType::Text { .. }, OpType::Make(ObjType::Text))
                if visible.is_empty() && op.pred.is_empty() =>
            {
                self.objects.insert(id.clone(), Object::Text(field));
                self.written.insert(field.name);
            }
            (FieldType::Text { .. }, _) => return Err(not_allowed(field.name)),
            (_, OpType::Put(scalar)) if overwrites(op, &visible) => {
                check_scalar(field, scalar)?;
                self.written.insert(field.name);
            }
            _ => return Err(not_allowed(field.name)),
        }
        self.visible.insert(key.to_string(), vec![id]);
        Ok(())
    }

    fn identity(&self, key: &str, action: &OpType) -> bool {
        match (key, action) {
            (KIND_KEY, OpType::Put(ScalarValue::Str(kind))) => {
                kind.as_str() == self.view.table.kind
            }
            (HOME_KEY, OpType::Put(ScalarValue::Bytes(home))) => home[..] == self.signer.0,
            (NUMBER_KEY, OpType::Put(ScalarValue::Str(number))) => {
                self.view.table.number_prefix.is_some()
                    && (1..=MAX_NUMBER_LEN).contains(&number.len())
                    && number.bytes().all(|byte| byte.is_ascii_graphic())
            }
            _ => false,
        }
    }

    fn may_write(&self, field: &'static Field) -> Result<(), Refusal> {
        match field.writer {
            _ if self.creates => Ok(()),
            Writer::Once => Err(Refusal::Once(field.name.to_owned())),
            Writer::HomeSite if self.signer != self.home => {
                Err(Refusal::NotHome(field.name.to_owned()))
            }
            Writer::HomeSite | Writer::AnySite => Ok(()),
        }
    }

    fn check_inside(
        &mut self,
        object: &Id,
        role: Option<Object>,
        id: Id,
        op: &Op,
    ) -> Result<(), Stop> {
        match role {
            None => Err(not_allowed("unknown object")),
            Some(Object::Closed(field)) => Err(Refusal::EntryChanged(field.name.to_owned()).into()),
            Some(Object::Text(field)) => {
                self.may_write(field)?;
                self.written.insert(field.name);
                let fits = inserts_character(op) || deletes_character(op);
                fits.then_some(()).ok_or(not_allowed(field.name))
            }
            Some(Object::NewEntryText(field)) => inserts_character(op)
                .then_some(())
                .ok_or(not_allowed(field.name)),
            Some(Object::Entries(field)) => self.add_entry(field, id, op),
            Some(Object::NewEntry(field, mut names)) => {
                let name = self.fill_entry(field, id, op)?;
                if !names.insert(name) {
                    return Err(not_allowed(field.name));
                }
                self.objects
                    .insert(object.clone(), Object::NewEntry(field, names));
                Ok(())
            }
        }
    }

    fn add_entry(&mut self, field: &'static Field, id: Id, op: &Op) -> Result<(), Stop> {
        let changed = || Stop::from(Refusal::EntryChanged(field.name.to_owned()));
        self.may_write(field)?;
        let (Key::Map(key), OpType::Make(ObjType::Map)) = (&op.key, &op.action) else {
            return Err(changed());
        };
        let entry: EntryId = key.parse().map_err(|_| not_allowed(field.name))?;
        // Another spelling of the same id would be a second entry behind the first one's back.
        if op.insert || entry.to_string() != key.as_str() {
            return Err(not_allowed(field.name));
        }
        if !op.pred.is_empty() || !self.entries.insert((field.name, entry)) {
            return Err(changed());
        }
        self.added.insert((field.name, entry));
        let role = Object::NewEntry(field, BTreeSet::new());
        self.objects.insert(id, role);
        Ok(())
    }

    /// Checks one field of a new entry and names it.
    fn fill_entry(&mut self, entries: &'static Field, id: Id, op: &Op) -> Result<String, Stop> {
        let (Key::Map(key), false, true) = (&op.key, op.insert, op.pred.is_empty()) else {
            return Err(not_allowed(entries.name));
        };
        let fields = self
            .view
            .table
            .entry_fields(entries.name)
            .unwrap_or_default();
        let field = self.view.field(fields, key).ok_or_else(|| unknown(key))?;
        match (field.ty, &op.action) {
            (FieldType::Text { .. }, OpType::Make(ObjType::Text)) => {
                self.objects.insert(id, Object::NewEntryText(entries));
            }
            (FieldType::Text { .. } | FieldType::Entries(_), _) => {
                return Err(not_allowed(entries.name));
            }
            (_, OpType::Put(scalar)) => check_scalar(field, scalar)?,
            _ => return Err(not_allowed(entries.name)),
        }
        Ok(field.name.to_owned())
    }
}

fn check_scalar(field: &'static Field, scalar: &ScalarValue) -> Result<(), Refusal> {
    let fault = |fault| Refusal::Value(field.name.to_owned(), fault);
    let value = scalar_value(field.ty, scalar).ok_or(fault(FieldFault::WrongType))?;
    check(field, &value).map_err(fault)
}

fn overwrites(op: &Op, visible: &[Id]) -> bool {
    let pred: BTreeSet<Id> = op
        .pred
        .iter()
        .map(|OpId(ctr, by)| (*ctr, by.clone()))
        .collect();
    pred.len() == visible.len() && visible.iter().all(|id| pred.contains(id))
}

fn inserts_character(op: &Op) -> bool {
    let OpType::Put(ScalarValue::Str(text)) = &op.action else {
        return false;
    };
    let one = text.chars().count() == 1;
    op.insert && one && op.pred.is_empty() && matches!(op.key, Key::Seq(_))
}

fn deletes_character(op: &Op) -> bool {
    let target = op.key.to_opid();
    let mut pred = op.pred.iter();
    op.action == OpType::Delete
        && !op.insert
        && target.is_some()
        && pred.next() == target.as_ref()
        && pred.next().is_none()
}

fn objects_at(doc: &Automerge, object: &ObjId, key: &str) -> Vec<(ObjId, Option<ObjType>)> {
    let found = doc.get_all(object, key).unwrap_or_default().into_iter();
    found.map(|(value, id)| (id, value.to_objtype())).collect()
}

fn op_id(id: &ObjId) -> Option<Id> {
    match id {
        ObjId::Id(counter, actor, _) => Some((*counter, actor.clone())),
        ObjId::Root => None,
    }
}

fn not_allowed(on: &str) -> Stop {
    Refusal::Operation(on.to_owned()).into()
}

/// The key is hostile text: only its beginning is kept.
fn unknown(key: &str) -> Stop {
    Refusal::UnknownField(key.chars().take(64).collect()).into()
}
