//! Carries out an action: reads its values, asks `rules` inside the writer's transaction,
//! and maps every refusal to a coded error.

use super::action::{self, Action};
use super::attachments::{self, NewAttachment};
use super::{detail, values};
use crate::app::App;
use crate::auth::person::Person;
use crate::error::{ApiError, Code, FieldCode, FieldError};
use records::field::{Value, Values, check_all};
use records::id::{ActionId, EntryId, RecordId, TerminalId};
use records::kinds;
use records::write::Edit;
use rules::{Actor, Fault, Refusal, Sequels, consultation, incident, log_item};
use serde_json::{Map, Value as Json};
use store::{CommitError, Reads, RecordEdit};

/// Why a decision inside the writer says no.
#[derive(Debug)]
pub enum Declined {
    /// The record is not here.
    NotFound,
    /// `rules` refuse.
    Refused(Refusal),
}

impl From<Refusal> for Declined {
    fn from(refusal: Refusal) -> Self {
        Declined::Refused(refusal)
    }
}

impl From<Declined> for ApiError {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::NotFound => ApiError::not_found(),
            Declined::Refused(Refusal::Forbidden(reason)) => {
                ApiError::new(Code::Forbidden, reason.code())
            }
            Declined::Refused(Refusal::Conflict(reason)) => {
                ApiError::new(Code::ConflictState, reason.code())
            }
            Declined::Refused(Refusal::Invalid(faults)) => {
                ApiError::fields(faults.into_iter().map(field_error).collect())
            }
        }
    }
}

fn field_error((field, fault): (String, Fault)) -> FieldError {
    match fault {
        Fault::Field(fault) => FieldError::from((field, fault)),
        Fault::InFuture => FieldError::new(field, FieldCode::InFuture),
        Fault::StateSecretMarking => FieldError::new(field, FieldCode::StateSecretMarking),
    }
}

/// One request to act: who, when, and the client's idempotency key.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    actor: Actor,
    action: ActionId,
    terminal: TerminalId,
    now_ms: i64,
}

impl Request {
    /// The request of `person` now.
    #[must_use]
    pub fn new(app: &App, person: &Person, action: ActionId) -> Self {
        Self {
            actor: person.actor(app),
            action,
            terminal: terminal(person),
            now_ms: app.clock().now_ms(),
        }
    }

    /// Bytes of an id, the same when the client repeats the request.
    #[must_use]
    pub fn derive<const N: usize>(&self, label: &str) -> [u8; N] {
        let mut hasher = blake3::Hasher::new_derive_key("dutyroom 2026 ids of an action v1");
        hasher.update(&self.actor.account.0);
        hasher.update(&self.action.0);
        hasher.update(label.as_bytes());
        let mut id = [0; N];
        hasher.finalize_xof().fill(&mut id);
        id
    }

    /// The record an action that creates one creates.
    #[must_use]
    pub fn new_record(&self) -> RecordId {
        RecordId::new(self.actor.site, self.derive("record"))
    }

    /// The participation a join makes: only a value, but formed like a record's id.
    #[must_use]
    pub fn new_participation(&self) -> RecordId {
        RecordId::new(self.actor.site, self.derive("participation"))
    }

    fn new_entry(&self) -> EntryId {
        EntryId(self.derive("entry"))
    }
}

/// A browser session stands for the terminal: opaque, and the same for one sitting at a desk.
fn terminal(person: &Person) -> TerminalId {
    let mut id = [0; 16];
    id.copy_from_slice(&person.session.hash[..16]);
    TerminalId(id)
}

