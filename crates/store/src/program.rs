//! What the other sites' programs know: looked at before a rule set is activated.

use crate::error::StoreError;
use crate::meta::{id, int, uint};
use crate::store::Store;
use records::id::SiteId;
use sqlx::Row as _;
use std::collections::BTreeMap;

/// One start of a site's process on its data directory. Of two directories that part from one
/// copy, each goes on counting, so the same number comes with two ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Boot {
    /// Counts the starts of this directory; 0 while none is known.
    pub number: u64,
    /// Random.
    pub id: [u8; 4],
}

/// A site's program as last heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Program {
    /// The newest rule set it knows.
    pub rules: u32,
    /// When it last said so, ms since the epoch.
    pub seen_ms: i64,
    /// The incarnation it wrote in.
    pub incarnation: u32,
    /// Which start of it that was.
    pub boot: Boot,
}

impl Store {
    /// Keeps the newest rule set that `site`'s program says it knows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_program(&self, site: SiteId, program: Program) -> Result<(), StoreError> {
        self.write(async move |conn| {
            sqlx::query(
                "insert into program(site, rules, seen_ms, incarnation, boot_number, boot_id)
                 values($1, $2, $3, $4, $5, $6)
                 on conflict(site) do update set rules = excluded.rules, seen_ms = excluded.seen_ms,
                     incarnation = excluded.incarnation, boot_number = excluded.boot_number,
                     boot_id = excluded.boot_id",
            )
            .bind(site.0.to_vec())
            .bind(i64::from(program.rules))
            .bind(program.seen_ms)
            .bind(i64::from(program.incarnation))
            .bind(int(program.boot.number))
            .bind(program.boot.id.to_vec())
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
        let rows = sqlx::query("select * from program")
            .fetch_all(&self.inner.readers)
            .await?;
        let programs = rows.iter().map(|row| {
            let small = |name| -> Result<u32, StoreError> {
                let number = u32::try_from(row.try_get::<i64, _>(name)?);
                number.map_err(|_| StoreError::Damaged("a site's program"))
            };
            let program = Program {
                rules: small("rules")?,
                seen_ms: row.try_get("seen_ms")?,
                incarnation: small("incarnation")?,
                boot: Boot {
                    number: uint(row.try_get("boot_number")?)?,
                    id: id(row, "boot_id")?,
                },
            };
            Ok((SiteId(id(row, "site")?), program))
        });
        programs.collect()
    }
}
