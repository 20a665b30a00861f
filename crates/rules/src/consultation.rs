//! 会商: opening, joining, leaving, pinned cameras (requirements.md H3).
//!
//! Presence and pinned cameras are folds over append-only facts, so sites never conflict.

use crate::actor::{Actor, Role};
use crate::log_item::set_all;
use crate::refusal::{Reason, Refusal};
use crate::{Offer, text};
use records::field::{Value, Values};
use records::id::{AccountId, EntryId, RecordId};
use records::read::Record;
use records::write::Edit;
use std::collections::BTreeMap;

/// One stay of one person in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participation {
    /// Its id, also the media source of the person's own tracks.
    pub id: RecordId,
    /// Who.
    pub person: AccountId,
    /// The entry that says so.
    pub joined_entry: EntryId,
    /// When they joined, ms.
    pub joined_at: i64,
    /// When they left, ms.
    pub left_at: Option<i64>,
}

impl Participation {
    fn end(&mut self, at: i64) {
        self.left_at = Some(self.left_at.map_or(at, |earlier| earlier.min(at)));
    }
}

/// Everyone who is or was in the room, in order of joining. Closing the room ends every stay.
#[must_use]
pub fn participations(record: &Record) -> Vec<Participation> {
    let mut stays = BTreeMap::new();
    for (entry, values) in record.entries("presence") {
        let (Some(id), Some(at)) = (participation_of(values), at(values)) else {
            continue;
        };
        if let ("joined", Some(Value::Account(person))) = (kind(values), values.get("person")) {
            stays.insert(
                id,
                Participation {
                    id,
                    person: *person,
                    joined_entry: *entry,
                    joined_at: at,
                    left_at: None,
                },
            );
        }
    }
    for (_, values) in record.entries("presence") {
        match (kind(values), participation_of(values), at(values)) {
            ("left", Some(id), Some(at)) => {
                if let Some(stay) = stays.get_mut(&id) {
                    stay.end(at);
                }
            }
            ("closed", _, Some(at)) => stays.values_mut().for_each(|stay| stay.end(at)),
            _ => {}
        }
    }
    let mut stays: Vec<_> = stays.into_values().collect();
    stays.sort_by_key(|stay| (stay.joined_at, stay.id));
    stays
}

/// A camera that is pinned now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The camera's record.
    pub camera: RecordId,
    /// The entry that pinned it.
    pub entry: EntryId,
    /// When, ms.
    pub at: i64,
}

/// The cameras pinned now: the latest fact about each one decides.
#[must_use]
pub fn pinned(record: &Record) -> Vec<Pinned> {
    let mut latest: BTreeMap<RecordId, (i64, EntryId, bool)> = BTreeMap::new();
    for (entry, values) in record.entries("cameras") {
        let camera = values.get("camera").and_then(Value::as_record);
        let (Some(camera), Some(at)) = (camera, at(values)) else {
            continue;
        };
        let fact = (at, *entry, kind(values) == "pinned");
        let known = latest.entry(camera).or_insert(fact);
        *known = (*known).max(fact);
    }
    let mut cameras: Vec<_> = latest
        .into_iter()
        .filter(|(_, (_, _, pinned))| *pinned)
        .map(|(camera, (at, entry, _))| Pinned { camera, entry, at })
        .collect();
    cameras.sort_by_key(|pinned| (pinned.at, pinned.camera));
    cameras
}

/// Opens a consultation, about an incident if one is named.
///
/// # Errors
/// [`Refusal`].
pub fn open(
    actor: &Actor,
    incident: Option<RecordId>,
    mut values: Values,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    actor.must_be_on_duty()?;
    text::check(&values, now_ms)?;
    values.insert("opened_at".to_owned(), Value::Int(now_ms));
    values.insert("state".to_owned(), Value::Text("open".to_owned()));
    if let Some(incident) = incident {
        values.insert("incident".to_owned(), Value::Record(incident));
    }
    Ok(set_all(values))
}