/// Creates a record of `kind` by hand.
///
/// # Errors
/// `unknown_kind`, `invalid_fields`, `forbidden`, or what the store says.
pub async fn create(
    app: &App,
    request: Request,
    kind: &str,
    fields: &Map<String, Json>,
    attachments: Vec<NewAttachment>,
) -> Result<RecordId, ApiError> {
    let unknown = || ApiError::new(Code::UnknownKind, "no such kind can be created by hand");
    let table = kinds::table(kind).ok_or_else(unknown)?;
    let values = values::from_json(table.fields, fields)?;
    let Request { actor, now_ms, .. } = request;
    if table.kind != "log_item" && !attachments.is_empty() {
        return Err(ApiError::field("attachments", FieldCode::UnknownField));
    }
    let attached = attachments::values(app, attachments).await?;
    let entry = |(index, values)| {
        (
            EntryId(request.derive(&format!("attachment {index}"))),
            values,
        )
    };
    let attached = attached.into_iter().enumerate().map(entry).collect();
    let mut edits = match table.kind {
        "log_item" => log_item::create(&actor, values, now_ms),
        "incident" => incident::open(&actor, None, values, now_ms),
        "consultation" => consultation::open(&actor, None, values, now_ms),
        _ => return Err(unknown()),
    }
    .map_err(Declined::from)?;
    edits.extend(log_item::attach_new(&actor, attached, now_ms).map_err(Declined::from)?);
    let record = request.new_record();
    let edit = RecordEdit {
        record,
        kind: table.kind,
        edits,
    };
    commit(app, request, Vec::new(), move |_| Ok(vec![edit])).await
}

/// Carries out the action called `name` on `record`.
///
/// Returns the record that results: the new one for actions that open one, else the same.
///
/// # Errors
/// `not_found`, `invalid_fields`, `forbidden`, `conflict_state`, or what the store says.
pub async fn act(
    app: &App,
    request: Request,
    record: RecordId,
    name: &str,
    fields: &Map<String, Json>,
) -> Result<RecordId, ApiError> {
    let stored = app.store().record(record).await?;
    let stored = stored.ok_or_else(ApiError::not_found)?;
    let row = &stored.row;
    let (action, table) = action::find(&row.kind, name).ok_or_else(ApiError::not_found)?;
    let mut values = values::from_json(table, fields)?;
    let faults = check_all(table, &values);
    if !faults.is_empty() {
        let errors = faults.into_iter().map(FieldError::from);
        return Err(ApiError::fields(errors.collect()));
    }
    if action == Action::OpenConsultation {
        let title = values.entry("title".to_owned());
        title.or_insert_with(|| Value::Text(row.title.clone()));
    }
    if action == Action::Attach {
        attachments::complete(app, &mut values).await?;
    }
    if action == Action::PinCamera {
        must_be_a_camera(app, &values).await?;
    }
    let sequels = detail::sequels(&app.store().linked(record).await?);
    let name = name.to_owned();
    commit(app, request, vec![record], move |reads| {
        must_be_offered(request, record, &name, sequels, reads)?;
        decide(request, action, record, values, reads)
    })
    .await
}

/// What is pinned stays on the record for ever, so it must be a camera this site knows.
async fn must_be_a_camera(app: &App, values: &Values) -> Result<(), ApiError> {
    let camera = values.get("camera").and_then(Value::as_record);
    let stored = match camera {
        Some(camera) => app.store().record(camera).await?,
        None => None,
    };
    if stored.is_some_and(|stored| stored.row.kind == "camera") {
        Ok(())
    } else {
        Err(ApiError::field("camera", FieldCode::NotAChoice))
    }
}

/// What other records came of this one was read before the transaction: two people pressing in
/// the same moment may both pass, and both results stay visible.
fn must_be_offered(
    request: Request,
    id: RecordId,
    name: &str,
    sequels: Sequels,
    reads: &Reads,
) -> Result<(), Declined> {
    let record = &reads.get(&id).ok_or(Declined::NotFound)?.record;
    let offers = rules::offers(&request.actor, record, sequels);
    let offer = offers.iter().find(|offer| offer.action == name);
    match offer.and_then(|offer| offer.refused) {
        Some(reason) => Err(Refusal::from(reason).into()),
        None => Ok(()),
    }
}

