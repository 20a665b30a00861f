//! Accounts: who may sign in at this site. Never journalled.

use crate::error::StoreError;
use crate::store::Store;
use records::id::AccountId;
use sqlx::Row as _;

/// An account of this site.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The person record's id.
    pub id: AccountId,
    /// Login; unique without regard to case.
    pub login: String,
    /// Password verifier as a PHC string.
    pub verifier: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither login nor verifier belongs in a log.
        f.debug_struct("Account")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

fn folded(login: &str) -> String {
    login.trim().to_lowercase()
}

impl Store {
    /// Adds an account.
    ///
    /// # Errors
    /// [`StoreError::LoginTaken`] when another account has this login, in whatever case.
    pub async fn add_account(&self, account: Account) -> Result<(), StoreError> {
        let added = self
            .write(async move |conn| {
                sqlx::query(
                    "insert into account(id, login, folded, verifier) values($1, $2, $3, $4)
                     on conflict do nothing",
                )
                .bind(account.id.0.to_vec())
                .bind(account.login.trim().to_owned())
                .bind(folded(&account.login))
                .bind(account.verifier.clone())
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
            })
            .await?;
        if added == 0 {
            return Err(StoreError::LoginTaken);
        }
        Ok(())
    }

    /// The account with this login, in whatever case.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_by_login(&self, login: &str) -> Result<Option<Account>, StoreError> {
        let row = sqlx::query("select id, login, verifier from account where folded = $1")
            .bind(folded(login))
            .fetch_optional(&self.inner.readers)
            .await?;
        row.map(|row| account(&row)).transpose()
    }

    /// The account with this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let row = sqlx::query("select id, login, verifier from account where id = $1")
            .bind(id.0.to_vec())
            .fetch_optional(&self.inner.readers)
            .await?;
        row.map(|row| account(&row)).transpose()
    }

    /// Replaces a password verifier; `false` if there is no such account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_verifier(&self, id: AccountId, verifier: &str) -> Result<bool, StoreError> {
        let verifier = verifier.to_owned();
        self.write(async move |conn| {
            sqlx::query("update account set verifier = $2 where id = $1")
                .bind(id.0.to_vec())
                .bind(verifier.clone())
                .execute(conn)
                .await
                .map(|done| done.rows_affected() > 0)
        })
        .await
    }
}

fn account(row: &sqlx::sqlite::SqliteRow) -> Result<Account, StoreError> {
    let id: Vec<u8> = row.try_get("id")?;
    Ok(Account {
        id: AccountId::from_slice(&id).ok_or(StoreError::Damaged("an account id"))?,
        login: row.try_get("login")?,
        verifier: row.try_get("verifier")?,
    })
}
