//! Opening a data directory.

use crate::error::OpenError;
use crate::store::Store;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The database's name in the data directory.
pub(crate) const DATABASE: &str = "dutyroom.db";
/// The lock file's name in the data directory.
pub(crate) const LOCK: &str = "lock";

/// A point of the write path at which a test may stop the writer as if it were killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WritePoint {
    /// A transaction has begun.
    Begun,
    /// A bundle's row is written.
    Bundle,
    /// A bundle's change rows are written.
    Changes,
    /// A record's snapshot is written.
    Snapshot,
    /// A record's projection is written.
    Projection,
    /// A record's search row is written.
    Search,
    /// A waiting bundle's row is written.
    Waiting,
    /// All is written, nothing committed.
    BeforeCommit,
    /// Committed, nobody answered.
    AfterCommit,
}

impl WritePoint {
    /// Every point, in the order of one local action.
    pub const ALL: [WritePoint; 9] = [
        WritePoint::Begun,
        WritePoint::Bundle,
        WritePoint::Changes,
        WritePoint::Snapshot,
        WritePoint::Projection,
        WritePoint::Search,
        WritePoint::Waiting,
        WritePoint::BeforeCommit,
        WritePoint::AfterCommit,
    ];
}

/// Asked at every [`WritePoint`]; `true` stops the writer there.
pub type CrashAt = Arc<dyn Fn(WritePoint) -> bool + Send + Sync>;

/// How hard a commit is pressed to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Every commit is on disk before it is answered. The only choice for a running site.
    #[default]
    Full,
    /// Left to the operating system: simulated worlds, where the disk is not what is tested.
    Off,
}

/// How to open a store other than by default.
#[derive(Clone, Default)]
pub struct Options {
    /// Failpoints for tests and the simulated world.
    pub crash_at: Option<CrashAt>,
    /// Durability of commits.
    pub synchronous: Synchronous,
    /// Upper bound of the database in pages of 4 KiB, looked at before each transaction; a full
    /// store answers [`crate::StoreError::Full`] until it is raised.
    pub max_pages: Option<Arc<AtomicU64>>,
}

impl Store {
    /// Opens a data directory, making the database in an empty one, and locks it until the
    /// store is dropped.
    ///
    /// # Errors
    /// [`OpenError`]; nothing on disk is damaged.
    pub async fn open(dir: &Path) -> Result<Store, OpenError> {
        Self::open_with(dir, Options::default()).await
    }

    /// See [`Store::open`].
    ///
    /// # Errors
    /// As there.
    pub async fn open_with(dir: &Path, options: Options) -> Result<Store, OpenError> {
        unimplemented!()
    }

    /// Opens a data directory for reading beside a running site; every write answers
    /// [`crate::StoreError::ReadOnly`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_read_only(dir: &Path) -> Result<Store, OpenError> {
        unimplemented!()
    }
}
