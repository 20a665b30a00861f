//! Where a simulated site stops: at a write point of its store that was drawn.

use super::super::disk::{Image, Mark};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use store::WritePoint;

/// Stops the store at a write point and keeps what the disk looked like then.
#[derive(Default)]
pub(super) struct Fuse {
    left: AtomicI64,
    /// The log as the transaction under way found it.
    synced: Mutex<Mark>,
    burnt: Mutex<Option<(Mark, Image)>>,
}

impl Fuse {
    pub(super) fn burn(&self, point: WritePoint, dir: &Path) -> bool {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left < 0 {
            return false;
        }
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if point == WritePoint::Begun {
            *synced = Mark::of(dir).expect("the directory of a running store can be read");
        }
        if left > 0 {
            return false;
        }
        let image = Image::of(dir).expect("the directory of a running store can be read");
        *self.burnt.lock().unwrap_or_else(PoisonError::into_inner) = Some((*synced, image));
        true
    }

    pub(super) fn set(&self, points: i64) {
        self.left.store(points, Ordering::SeqCst);
    }

    pub(super) fn take(&self) -> Option<(Mark, Image)> {
        let mut burnt = self.burnt.lock().unwrap_or_else(PoisonError::into_inner);
        burnt.take()
    }
}
