//! Whose media session is whose, so that nobody ends another's.

use media::SessionId;
use records::id::AccountId;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The open media sessions of this site's browsers.
#[derive(Debug, Default)]
pub struct MediaSessions(Mutex<HashMap<SessionId, AccountId>>);

impl MediaSessions {
    /// Notes a new session.
    pub fn open(&self, session: SessionId, person: AccountId) {
        self.lock().insert(session, person);
    }

    /// Forgets the session if it is this person's; whether it was.
    pub fn close(&self, session: SessionId, person: AccountId) -> bool {
        let mut sessions = self.lock();
        let own = sessions.get(&session) == Some(&person);
        if own {
            sessions.remove(&session);
        }
        own
    }

    /// Forgets a session that ended by itself.
    pub fn ended(&self, session: SessionId) {
        self.lock().remove(&session);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, AccountId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_ends_another_persons_session() {
        let sessions = MediaSessions::default();
        let (mine, other) = (AccountId([1; 16]), AccountId([2; 16]));
        sessions.open([7; 16], mine);
        assert!(!sessions.close([7; 16], other));
        assert!(sessions.close([7; 16], mine));
        assert!(!sessions.close([7; 16], mine));
    }
}