/// The person joins; `participation` is a new random id.
///
/// # Errors
/// [`Refusal`].
pub fn join(
    actor: &Actor,
    record: &Record,
    entry: EntryId,
    participation: RecordId,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    may_take_part(actor, record)?;
    let mut values = fact("joined", now_ms);
    values.insert("participation".to_owned(), Value::Record(participation));
    values.insert("person".to_owned(), Value::Account(actor.account));
    Ok(vec![add("presence", entry, values)])
}

/// The person's stay ends. Leaving twice is refused as [`Reason::NotInRoom`].
///
/// # Errors
/// [`Refusal`].
pub fn leave(
    actor: &Actor,
    record: &Record,
    entry: EntryId,
    participation: RecordId,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    let present = participations(record).iter().any(|stay| {
        stay.id == participation && stay.person == actor.account && stay.left_at.is_none()
    });
    if !present {
        return Err(Reason::NotInRoom.into());
    }
    Ok(vec![left(entry, participation, now_ms)])
}

/// The fact that a stay ended; a site writes it for its own people whose page vanished.
#[must_use]
pub fn left(entry: EntryId, participation: RecordId, now_ms: i64) -> Edit {
    let mut values = fact("left", now_ms);
    values.insert("participation".to_owned(), Value::Record(participation));
    add("presence", entry, values)
}

/// Pins a camera for everyone, or takes it off.
///
/// # Errors
/// [`Refusal`].
pub fn set_pinned(
    actor: &Actor,
    record: &Record,
    entry: EntryId,
    camera: RecordId,
    pin: bool,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    may_take_part(actor, record)?;
    let is_pinned = pinned(record).iter().any(|now| now.camera == camera);
    if is_pinned == pin {
        return Err(Reason::Unchanged.into());
    }
    let mut values = fact(if pin { "pinned" } else { "unpinned" }, now_ms);
    values.insert("camera".to_owned(), Value::Record(camera));
    Ok(vec![add("cameras", entry, values)])
}

/// Closes the room for everyone.
///
/// # Errors
/// [`Refusal`].
pub fn close(
    actor: &Actor,
    record: &Record,
    entry: EntryId,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    may_close(actor, record)?;
    let closed = Value::Text("closed".to_owned());
    Ok(vec![
        Edit::Set("state".to_owned(), closed),
        add("presence", entry, fact("closed", now_ms)),
    ])
}

fn may_take_part(actor: &Actor, record: &Record) -> Result<(), Reason> {
    actor.must_be_on_duty()?;
    if record.text("state") != "open" {
        return Err(Reason::ConsultationClosed);
    }
    Ok(())
}

/// The room is closed by the leader, headquarters, or the campus that opened it.
fn may_close(actor: &Actor, record: &Record) -> Result<(), Reason> {
    may_take_part(actor, record)?;
    if actor.role == Role::Officer && actor.site != record.home {
        return Err(Reason::OtherCampus);
    }
    Ok(())
}

pub(crate) fn offers(actor: &Actor, record: &Record) -> Vec<Offer> {
    let take_part = may_take_part(actor, record);
    vec![
        Offer::of("join", take_part),
        Offer::of("pin_camera", take_part),
        Offer::of("unpin_camera", take_part),
        Offer::of("close", may_close(actor, record)),
    ]
}

fn fact(kind: &str, at: i64) -> Values {
    Values::from([
        ("type".to_owned(), Value::Text(kind.to_owned())),
        ("at".to_owned(), Value::Int(at)),
    ])
}

fn add(field: &str, entry: EntryId, values: Values) -> Edit {
    Edit::AddEntry {
        field: field.to_owned(),
        entry,
        values,
    }
}

fn kind(values: &Values) -> &str {
    values.get("type").and_then(Value::as_text).unwrap_or("")
}

fn at(values: &Values) -> Option<i64> {
    values.get("at").and_then(Value::as_int)
}

fn participation_of(values: &Values) -> Option<RecordId> {
    values.get("participation").and_then(Value::as_record)
}
