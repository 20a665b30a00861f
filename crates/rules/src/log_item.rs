//! 值班记事: recording, amending, finishing (requirements.md E1, E2; DESIGN.md invariant 7).

use crate::actor::Actor;
use crate::attachment::MAX_ATTACHMENTS;
use crate::refusal::{Reason, Refusal};
use crate::{Offer, Sequels, text};
use records::field::{Value, Values};
use records::id::EntryId;
use records::read::Record;
use records::write::Edit;

/// Records an item. With a handling it is finished at once; without, it is open (待办) unless
/// `finished` says that nothing follows.
///
/// # Errors
/// [`Refusal`].
pub fn create(actor: &Actor, mut values: Values, now_ms: i64) -> Result<Vec<Edit>, Refusal> {
    actor.must_keep_log_of(actor.site)?;
    text::check(&values, now_ms)?;
    let handled = values
        .get("handling")
        .and_then(Value::as_text)
        .is_some_and(|handling| !handling.trim().is_empty());
    if handled {
        values.insert("finished".to_owned(), Value::Bool(true));
    }
    Ok(set_all(values))
}

/// Adds a correction (更正) or a late entry (补记) beside the item.
///
/// # Errors
/// [`Refusal`].
pub fn amend(
    actor: &Actor,
    record: &Record,
    entry: EntryId,
    values: Values,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    actor.must_keep_log_of(record.home)?;
    text::check(&values, now_ms)?;
    Ok(vec![Edit::AddEntry {
        field: "amendments".to_owned(),
        entry,
        values,
    }])
}

/// Puts an attachment (附件) beside the item. Anybody on duty may, at any site: a leader's photo
/// belongs to the campus's item, too.
///
/// # Errors
/// [`Refusal`].
pub fn attach(
    actor: &Actor,
    record: &Record,
    entry: EntryId,
    values: Values,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    may_attach(actor, record.entries("attachments").count())?;
    Ok(vec![attachment(entry, values, now_ms)?])
}

/// The attachments of a new item.
///
/// # Errors
/// [`Refusal`].
pub fn attach_new(
    actor: &Actor,
    attachments: Vec<(EntryId, Values)>,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    if let Some(others) = attachments.len().checked_sub(1) {
        may_attach(actor, others)?;
    }
    attachments
        .into_iter()
        .map(|(entry, values)| attachment(entry, values, now_ms))
        .collect()
}

fn attachment(entry: EntryId, values: Values, now_ms: i64) -> Result<Edit, Refusal> {
    text::check(&values, now_ms)?;
    Ok(Edit::AddEntry {
        field: "attachments".to_owned(),
        entry,
        values,
    })
}

fn may_attach(actor: &Actor, others: usize) -> Result<(), Reason> {
    actor.must_be_on_duty()?;
    if others >= MAX_ATTACHMENTS {
        return Err(Reason::TooManyAttachments);
    }
    Ok(())
}

/// Closes an item with its result (办结).
///
/// # Errors
/// [`Refusal`].
pub fn finish(
    actor: &Actor,
    record: &Record,
    values: Values,
    now_ms: i64,
) -> Result<Vec<Edit>, Refusal> {
    may_finish(actor, record)?;
    text::check(&values, now_ms)?;
    let mut edits = set_all(values);
    edits.push(Edit::Set("finished".to_owned(), Value::Bool(true)));
    Ok(edits)
}

fn may_finish(actor: &Actor, record: &Record) -> Result<(), Reason> {
    actor.must_keep_log_of(record.home)?;
    if record.get("finished") == Some(&Value::Bool(true)) {
        return Err(Reason::AlreadyFinished);
    }
    Ok(())
}

fn may_open_incident(actor: &Actor, sequels: Sequels) -> Result<(), Reason> {
    actor.must_be_on_duty()?;
    if sequels.incident {
        return Err(Reason::AlreadyIncident);
    }
    Ok(())
}

pub(crate) fn offers(actor: &Actor, record: &Record, sequels: Sequels) -> Vec<Offer> {
    vec![
        Offer::of("amend", actor.must_keep_log_of(record.home)),
        Offer::of("open_incident", may_open_incident(actor, sequels)),
        Offer::of(
            "attach",
            may_attach(actor, record.entries("attachments").count()),
        ),
        Offer::of("finish", may_finish(actor, record)),
    ]
}

pub(crate) fn set_all(values: Values) -> Vec<Edit> {
    values
        .into_iter()
        .map(|(name, value)| Edit::Set(name, value))
        .collect()
}
