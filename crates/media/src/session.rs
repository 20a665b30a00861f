//! The sessions of an engine: who has one, on which worker, and what its end announces.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::broadcast;

use crate::api::{MediaEvent, SessionId};

/// Events kept for a slow receiver; past that it is told that it lagged.
const EVENTS: usize = 1_024;

/// What the engine and its workers share about sessions.
pub(crate) struct Sessions {
    open: Mutex<HashMap<SessionId, Entry>>,
    pub(crate) events: broadcast::Sender<MediaEvent>,
}

#[derive(Clone, Copy)]
struct Entry {
    worker: usize,
    viewer: bool,
}

impl Sessions {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            events: broadcast::Sender::new(EVENTS),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Entry>> {
        self.open
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Tells everybody who listens; nobody has to.
    pub(crate) fn announce(&self, event: MediaEvent) {
        let _nobody_listens = self.events.send(event);
    }

    /// Opens a viewer's session unless `limit` viewers are here; `down` is announced at its end.
    pub(crate) fn open_viewer(
        self: &Arc<Self>,
        session: SessionId,
        worker: usize,
        limit: usize,
        down: MediaEvent,
    ) -> Option<SessionGuard> {
        let mut open = self.lock();
        if open.values().filter(|entry| entry.viewer).count() >= limit {
            return None;
        }
        open.insert(
            session,
            Entry {
                worker,
                viewer: true,
            },
        );
        Some(SessionGuard {
            sessions: Arc::clone(self),
            session,
            down: Some(down),
        })
    }

    /// Opens a publisher's session.
    pub(crate) fn open_publisher(
        self: &Arc<Self>,
        session: SessionId,
        worker: usize,
        down: MediaEvent,
    ) -> SessionGuard {
        self.lock().insert(
            session,
            Entry {
                worker,
                viewer: false,
            },
        );
        SessionGuard {
            sessions: Arc::clone(self),
            session,
            down: Some(down),
        }
    }

    pub(crate) fn worker_of(&self, session: &SessionId) -> Option<usize> {
        self.lock().get(session).map(|entry| entry.worker)
    }

    /// Sessions on each of `workers` workers.
    pub(crate) fn load(&self, workers: usize) -> Vec<usize> {
        let mut load = vec![0; workers];
        for entry in self.lock().values() {
            load[entry.worker] += 1;
        }
        load
    }
}

/// A session is open for as long as this lives.
pub(crate) struct SessionGuard {
    sessions: Arc<Sessions>,
    pub(crate) session: SessionId,
    down: Option<MediaEvent>,
}

impl SessionGuard {
    pub(crate) fn announce(&self, event: MediaEvent) {
        self.sessions.announce(event);
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        self.sessions.lock().remove(&self.session);
        if let Some(down) = self.down.take() {
            self.sessions.announce(down);
        }
    }
}
