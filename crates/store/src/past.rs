//! The causal past of a bundle as one number per journal.

use crate::error::StoreError;
use crate::meta::{journal_of, uint};
use records::bundle::Header;
use records::id::{Hash, JournalId};
use sqlx::{Row as _, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};

/// The highest place of each journal that a bundle, itself included, has in its past.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Past(BTreeMap<JournalId, u64>);

/// The hashes a bundle comes after.
pub(crate) fn needs(header: &Header) -> BTreeSet<Hash> {
    let deps = header.deps.iter().map(|dep| dep.hash);
    deps.chain([header.prev]).collect()
}

/// The past of a bundle that stands in a journal or lane, from those of what it comes after.
pub(crate) async fn of(
    conn: &mut SqliteConnection,
    at: JournalId,
    header: &Header,
) -> Result<Past, StoreError> {
    let mut past = Past::default();
    for need in needs(header) {
        let row = sqlx::query("select site, incarnation, seq, past from bundle where hash = $1")
            .bind(need.0.to_vec())
            .fetch_optional(&mut *conn)
            .await?;
        if let Some(row) = row {
            past.merge(&Past::decode(&row.try_get::<Vec<u8>, _>("past")?)?);
            past.reach(journal_of(&row)?, uint(row.try_get("seq")?)?);
        }
    }
    past.reach(at, header.seq);
    Ok(past)
}

impl Past {
    pub(crate) fn seq(&self, journal: JournalId) -> u64 {
        self.0.get(&journal).copied().unwrap_or(0)
    }

    pub(crate) fn reach(&mut self, journal: JournalId, reached: u64) {
        let seq = self.0.entry(journal).or_default();
        *seq = (*seq).max(reached);
    }

    pub(crate) fn into_map(self) -> BTreeMap<JournalId, u64> {
        self.0
    }

    pub(crate) fn merge(&mut self, other: &Past) {
        for (journal, other) in &other.0 {
            let seq = self.0.entry(*journal).or_default();
            *seq = (*seq).max(*other);
        }
    }

    pub(crate) fn set_own(&mut self, header: &Header) {
        self.0.insert(header.journal(), header.seq);
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(&self.0).expect("encoding into a Vec cannot fail")
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        minicbor::decode(bytes)
            .map(Self)
            .map_err(|_| StoreError::Damaged("a bundle's causal past"))
    }
}
