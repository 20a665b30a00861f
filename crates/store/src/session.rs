//! Sign-in sessions: only hashes of their tokens are kept.

use crate::error::StoreError;
use crate::store::Store;
use records::id::AccountId;
use sqlx::Row as _;

/// A signed-in session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Hash of the opaque token.
    pub token_hash: [u8; 32],
    /// Whose.
    pub account: AccountId,
    /// When it began, ms since the epoch.
    pub created_ms: i64,
    /// When it ends unless it is used before, ms since the epoch.
    pub idle_expires_ms: i64,
    /// When it ends in any case, ms since the epoch.
    pub expires_ms: i64,
}

impl Store {
    /// Adds a session.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Database`] when there is no such account.
    pub async fn add_session(&self, session: Session) -> Result<(), StoreError> {
        self.write(async move |conn| {
            sqlx::query(
                "insert into session(token_hash, account, created_ms, idle_expires_ms, expires_ms)
                 values($1, $2, $3, $4, $5)",
            )
            .bind(session.token_hash.to_vec())
            .bind(session.account.0.to_vec())
            .bind(session.created_ms)
            .bind(session.idle_expires_ms)
            .bind(session.expires_ms)
            .execute(conn)
            .await
            .map(drop)
        })
        .await
    }

    /// The session with this token hash, unless it has ended by `now_ms`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn session(
        &self,
        token_hash: &[u8; 32],
        now_ms: i64,
    ) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query(
            "select account, created_ms, idle_expires_ms, expires_ms from session
             where token_hash = $1 and idle_expires_ms > $2 and expires_ms > $2",
        )
        .bind(token_hash.to_vec())
        .bind(now_ms)
        .fetch_optional(&self.inner.readers)
        .await?;
        row.map(|row| {
            let account: Vec<u8> = row.try_get("account")?;
            Ok(Session {
                token_hash: *token_hash,
                account: AccountId::from_slice(&account)
                    .ok_or(StoreError::Damaged("a session's account"))?,
                created_ms: row.try_get("created_ms")?,
                idle_expires_ms: row.try_get("idle_expires_ms")?,
                expires_ms: row.try_get("expires_ms")?,
            })
        })
        .transpose()
    }

    /// Moves a session's idle end; `false` if there is no such session.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn touch_session(
        &self,
        token_hash: [u8; 32],
        idle_expires_ms: i64,
    ) -> Result<bool, StoreError> {
        self.write(async move |conn| {
            sqlx::query("update session set idle_expires_ms = $2 where token_hash = $1")
                .bind(token_hash.to_vec())
                .bind(idle_expires_ms)
                .execute(conn)
                .await
                .map(|done| done.rows_affected() > 0)
        })
        .await
    }

    /// Ends one session; `false` if there was none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_session(&self, token_hash: [u8; 32]) -> Result<bool, StoreError> {
        self.write(async move |conn| {
            sqlx::query("delete from session where token_hash = $1")
                .bind(token_hash.to_vec())
                .execute(conn)
                .await
                .map(|done| done.rows_affected() > 0)
        })
        .await
    }

    /// Ends every session of an account and says how many there were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_sessions_of(&self, account: AccountId) -> Result<u64, StoreError> {
        self.write(async move |conn| {
            sqlx::query("delete from session where account = $1")
                .bind(account.0.to_vec())
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })
        .await
    }

    /// Deletes sessions that have ended by `now_ms` and says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn purge_sessions(&self, now_ms: i64) -> Result<u64, StoreError> {
        self.write(async move |conn| {
            sqlx::query("delete from session where idle_expires_ms <= $1 or expires_ms <= $1")
                .bind(now_ms)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })
        .await
    }
}
