//! What the other sites' programs know: looked at before a rule set is activated.

use crate::error::StoreError;
use crate::meta::id;
use crate::store::Store;
use records::id::SiteId;
use sqlx::Row as _;
use std::collections::BTreeMap;

/// A site's program as last heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// The newest rule set it knows.
    pub rules: u32,
    /// When it last said so, ms since the epoch.
    pub seen_ms: i64,
}

impl Store {
    /// Keeps the newest rule set that `site`'s program says it knows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_program(&self, site: SiteId, program: Program) -> Result<(), StoreError> {
        self.write(async move |conn| {
            sqlx::query(
                "insert into program(site, rules, seen_ms) values($1, $2, $3)
                 on conflict(site) do update set rules = excluded.rules, seen_ms = excluded.seen_ms",
            )
            .bind(site.0.to_vec())
            .bind(i64::from(program.rules))
            .bind(program.seen_ms)
            .execute(conn)
            .await
            .map(drop)
        })
        .await
    }

    /// The programs of the sites that were ever linked with this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn programs(&self) -> Result<BTreeMap<SiteId, Program>, StoreError> {
        let rows = sqlx::query("select site, rules, seen_ms from program")
            .fetch_all(&self.inner.readers)
            .await?;
        let programs = rows.iter().map(|row| {
            let rules = u32::try_from(row.try_get::<i64, _>("rules")?);
            let program = Program {
                rules: rules.map_err(|_| StoreError::Damaged("a rule set"))?,
                seen_ms: row.try_get("seen_ms")?,
            };
            Ok((SiteId(id(row, "site")?), program))
        });
        programs.collect()
    }
}
