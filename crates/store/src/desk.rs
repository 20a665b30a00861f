//! The records of one local action under edit: planned within the transaction, made anywhere.

use crate::action::{RecordEdit, Writer};
use crate::doc::SNAPSHOT;
use crate::erase::RECORD_ERASED;
use crate::error::StoreError;
use crate::job::CommitFault;
use crate::judge::Accepted;
use crate::number::{self, Numbers};
use crate::shelf;
use crate::tx::Tx;
use automerge::{ActorId, Automerge};
use records::field::{FieldFault, KindTable};
use records::gate::{MAX_CHANGES, MAX_WORK, Refusal, Rules, Verdict, judge_made};
use records::id::{JournalId, RecordId};
use records::kinds;
use records::payload::{MAX_CHANGE_LEN, MAX_SECTIONS, RecordChanges};
use records::write::{self, WriteError};
use std::sync::Arc;

/// One record of an action: how it stands, and what is to be written of it.
pub(crate) struct Sheet {
    record: RecordId,
    table: &'static KindTable,
    /// `None` for a new record.
    before: Option<Before>,
    /// On the form of a new record.
    number: Option<String>,
    /// The action's edits, and which of them are of this record.
    all: Arc<Vec<RecordEdit>>,
    own: Vec<usize>,
}

/// A record as it stands.
struct Before {
    bytes: Arc<Vec<u8>>,
    /// The document of `bytes`, where our writer made it in this transaction.
    doc: Option<Automerge>,
}

/// Who writes, and by which rules.
pub(crate) struct Pen {
    actor: ActorId,
    journal: JournalId,
    rules: Rules,
}

impl Pen {
    pub(crate) fn of(writer: &Writer, rules: Rules) -> Self {
        Self {
            actor: write::actor(writer.journal, writer.slot),
            journal: writer.journal,
            rules,
        }
    }
}

/// The records that `edits` name, in the order they are first named.
pub(crate) fn named(edits: &[RecordEdit]) -> Vec<RecordId> {
    let mut records = Vec::new();
    for edit in edits {
        if !records.contains(&edit.record) {
            records.push(edit.record);
        }
    }
    records
}

/// Brings what the edits need; new records get their numbers.
pub(crate) async fn plan(
    tx: &mut Tx<'_>,
    writer: &Writer,
    wall_ms: i64,
    edits: &Arc<Vec<RecordEdit>>,
    numbers: &mut Numbers,
) -> Result<Vec<Sheet>, CommitFault> {
    let rules = tx.state.writable_rules();
    let mut sheets: Vec<Sheet> = Vec::new();
    for (index, edit) in edits.iter().enumerate() {
        let table = kinds::table(edit.kind).filter(|table| u32::from(table.since) <= rules);
        let table = table.ok_or(StoreError::Refused("unknown_kind"))?;
        let inactive = write::inactive(table, &edit.edits, rules);
        if !inactive.is_empty() {
            return Err(CommitFault::Invalid(inactive));
        }
        let at = sheets.iter().position(|sheet| sheet.record == edit.record);
        let at = match at {
            Some(at) => at,
            None => {
                if sheets.len() == MAX_SECTIONS {
                    return Err(StoreError::TooLarge.into());
                }
                let (before, number) =
                    open(tx, writer, wall_ms, edit.record, table, numbers).await?;
                sheets.push(Sheet {
                    record: edit.record,
                    table,
                    before,
                    number,
                    all: edits.clone(),
                    own: Vec::new(),
                });
                sheets.len() - 1
            }
        };
        if sheets[at].table.kind != table.kind {
            return Err(StoreError::Refused("other_kind").into());
        }
        sheets[at].own.push(index);
    }
    Ok(sheets)
}

