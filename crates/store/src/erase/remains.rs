//! What is left of a record in the rows of this store, for the hub to name in an erasure.

use crate::error::StoreError;
use crate::meta::{id, journal_of, uint};
use crate::store::Store;
use records::id::{Hash, JournalId, RecordId};
use records::payload::{self, Body, Section};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// How many rows are in memory at once.
const PAGE: i64 = 256;

/// A section of the record whose content is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remain {
    /// Its hash, by which an erasure names it.
    pub section: Hash,
    /// Whose journal it is, or will be, in.
    pub journal: JournalId,
    /// Its bundle's place.
    pub seq: u64,
    /// How many changes it holds.
    pub changes: usize,
}

/// What is left of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remains {
    /// Its kind, as the last section found names it.
    pub kind: Option<String>,
    /// Its sections, each once.
    pub sections: Vec<Remain>,
    /// Places whose bundle cannot be read.
    damaged: Vec<(JournalId, u64)>,
}

impl Store {
    /// The record that has this number here, or had it when it was erased.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_by_number(&self, number: &str) -> Result<Option<RecordId>, StoreError> {
        let row = sqlx::query("select id from record where number = $1 order by no limit 1")
            .bind(number.to_owned())
            .fetch_optional(&self.inner.readers)
            .await?;
        match row {
            Some(row) => Ok(Some(RecordId(id(&row, "id")?))),
            None => {
                let trust = self.trust();
                let mut erased = trust.erasures().records();
                let found = erased.find(|(_, erasure)| erasure.number == number);
                Ok(found.map(|(record, _)| record))
            }
        }
    }

    /// Looks through every bundle held here, in journals or aside, for content of `record`. One
    /// that is damaged on disk is passed over and noted as a hole: what another site sends in its
    /// place comes without what is erased.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remains(&self, record: RecordId) -> Result<Remains, StoreError> {
        let mut remains = Remains::default();
        for table in [
            "select hash, site, incarnation, seq, payload from bundle
             where hash > $1 order by hash limit $2",
            "select hash, site, incarnation, seq, payload from waiting
             where hash > $1 order by hash limit $2",
            "select hash, site, incarnation, seq, payload from branch
             where hash > $1 order by hash limit $2",
            "select hash, site, incarnation, seq, payload from hole
             where payload is not null and hash > $1 order by hash limit $2",
        ] {
            self.look(table, record, &mut remains).await?;
        }
        remains.sections.sort_by_key(|remain| remain.section);
        remains.sections.dedup_by_key(|remain| remain.section);
        let damaged = std::mem::take(&mut remains.damaged);
        if let Err(error) = self.note_holes(damaged, 0).await {
            tracing::warn!(error = %error, "a damaged bundle could not be noted");
        }
        Ok(remains)
    }

    async fn look(
        &self,
        table: &'static str,
        record: RecordId,
        remains: &mut Remains,
    ) -> Result<(), StoreError> {
        let mut after: Vec<u8> = Vec::new();
        loop {
            let page = sqlx::query(table).bind(after.clone()).bind(PAGE);
            let rows = page.fetch_all(&self.inner.readers).await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.try_get("hash")?;
            for row in &rows {
                if remains.add(row, record).is_none()
                    && let (Ok(journal), Ok(seq)) = (journal_of(row), uint(row.try_get("seq")?))
                {
                    remains.damaged.push((journal, seq));
                }
            }
        }
    }
}

impl Remains {
    /// `None` if the row cannot be read.
    fn add(&mut self, row: &SqliteRow, record: RecordId) -> Option<()> {
        let payload: Vec<u8> = row.try_get("payload").ok()?;
        let sections = payload::decode(&payload).ok()?;
        let journal = journal_of(row).ok()?;
        let seq = uint(row.try_get("seq").ok()?).ok()?;
        for section in &sections {
            let Section::Present { body, .. } = section else {
                continue;
            };
            match Body::decode(body) {
                Ok(Body::Record(changes)) if changes.record == record => {
                    self.sections.push(Remain {
                        section: section.hash(),
                        journal,
                        seq,
                        changes: changes.changes.len(),
                    });
                    self.kind = Some(changes.kind);
                }
                _ => {}
            }
        }
        Some(())
    }
}
