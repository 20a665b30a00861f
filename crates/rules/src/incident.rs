//! 紧急情况: opening, progress, level and state (requirements.md G1–G13; screens.md, *States*).

use crate::actor::{Actor, Role};
use crate::log_item::set_all;
use crate::refusal::{Reason, Refusal};
use crate::{Offer, Sequels, text};
use records::field::{Value, Values};
use records::id::{EntryId, RecordId};
use records::read::Record;
use records::write::Edit;

/// Opens an incident, from a log item if `source` names one.
///
/// `known_at`, when the clock starts (接报), is the present minute unless given.
///
/// # Errors
/// [`Refusal`].
pub fn open(
    actor: &Actor,
    source: Option<RecordId>,
    mut values: Values,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    actor.must_be_on_duty()?;
    text::check(&values, now_ms)?;
    let now = Value::Int(text::minute(now_ms));
    values.entry("known_at".to_owned()).or_insert(now.clone());
    values.entry("happened_at".to_owned()).or_insert(now);
    values.insert("state".to_owned(), Value::Text("received".to_owned()));
    if let Some(source) = source {
        values.insert("source".to_owned(), Value::Record(source));
    }
    Ok(set_all(values))
}

/// Adds a line of progress.
///
/// # Errors
/// [`Refusal`].
pub fn add_progress(
    actor: &Actor,
    record: &Record,
    entry: EntryId,
    mut values: Values,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    may_add(actor, record)?;
    text::check(&values, now_ms)?;
    let at = Value::Int(text::minute(now_ms));
    values.entry("at".to_owned()).or_insert(at);
    let empty = values
        .get("text")
        .and_then(Value::as_text)
        .is_none_or(|text| text.trim().is_empty());
    if empty {
        let fault = crate::Fault::Field(records::field::FieldFault::Required);
        return Err(Refusal::Invalid(vec![("text".to_owned(), fault)]));
    }
    Ok(vec![timeline(entry, "progress", values)])
}

/// Moves the incident to another state, with the line of the timeline that says so.
///
/// # Errors
/// [`Refusal`].
pub fn set_state(
    actor: &Actor,
    record: &Record,
    entry: EntryId,
    state: &str,
    reason: Option<String>,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    may_move(actor, record, state)?;
    let mut values = Values::from([
        ("at".to_owned(), Value::Int(text::minute(now_ms))),
        ("state".to_owned(), Value::Text(state.to_owned())),
    ]);
    if let Some(reason) = reason {
        values.insert("text".to_owned(), Value::Text(reason));
    }
    text::check(&values, now_ms)?;
    Ok(vec![
        Edit::Set("state".to_owned(), Value::Text(state.to_owned())),
        timeline(entry, "state", values),
    ])
}

/// Grades the incident, with the line of the timeline that says so.
///
/// # Errors
/// [`Refusal`].
pub fn set_level(
    actor: &Actor,
    record: &Record,
    entry: EntryId,
    level: &str,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    may_grade(actor, record)?;
    if record.text("level") == level {
        return Err(Reason::Unchanged.into());
    }
    let values = Values::from([
        ("at".to_owned(), Value::Int(text::minute(now_ms))),
        ("level".to_owned(), Value::Text(level.to_owned())),
    ]);
    Ok(vec![
        Edit::Set("level".to_owned(), Value::Text(level.to_owned())),
        timeline(entry, "level", values),
    ])
}

fn timeline(entry: EntryId, kind: &str, mut values: Values) -> Edit {
    values.insert("type".to_owned(), Value::Text(kind.to_owned()));
    Edit::AddEntry {
        field: "timeline".to_owned(),
        entry,
        values,
    }
}

fn is_closed(record: &Record) -> bool {
    next_states(record.text("state")).is_empty()
}

/// The states that may follow `state`; screens.md, *States*. Work on an incident may fall back
/// (a fire flares up again), so 处置完毕 may return to 处置中.
#[must_use]
pub fn next_states(state: &str) -> &'static [&'static str] {
    match state {
        "received" => &["verifying", "assessing", "handling", "untrue", "merged"],
        "verifying" => &["assessing", "handling", "untrue", "merged"],
        "assessing" => &["handling", "not_reported", "untrue", "merged"],
        "handling" => &["handled", "merged"],
        "handled" => &["handling", "final_report"],
        "final_report" => &["handling", "archived"],
        _ => &[],
    }
}

fn may_add(actor: &Actor, record: &Record) -> Result<(), Reason> {
    actor.must_be_on_duty()?;
    if is_closed(record) {
        return Err(Reason::IncidentClosed);
    }
    Ok(())
}

/// 研判不上报 is a leader's decision (screens.md, *States*); an officer moves the rest at home.
fn may_move(actor: &Actor, record: &Record, state: &str) -> Result<(), Reason> {
    may_grade(actor, record)?;
    if state == "not_reported" && actor.role == Role::Officer {
        return Err(Reason::LeaderOnly);
    }
    if record.text("state") == state {
        return Err(Reason::Unchanged);
    }
    if !next_states(record.text("state")).contains(&state) {
        return Err(Reason::StateNotNext);
    }
    Ok(())
}

fn may_grade(actor: &Actor, record: &Record) -> Result<(), Reason> {
    may_add(actor, record)?;
    if actor.role == Role::Officer && actor.site != record.home {
        return Err(Reason::OtherCampus);
    }
    Ok(())
}

fn may_open_consultation(actor: &Actor, record: &Record, sequels: Sequels) -> Result<(), Reason> {
    may_add(actor, record)?;
    if sequels.open_consultation {
        return Err(Reason::ConsultationOpen);
    }
    Ok(())
}

pub(crate) fn offers(actor: &Actor, record: &Record, sequels: Sequels) -> Vec<Offer> {
    vec![
        Offer::of("add_progress", may_add(actor, record)),
        Offer::of("set_state", may_grade(actor, record)),
        Offer::of("set_level", may_grade(actor, record)),
        Offer::of(
            "open_consultation",
            may_open_consultation(actor, record, sequels),
        ),
    ]
}
