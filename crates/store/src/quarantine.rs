//! What did not pass: refused and held bundles, and forks.

use crate::error::StoreError;
use crate::lane::stem;
use crate::meta::{head_of, id, journal_of, uint};
use crate::row::{Fork, QuarantineVerdict, Quarantined};
use crate::store::Store;
use records::bundle::Head;
use records::id::{Hash, RecordId};
use sqlx::{Row as _, SqliteConnection};

/// Whether any bundle is held.
pub(crate) async fn any_held(conn: &mut SqliteConnection) -> Result<bool, StoreError> {
    let found: Option<i64> =
        sqlx::query_scalar("select 1 from quarantine where verdict = 'held' limit 1")
            .fetch_optional(conn)
            .await?;
    Ok(found.is_some())
}

/// The place as other sites know it.
fn named(head: Head) -> Head {
    Head {
        journal: stem(head.journal),
        ..head
    }
}

/// The first bundle of each branch.
pub(crate) const FORKS: &str = "select site, incarnation, seq, hash, kept, found_ms from branch b
     where not exists (select 1 from branch p where p.hash = b.prev)
     order by found_ms desc, site, incarnation, seq limit 1000";

impl Store {
    /// Refused and held bundles, latest first, at most 1,000.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn quarantine(&self) -> Result<Vec<Quarantined>, StoreError> {
        let rows = sqlx::query(
            "select q.site, q.incarnation, q.seq, q.hash, q.verdict, q.code, q.record, q.received_ms,
                 r.kind, r.number, length(b.header) + length(b.payload) + 64 as bytes
             from quarantine q join bundle b using (site, incarnation, seq)
             left join record r on r.id = q.record
             order by q.received_ms desc, q.site, q.incarnation, q.seq desc limit 1000",
        )
        .fetch_all(&self.inner.readers)
        .await?;
        let quarantined = rows.iter().map(|row| {
            let record: Option<Vec<u8>> = row.try_get("record")?;
            let verdict: String = row.try_get("verdict")?;
            Ok(Quarantined {
                head: named(head_of(row)?),
                verdict: match verdict.as_str() {
                    "refused" => QuarantineVerdict::Refused,
                    "held" => QuarantineVerdict::Held,
                    _ => return Err(StoreError::Damaged("a verdict")),
                },
                code: row.try_get("code")?,
                record: record.and_then(|id| RecordId::from_slice(&id)),
                known_as: match row.try_get::<Option<String>, _>("kind")? {
                    Some(kind) => Some((kind, row.try_get("number")?)),
                    None => None,
                },
                bytes: uint(row.try_get("bytes")?)?,
                received_ms: row.try_get("received_ms")?,
            })
        });
        quarantined.collect()
    }

    /// Branches that no closure has settled, each by its first bundle, latest first, at most
    /// 1,000.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forks(&self) -> Result<Vec<Fork>, StoreError> {
        let rows = sqlx::query(FORKS).fetch_all(&self.inner.readers).await?;
        let forks = rows.iter().map(|row| {
            Ok(Fork {
                journal: journal_of(row)?,
                seq: uint(row.try_get("seq")?)?,
                kept: Hash(id(row, "kept")?),
                branch: Hash(id(row, "hash")?),
                found_ms: row.try_get("found_ms")?,
            })
        });
        forks.collect()
    }
}
