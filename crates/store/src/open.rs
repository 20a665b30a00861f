//! Opening a data directory.

use crate::blob::{BlobStopAt, Blobs};
use crate::error::OpenError;
use crate::job::Queue;
use crate::release::Grown;
use crate::state::State;
use crate::store::{Inner, Store};
use crate::{heads, meta, quarantine, schema, writer};
use records::gate;
use records::id::JournalId;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection, SqlitePool};
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The database's name in a data directory.
pub const DATABASE: &str = "dutyroom.db";
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
    /// Judges and writes as an older program would that knows rule sets up to this one: for tests
    /// of mixed versions. `None` is this program.
    pub knows_rules: Option<u32>,
    /// Failpoints of blob work, for tests.
    pub blob_stop_at: Option<BlobStopAt>,
}

/// How long a statement waits for another connection.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How many read-only connections serve lists and sync.
const READERS: u32 = 4;

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
        let lock = lock(dir)?;
        let path = dir.join(DATABASE);
        let mut conn = writing(&path, &options).connect().await?;
        schema::migrate(&mut conn).await?;
        // A kill between an erasure and the emptying of the log must not leave it there.
        let emptied = writer::empty_log(&mut conn).await?;
        heads::drop_unusable(&mut conn).await?;
        let mut state = meta::load(&mut conn).await?;
        // While a reader holds it, the next transactions try again.
        state.erased = !emptied;
        state.known_rules = options.knows_rules.unwrap_or(gate::RULES);
        state.grown = Grown::load(&mut conn, &state).await?;
        let outdated = judged_before(&mut conn, &state).await?;
        let awaits_mend = state.awaits_mend;
        let decided = state.trust.seq();
        let readers = readers(reading(&path, false));
        let blobs = Blobs::new(dir, options.blob_stop_at.clone());
        blobs.clear_uploads()?;
        let store = Self::start(conn, state, options, readers, blobs, Some(lock))?;
        if awaits_mend {
            let places = vec![(JournalId::INSTITUTION, decided + 1)];
            store.note_holes(places, 0).await?;
        }
        match outdated {
            Judged::AsNow => {}
            Judged::KnowingLess => drop(store.rejudge().await?),
            // What was accepted is judged again once the institution journal is mended.
            Judged::KnowingMore if awaits_mend => {}
            Judged::KnowingMore => store.rebuild().await?,
        }
        Ok(store)
    }

    /// Opens a data directory for reading beside a running site. What it shows without a query
    /// (frontier, trust, counts in memory) is the moment of opening; every write answers
    /// [`crate::StoreError::ReadOnly`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_read_only(dir: &Path) -> Result<Store, OpenError> {
        let (mut conn, options) = connect_read_only(dir).await?;
        let state = meta::load(&mut conn).await?;
        let blobs = Blobs::new(dir, None);
        let options_of_writer = Options::default();
        Self::start(
            conn,
            state,
            options_of_writer,
            readers(options),
            blobs,
            None,
        )
    }

    fn start(
        conn: SqliteConnection,
        state: State,
        options: Options,
        readers: SqlitePool,
        blobs: Blobs,
        lock: Option<File>,
    ) -> Result<Store, OpenError> {
        let (sender, queue) = mpsc::channel(writer::QUEUE);
        let (view_sender, view) = watch::channel(state.view());
        let (cursor_sender, cursor) = watch::channel(state.cursor);
        let transactions = Arc::new(AtomicU64::new(0));
        let writer = writer::Loop {
            conn,
            state,
            options,
            queue,
            view: view_sender,
            cursor: cursor_sender,
            transactions: transactions.clone(),
            mended: false,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                futures::executor::block_on(writer.run());
                // Unlocked only now that the connection is closed.
                drop(lock);
            })?;
        Ok(Store {
            inner: Arc::new(Inner {
                readers,
                blobs,
                queue: Some(Queue(sender)),
                view,
                cursor,
                transactions,
                thread: Some(thread),
            }),
        })
    }
}

/// A read-only connection to a database that may be in use, and its options for more.
pub(crate) async fn connect_read_only(
    dir: &Path,
) -> Result<(SqliteConnection, SqliteConnectOptions), OpenError> {
    let path = dir.join(DATABASE);
    if !path.try_exists()? {
        return Err(OpenError::Missing);
    }
    // Without a log there is no writer, and a read-only file system lets SQLite make no index
    // of the log: then the file is read as it lies.
    let log = dir.join(format!("{DATABASE}-wal"));
    let still = !log.try_exists()? && !can_write(dir);
    let options = reading(&path, still);
    let mut conn = options.connect().await?;
    let version = schema::check(&mut conn).await?;
    if version == 0 {
        return Err(OpenError::Missing);
    }
    Ok((conn, options))
}

fn can_write(dir: &Path) -> bool {
    rustix::fs::access(dir, rustix::fs::Access::WRITE_OK).is_ok()
}

pub(crate) fn lock(dir: &Path) -> Result<File, OpenError> {
    let io = |error: std::io::Error| match error.kind() {
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => OpenError::ReadOnly,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => OpenError::Full,
        _ => OpenError::Io(error),
    };
    // Names, records and password verifiers are in it: for the program's own user only.
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true).mode(0o700);
    folder.create(dir).map_err(io)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join(LOCK))
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Held),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(128)
        .pragma("temp_store", "memory")
        // Statements are logged by nobody: their times are in metrics, their values are private.
        .disable_statement_logging()
}

pub(crate) fn writing(path: &Path, options: &Options) -> SqliteConnectOptions {
    common(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match options.synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Off => SqliteSynchronous::Off,
        })
        // What is erased must be gone from the file, and from where it was stored before.
        .pragma("secure_delete", "on")
        .pragma("cell_size_check", "on")
        // 16 MB each: a group's pages stay at hand, and one that many groups write goes from the
        // log into the database once for all of them.
        .pragma("cache_size", "-16384")
        .pragma("wal_autocheckpoint", "4096")
}

fn reading(path: &Path, still: bool) -> SqliteConnectOptions {
    common(path).read_only(true).immutable(still)
}

fn readers(options: SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(Duration::from_secs(30))
        .connect_lazy_with(options)
}

/// What the program knew whose verdicts are here, compared with ours.
enum Judged {
    AsNow,
    /// It may have held what we can judge.
    KnowingLess,
    /// It may have accepted what we cannot judge.
    KnowingMore,
}

/// A new store is marked as up to date.
async fn judged_before(conn: &mut SqliteConnection, state: &State) -> Result<Judged, OpenError> {
    let ours = meta::judged_with(state.known_rules);
    let theirs = meta::get(conn, meta::JUDGED_WITH).await?;
    if theirs.as_ref() == Some(&ours) {
        return Ok(Judged::AsNow);
    }
    if theirs.is_some_and(|theirs| theirs.get(..4) > ours.get(..4)) {
        return Ok(Judged::KnowingMore);
    }
    if state.tips.is_empty() || !quarantine::any_held(conn).await? {
        meta::set(conn, meta::JUDGED_WITH, ours).await?;
        return Ok(Judged::AsNow);
    }
    Ok(Judged::KnowingLess)
}
