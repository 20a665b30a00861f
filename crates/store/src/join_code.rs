//! One-time codes that enrol a campus; only hashes are kept.

use crate::error::StoreError;
use crate::store::Store;
use sqlx::Row as _;

/// A code as it is handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinCode {
    /// Hash of the secret.
    pub hash: [u8; 32],
    /// Name the new site will have.
    pub site_name: String,
    /// Site code it will use in record numbers.
    pub site_code: String,
    /// When it ends, ms since the epoch.
    pub expires_ms: i64,
}

/// What a redeemed code allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedeemedJoinCode {
    /// Name the new site has.
    pub site_name: String,
    /// Site code it uses in record numbers.
    pub site_code: String,
}

/// Why a code is refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JoinCodeError {
    /// Nobody handed it out.
    #[error("the join code is unknown")]
    Unknown,
    /// It was redeemed before.
    #[error("the join code has been used")]
    Used,
    /// It has ended.
    #[error("the join code has expired")]
    Expired,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Store {
    /// Keeps a new code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_join_code(&self, code: JoinCode) -> Result<(), StoreError> {
        self.write(async move |conn| {
            sqlx::query(
                "insert into join_code(hash, site_name, site_code, expires_ms) values($1, $2, $3, $4)",
            )
            .bind(code.hash.to_vec())
            .bind(code.site_name.clone())
            .bind(code.site_code.clone())
            .bind(code.expires_ms)
            .execute(conn)
            .await
            .map(drop)
        })
        .await
    }

    /// Uses a code up, in one transaction: two who try at once never both succeed.
    ///
    /// # Errors
    /// [`JoinCodeError`].
    pub async fn redeem_join_code(
        &self,
        hash: [u8; 32],
        now_ms: i64,
    ) -> Result<RedeemedJoinCode, JoinCodeError> {
        self.write(async move |conn| {
            let row = sqlx::query(
                "select site_name, site_code, expires_ms, used_ms from join_code where hash = $1",
            )
            .bind(hash.to_vec())
            .fetch_optional(&mut *conn)
            .await?;
            let Some(row) = row else {
                return Ok(Err(JoinCodeError::Unknown));
            };
            if row.try_get::<Option<i64>, _>("used_ms")?.is_some() {
                return Ok(Err(JoinCodeError::Used));
            }
            if row.try_get::<i64, _>("expires_ms")? <= now_ms {
                return Ok(Err(JoinCodeError::Expired));
            }
            sqlx::query("update join_code set used_ms = $2 where hash = $1")
                .bind(hash.to_vec())
                .bind(now_ms)
                .execute(&mut *conn)
                .await?;
            Ok(Ok(RedeemedJoinCode {
                site_name: row.try_get("site_name")?,
                site_code: row.try_get("site_code")?,
            }))
        })
        .await?
    }
}
