//! Session tokens and how long they hold.

use records::id::AccountId;

/// Ends after so long without a request, ms.
pub const IDLE_MS: i64 = 12 * 3_600_000;
/// Ends after so long in any case, ms.
pub const ABSOLUTE_MS: i64 = 24 * 3_600_000;
/// The time of the last request is written at most so often, ms; each write costs a disk flush.
pub const TOUCH_EVERY_MS: i64 = 5 * 60_000;

/// 256 random bits as the cookie carries them: 64 hex digits.
#[must_use]
pub fn token(random: [u8; 32]) -> String {
    hex(&random)
}

/// What the database holds instead of the token; `None` for what cannot be a token.
///
/// A token has 256 random bits, so a plain fast hash is enough to make the table useless to a
/// thief.
#[must_use]
pub fn hash(token: &str) -> Option<[u8; 32]> {
    let is_token = token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_token.then(|| blake3::derive_key("dutyroom 2026 session token v1", token.as_bytes()))
}

/// A new session.
#[must_use]
pub fn begin(token_hash: [u8; 32], account: AccountId, now_ms: i64) -> store::Session {
    store::Session {
        token_hash,
        account,
        created_ms: now_ms,
        idle_expires_ms: now_ms + IDLE_MS,
        expires_ms: now_ms + ABSOLUTE_MS,
    }
}

/// When a session ends unless it is used again.
#[must_use]
pub fn expires_at(session: &store::Session) -> i64 {
    session.idle_expires_ms.min(session.expires_ms)
}

/// The idle end to write for a request at `now_ms`, if it is worth a write.
#[must_use]
pub fn touch(session: &store::Session, now_ms: i64) -> Option<i64> {
    let idle_expires_ms = now_ms + IDLE_MS;
    (idle_expires_ms >= session.idle_expires_ms + TOUCH_EVERY_MS).then_some(idle_expires_ms)
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_is_hashed() {
        let token = token([7; 32]);
        assert_eq!(token.len(), 64);
        assert!(hash(&token).is_some());
        assert_ne!(hash(&token), hash(&super::token([8; 32])));
        for other in ["", "07", &"g".repeat(64)] {
            assert_eq!(hash(other), None);
        }
    }

    #[test]
    fn a_session_in_use_ends_after_a_day_and_an_idle_one_after_half() {
        let mut session = begin([0; 32], AccountId([1; 16]), 0);
        assert_eq!(expires_at(&session), IDLE_MS);
        assert_eq!(touch(&session, TOUCH_EVERY_MS - 1), None);
        session.idle_expires_ms = touch(&session, ABSOLUTE_MS - 1).expect("long unused");
        assert_eq!(expires_at(&session), ABSOLUTE_MS);
    }
}
