//! The records of one local action under edit: its changes, made but not yet signed.

use crate::action::{Action, RecordEdit, Writer};
use crate::erase::RECORD_ERASED;
use crate::error::StoreError;
use crate::job::CommitFault;
use crate::judge::Made;
use crate::number::{self, Numbers};
use crate::shelf;
use crate::tx::Tx;
use automerge::Automerge;
use records::field::{FieldFault, KindTable};
use records::gate::MAX_CHANGES;
use records::id::RecordId;
use records::kinds;
use records::payload::{MAX_CHANGE_LEN, MAX_SECTIONS, RecordChanges};
use records::write::{self, WriteError};

/// One record under edit.
struct Work {
    record: RecordId,
    table: &'static KindTable,
    /// The rule set of the newest field written.
    table_version: u16,
    /// The document before each change.
    steps: Vec<Automerge>,
    doc: Automerge,
    changes: Vec<Vec<u8>>,
}

/// The records of one action under edit, in the order they were first named.
pub(crate) struct Desk<'a> {
    writer: &'a Writer,
    wall_ms: i64,
    numbers: Numbers,
    work: Vec<Work>,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(writer: &'a Writer, action: &Action) -> Self {
        Self {
            writer,
            wall_ms: action.wall_ms,
            numbers: Numbers::default(),
            work: Vec::new(),
        }
    }

    pub(crate) async fn edit(
        &mut self,
        tx: &mut Tx<'_>,
        edit: RecordEdit,
    ) -> Result<(), CommitFault> {
        let rules = tx.state.writable_rules();
        let table = kinds::table(edit.kind).filter(|table| u32::from(table.since) <= rules);
        let Some(table) = table else {
            return Err(StoreError::Refused("unknown_kind").into());
        };
        let inactive = write::inactive(table, &edit.edits, rules);
        if !inactive.is_empty() {
            return Err(CommitFault::Invalid(inactive));
        }
        let index = match self.work.iter().position(|work| work.record == edit.record) {
            Some(index) => index,
            None => self.open(tx, edit.record, table).await?,
        };
        let work = &self.work[index];
        if work.table.kind != table.kind {
            return Err(StoreError::Refused("other_kind").into());
        }
        let new = work.changes.is_empty() && work.doc.get_heads().is_empty();
        let number = match (new, table.number_prefix) {
            (true, Some(prefix)) => {
                let series = number::series(self.writer, prefix, self.wall_ms);
                Some(self.numbers.next(tx, series).await?)
            }
            _ => None,
        };
        let work = &mut self.work[index];
        let home = self.writer.journal.site;
        let before = work.doc.clone();
        let change = match new {
            true => write::create(&mut work.doc, table, home, number.as_deref(), &edit.edits),
            false => write::edit(&mut work.doc, table, &edit.edits),
        };
        match change {
            Ok(change) => {
                let version = write::table_version(table, &edit.edits);
                work.table_version = work.table_version.max(version);
                work.steps.push(before);
                work.changes.push(change);
            }
            Err(WriteError::Unchanged) => {}
            Err(error) => return Err(fault(error)),
        }
        if work.changes.len() > MAX_CHANGES
            || work
                .changes
                .iter()
                .any(|change| change.len() > MAX_CHANGE_LEN)
        {
            return Err(StoreError::TooLarge.into());
        }
        Ok(())
    }

    /// The records named, in that order.
    pub(crate) fn records(&self) -> Vec<RecordId> {
        self.work.iter().map(|work| work.record).collect()
    }

    /// One section per changed record.
    pub(crate) fn made(self) -> Vec<Made> {
        let work = self.work.into_iter();
        let changed = work.filter(|work| !work.changes.is_empty());
        let made = changed.map(|work| Made {
            steps: work.steps,
            doc: work.doc,
            section: RecordChanges {
                record: work.record,
                kind: work.table.kind.to_owned(),
                table_version: work.table_version,
                changes: work.changes,
            },
        });
        made.collect()
    }

    async fn open(
        &mut self,
        tx: &mut Tx<'_>,
        record: RecordId,
        table: &'static KindTable,
    ) -> Result<usize, CommitFault> {
        if tx.state.trust.erasures().record(record).is_some() {
            return Err(StoreError::Refused(RECORD_ERASED).into());
        }
        if self.work.len() == MAX_SECTIONS {
            return Err(StoreError::TooLarge.into());
        }
        let kept = shelf::kept(tx, record).await?;
        let mut doc = match kept {
            Some(kept) if kept.kind != table.kind => {
                return Err(StoreError::Refused("other_kind").into());
            }
            Some(kept) => kept.doc()?,
            None => Automerge::new(),
        };
        doc.set_actor(write::actor(self.writer.journal, self.writer.slot));
        self.work.push(Work {
            record,
            table,
            table_version: table.since,
            steps: Vec::new(),
            doc,
            changes: Vec::new(),
        });
        Ok(self.work.len() - 1)
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
