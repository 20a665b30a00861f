//! Files that are not whole yet: each may come in pieces, over a line that breaks.
//!
//! They are known to this process only, as their bytes on disk are: after a restart of the site a
//! sender begins anew. One piece of a file is taken at a time, and whoever comes last has it: the
//! connection before may be dead without anybody having noticed.

use super::intake::{Blob, Intake};
use records::id::AccountId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedMutexGuard, watch};

/// Files of one person, two a page; one more, and the one that was idle for longest makes way.
const MAX_PER_PERSON: usize = 8;
/// Files of all; each takes up to a chunk of memory, 256 KiB.
const MAX_FILES: usize = 64;
/// A file that nobody has gone on with for so long is dropped, ms: a day.
const GIVEN_UP_MS: i64 = 24 * 3_600_000;

/// Names an unfinished file; random.
pub type FileId = [u8; 16];

/// What has become of a file.
pub enum Stage {
    /// It is coming.
    Coming(Intake),
    /// It is here.
    Whole(Blob),
    /// It was refused.
    Gone,
}

#[derive(Clone)]
struct Unfinished {
    owner: AccountId,
    size: u64,
    touched_ms: i64,
    turns: Arc<watch::Sender<u64>>,
    stage: Arc<tokio::sync::Mutex<Stage>>,
}

/// All of them.
#[derive(Default)]
pub struct Files(Mutex<BTreeMap<FileId, Unfinished>>);

/// The right to go on with a file until somebody else comes for it.
pub struct Turn {
    /// Its length as announced, bytes.
    pub size: u64,
    /// What has become of it.
    pub stage: OwnedMutexGuard<Stage>,
    turn: u64,
    turns: watch::Receiver<u64>,
}

impl Files {
    fn all(&self) -> MutexGuard<'_, BTreeMap<FileId, Unfinished>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a file that has been begun.
    pub fn add(&self, id: FileId, owner: AccountId, size: u64, intake: Intake, now_ms: i64) {
        let mut all = self.all();
        let own = all.values().filter(|file| file.owner == owner).count();
        if own >= MAX_PER_PERSON || all.len() >= MAX_FILES {
            let may_go = |file: &Unfinished| own < MAX_PER_PERSON || file.owner == owner;
            let candidates = all.iter().filter(|(_, file)| may_go(file));
            let idlest = candidates.min_by_key(|(_, file)| file.touched_ms);
            if let Some(idlest) = idlest.map(|(id, _)| *id) {
                all.remove(&idlest);
            }
        }
        let file = Unfinished {
            owner,
            size,
            touched_ms: now_ms,
            turns: Arc::default(),
            stage: Arc::new(tokio::sync::Mutex::new(Stage::Coming(intake))),
        };
        all.insert(id, file);
    }

    /// Waits for one's turn at a file of one's own; whoever had it gives it up.
    pub async fn turn(&self, id: FileId, owner: AccountId, now_ms: i64) -> Option<Turn> {
        let (file, turn) = {
            let mut all = self.all();
            let file = all.get_mut(&id).filter(|file| file.owner == owner)?;
            file.touched_ms = now_ms;
            let turn = *file.turns.borrow() + 1;
            file.turns.send_replace(turn);
            (file.clone(), turn)
        };
        Some(Turn {
            size: file.size,
            turn,
            turns: file.turns.subscribe(),
            stage: file.stage.lock_owned().await,
        })
    }

    /// Forgets a file of one's own; whoever goes on with it stops.
    pub fn remove(&self, id: FileId, owner: AccountId) -> bool {
        let mut all = self.all();
        let is_own = all.get(&id).is_some_and(|file| file.owner == owner);
        let removed = is_own.then(|| all.remove(&id)).flatten();
        removed.is_some()
    }

    /// Drops what was given up.
    pub fn sweep(&self, now_ms: i64) {
        let idle = |file: &Unfinished| now_ms.saturating_sub(file.touched_ms);
        self.all().retain(|_, file| idle(file) < GIVEN_UP_MS);
    }
}

impl Turn {
    /// Resolves once somebody else wants to go on with the file, or it was forgotten.
    pub fn over(&self) -> impl Future<Output = ()> + Send + 'static {
        let (turn, mut turns) = (self.turn, self.turns.clone());
        // An error means that the file is not listed any more.
        async move { drop(turns.wait_for(|now| *now != turn).await) }
    }
}
