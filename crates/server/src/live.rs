//! What changes without being a record: the sites' links and the cameras.
//!
//! Only the latest state of each thing is kept, with the number of its last change. A reader asks
//! for what changed after a number, so a slow reader costs nothing and never gets stale rows.

use crate::api::shapes::{Camera, Site};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;

/// Shared by everything that reports or reads states.
#[derive(Debug, Clone)]
pub struct Live(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: RwLock<State>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    sites: (u64, Vec<Site>),
    cameras: BTreeMap<String, (u64, Camera)>,
}

/// What changed, and up to which number.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// Ask for what comes after this next time.
    pub number: u64,
    /// All sites, if any of them changed.
    pub sites: Option<Vec<Site>>,
    /// The cameras that changed.
    pub cameras: Vec<Camera>,
}

impl Default for Live {
    fn default() -> Self {
        Self(Arc::new(Inner {
            state: RwLock::default(),
            changed: watch::channel(0).0,
        }))
    }
}

impl Live {
    /// Reports the sites; nothing happens if they are as they were.
    pub fn set_sites(&self, sites: Vec<Site>) {
        self.change(|state, number| {
            let changed = state.sites.1 != sites;
            if changed {
                state.sites = (number, sites);
            }
            changed
        });
    }

    /// Reports one camera; nothing happens if it is as it was.
    pub fn set_camera(&self, camera: Camera) {
        self.change(|state, number| {
            let known = state.cameras.get(&camera.id);
            let changed = known.is_none_or(|(_, known)| *known != camera);
            if changed {
                state.cameras.insert(camera.id.clone(), (number, camera));
            }
            changed
        });
    }

    fn change(&self, change: impl FnOnce(&mut State, u64) -> bool) {
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        let number = state.last + 1;
        if change(&mut state, number) {
            state.last = number;
            self.0.changed.send_replace(number);
        }
    }

    /// Number of the last change.
    #[must_use]
    pub fn number(&self) -> u64 {
        *self.0.changed.borrow()
    }

    /// What changed after `number`.
    #[must_use]
    pub fn after(&self, number: u64) -> Changes {
        let state = self.0.state.read().unwrap_or_else(PoisonError::into_inner);
        let cameras = state.cameras.values();
        Changes {
            number: state.last,
            sites: (state.sites.0 > number).then(|| state.sites.1.clone()),
            cameras: cameras
                .filter(|(changed, _)| *changed > number)
                .map(|(_, camera)| camera.clone())
                .collect(),
        }
    }

    /// Wakes after each change.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }
}