fn decide(
    request: Request,
    action: Action,
    id: RecordId,
    mut values: Values,
    reads: &Reads,
) -> Result<Vec<RecordEdit>, Declined> {
    let record = &reads.get(&id).ok_or(Declined::NotFound)?.record;
    let Request { actor, now_ms, .. } = request;
    let entry = request.new_entry();
    let edits = match action {
        Action::Attach => log_item::attach(&actor, record, entry, values, now_ms)?,
        Action::Amend => log_item::amend(&actor, record, entry, values, now_ms)?,
        Action::Finish => log_item::finish(&actor, record, values, now_ms)?,
        Action::OpenIncident => {
            let happened_at = record.get("happened_at").cloned();
            if let Some(at) = happened_at {
                values.entry("happened_at".to_owned()).or_insert(at);
            }
            let edits = incident::open(&actor, Some(id), values, now_ms)?;
            return Ok(vec![new(request, "incident", edits)]);
        }
        Action::AddProgress => incident::add_progress(&actor, record, entry, values, now_ms)?,
        Action::SetState => {
            let (state, reason) = (text(&values, "state"), values.get("reason"));
            let reason = reason.and_then(Value::as_text).map(str::to_owned);
            incident::set_state(&actor, record, entry, &state, reason, now_ms)?
        }
        Action::SetLevel => {
            let level = text(&values, "level");
            incident::set_level(&actor, record, entry, &level, now_ms)?
        }
        Action::OpenConsultation => {
            let edits = consultation::open(&actor, Some(id), values, now_ms)?;
            return Ok(vec![new(request, "consultation", edits)]);
        }
        Action::Join => {
            let participation = request.new_participation();
            consultation::join(&actor, record, entry, participation, now_ms)?
        }
        Action::Leave => {
            let participation = id_of(&values, "participation")?;
            consultation::leave(&actor, record, entry, participation, now_ms)?
        }
        Action::PinCamera | Action::UnpinCamera => {
            let camera = id_of(&values, "camera")?;
            let pin = action == Action::PinCamera;
            consultation::set_pinned(&actor, record, entry, camera, pin, now_ms)?
        }
        Action::Close => consultation::close(&actor, record, entry, now_ms)?,
    };
    let kind = record.table.kind;
    Ok(vec![RecordEdit {
        record: id,
        kind,
        edits,
    }])
}

fn new(request: Request, kind: &'static str, edits: Vec<Edit>) -> RecordEdit {
    RecordEdit {
        record: request.new_record(),
        kind,
        edits,
    }
}

fn text(values: &Values, name: &str) -> String {
    let text = values.get(name).and_then(Value::as_text);
    text.unwrap_or_default().to_owned()
}

fn id_of(values: &Values, name: &str) -> Result<RecordId, Declined> {
    let id = values.get(name).and_then(Value::as_record);
    id.ok_or(Declined::NotFound)
}

/// Commits what `decide` answers, as the request's one action.
async fn commit<F>(
    app: &App,
    request: Request,
    reads: Vec<RecordId>,
    decide: F,
) -> Result<RecordId, ApiError>
where
    F: FnOnce(&Reads) -> Result<Vec<RecordEdit>, Declined> + Send + 'static,
{
    let action = store::Action {
        action: request.action,
        account: request.actor.account,
        terminal: request.terminal,
        wall_ms: request.now_ms,
        uptime_ms: app.clock().uptime_ms(),
        hub_offset_ms: app.hub_offset_ms(),
        reads,
        seed: app.random().bytes(),
    };
    match app.store().commit(action, decide).await {
        Ok(committed) => {
            let first = committed.records.first().copied();
            first.ok_or_else(|| ApiError::new(Code::Internal, "the action wrote no record"))
        }
        Err(CommitError::Decided(declined)) => Err(declined.into()),
        Err(CommitError::Invalid(faults)) => {
            let errors = faults.into_iter().map(FieldError::from);
            Err(ApiError::fields(errors.collect()))
        }
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}
