//! A record whole, as its page shows it.

use super::attachments::{self, Attachment};
use super::row::{for_role, hides_from};
use super::timeline::{TimelineItem, TimelineType, timeline};
use super::values;
use crate::api::shapes::{PersonRef, RecordRow};
use crate::app::App;
use crate::auth::person::Person;
use crate::error::{ApiError, Code};
use records::field::Value;
use records::id::RecordId;
use rules::{Sequels, consultation, offers};
use serde::Serialize;
use std::collections::BTreeMap;
use store::StoredRecord;
use utoipa::ToSchema;

/// One of several values that sites wrote at once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Rival {
    /// The value.
    #[schema(value_type = Object)]
    pub value: serde_json::Value,
    /// The site that wrote it.
    pub site: String,
}

/// A record that belongs to this one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Link {
    /// The other record.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Its number.
    pub number: String,
    /// Its title.
    pub title: String,
    /// Its state.
    pub state: Option<String>,
    /// The field that ties them: `incident` or `source`.
    pub relation: String,
}

/// What this person could do with the record now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ActionOffer {
    /// Name of the action.
    pub id: String,
    /// Whether it is allowed now.
    pub allowed: bool,
    /// Code of what stands in the way.
    pub reason: Option<String>,
    /// Whether it asks for the password again.
    pub reauth: bool,
    /// For `set_state`: the states that may follow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub choices: Vec<String>,
}

/// One stay in a consultation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Participant {
    /// Its id, also the media source of the person's tracks.
    pub participation: String,
    /// Who.
    pub person: PersonRef,
    /// From which site.
    pub site: String,
    /// When they joined, ms.
    pub joined_at: i64,
    /// When they left, ms.
    pub left_at: Option<i64>,
}

/// A camera pinned for everyone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PinnedCamera {
    /// The camera.
    pub camera: String,
    /// By whom.
    pub pinned_by: PersonRef,
    /// When, ms.
    pub at: i64,
}

/// The room of a consultation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Consultation {
    /// open or closed.
    pub state: String,
    /// When it was opened, ms.
    pub opened_at: i64,
    /// Everyone who is or was there.
    pub participants: Vec<Participant>,
    /// Cameras pinned now.
    pub cameras: Vec<PinnedCamera>,
}

/// A record whole.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Record {
    /// As lists show it.
    #[serde(flatten)]
    pub row: RecordRow,
    /// Its fields by the kind's table.
    #[schema(value_type = Object)]
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// Fields that several sites wrote at once; a person settles them.
    pub conflicts: BTreeMap<String, Vec<Rival>>,
    /// Fields whose present value was signed, or of a long text partly, with a revoked key beyond
    /// its cut.
    pub disputed_fields: Vec<String>,
    /// Files beside it, oldest first.
    pub attachments: Vec<Attachment>,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineItem>,
    /// Records that belong to it, and those it belongs to.
    pub links: Vec<Link>,
    /// What this person could do now.
    pub actions: Vec<ActionOffer>,
    /// The room, for a consultation.
    pub consultation: Option<Consultation>,
    /// The participation a `join` made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participation: Option<String>,
}

/// What is said of a record that is not here.
fn absent(app: &App, id: RecordId) -> ApiError {
    match app.store().trust().erasures().record(id) {
        Some(_) => ApiError::new(Code::RecordErased, "the institution erased this record"),
        None => ApiError::not_found(),
    }
}

/// Reads a record for `person`.
///
/// # Errors
/// `not_found`, `record_erased`, or what the store says.
pub async fn load(app: &App, person: &Person, id: RecordId) -> Result<Record, ApiError> {
    let stored = app.store().record(id).await?;
    let stored = stored.ok_or_else(|| absent(app, id))?;
    let linked = app.store().linked(id).await?;
    let mut consultations = Vec::new();
    for link in linked.iter().filter(|link| link.row.kind == "consultation") {
        consultations.extend(app.store().record(link.row.id).await?);
    }
    let sequels = sequels(&linked);
    let mut links: Vec<_> = linked
        .into_iter()
        .map(|link| link_to(link.row, person, &link.relation))
        .collect();
    links.extend(links_from(app, person, &stored).await?);
    let actor = person.actor(app);
    let mut offered = offers(&actor, &stored.record, sequels);
    if app.store().rules() < attachments::RULES {
        offered.retain(|offer| offer.action != "attach");
    }
    let mut record = Record {
        fields: values::object(&stored.record.values),
        conflicts: conflicts(&stored),
        disputed_fields: stored.disputed.fields.iter().cloned().collect(),
        attachments: attachments::of(app, &stored).await?,
        timeline: timeline(&stored, &consultations),
        links,
        actions: offered.iter().map(|offer| action(offer, &stored)).collect(),
        consultation: room(&stored),
        participation: None,
        row: for_role(stored.row, person.role),
    };
    if hides_from(person.role, record.row.sensitive) {
        withhold(&mut record);
    }
    Ok(record)
}

