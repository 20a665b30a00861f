//! Argon2id, bounded: at most [`PARALLEL`] hashes at a time, off the async threads.
//!
//! Parameters are OWASP's minimum for Argon2id (19 MiB, 2 passes, 1 lane). The semaphore is also
//! the bound on memory when many sign in at once.

use crate::random::Random;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Hashes computed at a time.
const PARALLEL: usize = 2;
/// Shortest password accepted when one is set, code points (ASVS 5.0, 6.2.1).
pub const MIN_LEN: usize = 8;
/// Longest password tried, bytes; a bound on work, not a rule.
pub const MAX_LEN: usize = 1024;

/// Why a password was neither right nor wrong.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The stored verifier is not one of ours.
    #[error("the stored password verifier is damaged")]
    Verifier,
    /// Argon2 failed.
    #[error("the password could not be hashed")]
    Hash(#[source] argon2::password_hash::Error),
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("constant parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The verifier to store for a password, in PHC string form. Takes tens of milliseconds.
///
/// # Errors
/// [`PasswordError::Hash`].
pub fn verifier(password: &str, salt: [u8; 16]) -> Result<String, PasswordError> {
    let hash: PasswordHash = argon2()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(PasswordError::Hash)?;
    Ok(hash.to_string())
}

/// Checks passwords.
#[derive(Debug, Clone)]
pub struct Checker {
    turns: Arc<Semaphore>,
    /// Checked for unknown logins, so that they take as long as known ones.
    nobody: Arc<str>,
}

impl Checker {
    /// A checker; makes its own verifier of an unguessable password.
    ///
    /// # Errors
    /// [`PasswordError::Hash`].
    pub fn new(random: &Random) -> Result<Self, PasswordError> {
        let secret = crate::auth::session::hex(&random.bytes::<32>());
        Ok(Self {
            turns: Arc::new(Semaphore::new(PARALLEL)),
            nobody: verifier(&secret, random.bytes())?.into(),
        })
    }

    /// Whether `password` is the one of `verifier`; for no verifier the same work, and no.
    ///
    /// # Errors
    /// [`PasswordError::Verifier`].
    pub async fn is_right(
        &self,
        password: String,
        verifier: Option<String>,
    ) -> Result<bool, PasswordError> {
        let known = verifier.is_some();
        let verifier = verifier.unwrap_or_else(|| self.nobody.to_string());
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let right = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let hash = PasswordHash::new(&verifier).map_err(|_| PasswordError::Verifier)?;
            Ok(argon2().verify_password(password.as_bytes(), &hash).is_ok())
        })
        .await
        .expect("the check neither panics nor is aborted");
        right.map(|right| right && known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_is_right_and_nobody_has_one() {
        let random = Random::seeded(1);
        let checker = Checker::new(&random).unwrap();
        let stored = verifier("密码 correct horse", random.bytes()).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let check = |password: &str, verifier: Option<&String>| {
            checker.is_right(password.to_owned(), verifier.cloned())
        };
        assert!(check("密码 correct horse", Some(&stored)).await.unwrap());
        assert!(!check("密码 correct hors", Some(&stored)).await.unwrap());
        assert!(!check("anything", None).await.unwrap());
    }
}