/// How the record stands, and the number it gets if it is new.
async fn open(
    tx: &mut Tx<'_>,
    writer: &Writer,
    wall_ms: i64,
    record: RecordId,
    table: &'static KindTable,
    numbers: &mut Numbers,
) -> Result<(Option<Before>, Option<String>), CommitFault> {
    if tx.state.trust.erasures().record(record).is_some() {
        return Err(StoreError::Refused(RECORD_ERASED).into());
    }
    let before = match shelf::kept(tx, record).await? {
        Some(kept) if kept.kind != table.kind => {
            return Err(StoreError::Refused("other_kind").into());
        }
        Some(kept) => Some(Before {
            bytes: kept.bytes.clone(),
            doc: kept.doc.clone(),
        }),
        None => None,
    };
    let number = match (&before, table.number_prefix) {
        (None, Some(prefix)) => {
            let series = number::series(writer, prefix, wall_ms);
            Some(numbers.next(tx, series).await?)
        }
        _ => None,
    };
    Ok((before, number))
}

/// One section for each record that changes, judged by our own gate: what we sign passes the same
/// gate at every other site, so it has to pass here first.
pub(crate) fn make(sheets: Vec<Sheet>, pen: &Pen) -> Result<Vec<Accepted>, CommitFault> {
    let mut made = Vec::with_capacity(sheets.len());
    let mut work = 0;
    for sheet in sheets {
        let Some(accepted) = sheet.make(pen)? else {
            continue;
        };
        work += accepted.admitted.work;
        if work > MAX_WORK {
            return Err(StoreError::TooLarge.into());
        }
        made.push(accepted);
    }
    Ok(made)
}

impl Sheet {
    pub(crate) fn is_numbered(&self) -> bool {
        self.number.is_some()
    }

    fn make(self, pen: &Pen) -> Result<Option<Accepted>, CommitFault> {
        let mut doc = match self.before {
            None => Automerge::new(),
            Some(Before { doc: Some(doc), .. }) => doc,
            Some(Before { bytes, doc: None }) => {
                Automerge::load(&bytes).map_err(|_| StoreError::Damaged(SNAPSHOT))?
            }
        };
        doc.set_actor(pen.actor.clone());
        let (table, home) = (self.table, pen.journal.site);
        let (mut steps, mut changes) = (Vec::new(), Vec::new());
        let mut table_version = table.since;
        for index in self.own {
            let edits = &self.all[index].edits;
            let before = doc.clone();
            let change = match doc.get_heads().is_empty() {
                true => write::create(&mut doc, table, home, self.number.as_deref(), edits),
                false => write::edit(&mut doc, table, edits),
            };
            let change = match change {
                Ok(change) => change,
                Err(WriteError::Unchanged) => continue,
                Err(error) => return Err(fault(error)),
            };
            if change.len() > MAX_CHANGE_LEN || changes.len() == MAX_CHANGES {
                return Err(StoreError::TooLarge.into());
            }
            table_version = table_version.max(write::table_version(table, edits));
            steps.push(before);
            changes.push(change);
        }
        if changes.is_empty() {
            return Ok(None);
        }
        let section = RecordChanges {
            record: self.record,
            kind: table.kind.to_owned(),
            table_version,
            changes,
        };
        match judge_made(&steps, &doc, &section, pen.journal, pen.rules) {
            Verdict::Accepted(admitted) => Ok(Some(Accepted {
                section,
                admitted: *admitted,
                doc: Some(doc),
            })),
            Verdict::Refused(refusal) => Err(not_taken(refusal.code()).into()),
            Verdict::Held(hold) => Err(not_taken(hold.code()).into()),
        }
    }
}

/// What our own gate says against what we made.
pub(crate) fn not_taken(code: &'static str) -> StoreError {
    match [Refusal::RecordFull.code(), Refusal::Work.code()].contains(&code) {
        true => StoreError::TooLarge,
        false => StoreError::Refused(code),
    }
}

fn fault(error: WriteError) -> CommitFault {
    let faults: Vec<(String, FieldFault)> = match error {
        WriteError::Invalid(faults) => faults,
        WriteError::Unchanged => Vec::new(),
        WriteError::TooLarge(_) => return StoreError::TooLarge.into(),
        WriteError::Automerge(_) => return StoreError::Refused("library_failure").into(),
    };
    CommitFault::Invalid(faults)
}