/// What came of a record, by the records that name it.
#[must_use]
pub fn sequels(linked: &[store::Linked]) -> Sequels {
    let any = |kind: &str, open: bool| {
        let mut rows = linked.iter().map(|link| &link.row);
        rows.any(|row| row.kind == kind && (row.open || !open))
    };
    Sequels {
        incident: any("incident", false),
        open_consultation: any("consultation", true),
    }
}

fn withhold(record: &mut Record) {
    record
        .fields
        .retain(|name, _| matches!(name.as_str(), "happened_at" | "category" | "sensitive"));
    record
        .timeline
        .retain(|item| item.kind != TimelineType::Amendment);
    for item in &mut record.timeline {
        item.text.clear();
        item.data.clear();
    }
    record.conflicts.clear();
    record.attachments.clear();
}

fn action(offer: &rules::Offer, stored: &StoredRecord) -> ActionOffer {
    let choices: &[&str] = match offer.action {
        "set_state" => rules::incident::next_states(stored.record.text("state")),
        _ => &[],
    };
    ActionOffer {
        id: offer.action.to_owned(),
        allowed: offer.refused.is_none(),
        reason: offer.refused.map(|reason| reason.code().to_owned()),
        reauth: false,
        choices: choices.iter().map(|&choice| choice.to_owned()).collect(),
    }
}

fn conflicts(stored: &StoredRecord) -> BTreeMap<String, Vec<Rival>> {
    let rivals = stored.record.conflicts.iter().map(|(field, values)| {
        let values = values.iter().map(|(value, site)| Rival {
            value: values::to_json(value),
            site: site.to_string(),
        });
        (field.clone(), values.collect())
    });
    rivals.collect()
}

fn link_to(row: store::RecordRow, person: &Person, relation: &str) -> Link {
    let row = for_role(row, person.role);
    Link {
        id: row.id,
        kind: row.kind,
        number: row.number,
        title: row.title,
        state: row.state,
        relation: relation.to_owned(),
    }
}

/// The records that this one names: its incident, its source.
async fn links_from(
    app: &App,
    person: &Person,
    stored: &StoredRecord,
) -> Result<Vec<Link>, ApiError> {
    let mut links = Vec::new();
    for field in ["incident", "source"] {
        let named = stored.record.get(field).and_then(Value::as_record);
        if let Some(id) = named
            && let Some(other) = app.store().record(id).await?
        {
            links.push(link_to(other.row, person, field));
        }
    }
    Ok(links)
}

fn room(stored: &StoredRecord) -> Option<Consultation> {
    if stored.row.kind != "consultation" {
        return None;
    }
    let origin = |entry| stored.entries.iter().find(|origin| origin.entry == entry);
    let person = |entry| {
        origin(entry).map(|origin| PersonRef {
            id: origin.author.to_string(),
            name: origin.author_name.clone(),
        })
    };
    let participants = consultation::participations(&stored.record);
    let participants = participants.into_iter().filter_map(|stay| {
        Some(Participant {
            participation: stay.id.to_string(),
            person: person(stay.joined_entry)?,
            site: origin(stay.joined_entry)?.site.to_string(),
            joined_at: stay.joined_at,
            left_at: stay.left_at,
        })
    });
    let cameras = consultation::pinned(&stored.record);
    let cameras = cameras.into_iter().filter_map(|pinned| {
        Some(PinnedCamera {
            camera: pinned.camera.to_string(),
            pinned_by: person(pinned.entry)?,
            at: pinned.at,
        })
    });
    let opened_at = stored.record.get("opened_at").and_then(Value::as_int);
    Some(Consultation {
        state: stored.record.text("state").to_owned(),
        opened_at: opened_at.unwrap_or(stored.row.recorded_at),
        participants: participants.collect(),
        cameras: cameras.collect(),
    })
}
