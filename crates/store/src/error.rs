//! Typed errors, and the one place where an SQLite error becomes one of them.

use records::field::FieldFault;
use sqlx::error::DatabaseError;
use std::sync::Arc;

/// Why a data directory cannot be opened. Nothing on disk was damaged by trying.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the directory's lock file.
    #[error("another process is using this data directory")]
    Held,
    /// A later version of the program has written here.
    #[error(
        "the data directory has schema version {found}; this program knows versions up to {known}"
    )]
    NewerSchema {
        /// Version found in the database.
        found: i64,
        /// Latest version this program knows.
        known: i64,
    },
    /// There is no database here (read-only opening never makes one).
    #[error("there is no database in this data directory")]
    Missing,
    /// The file system or the file refuses writing.
    #[error("the data directory cannot be written")]
    ReadOnly,
    /// No room is left on the disk.
    #[error("the disk is full")]
    Full,
    /// The file is no SQLite database, or its pages contradict each other.
    #[error("the database file is damaged or is not a database")]
    Damaged,
    /// The file is a database of another program.
    #[error("the database belongs to another program")]
    Foreign,
    /// The operating system refused.
    #[error("the data directory cannot be used")]
    Io(#[from] std::io::Error),
    /// Anything else SQLite says.
    #[error("the database cannot be opened")]
    Database(#[source] sqlx::Error),
    /// The cached state could not be rebuilt from the journals.
    #[error("the journals cannot be read")]
    Journal(#[source] Box<StoreError>),
}

/// Why the store could not do what it was asked. `Clone`, since one failed transaction answers
/// every action of its group.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No room is left on the disk. Everything stored stays intact; writing works again once
    /// there is room.
    #[error("the disk is full")]
    Full,
    /// The file system refuses writing.
    #[error("the database cannot be written")]
    ReadOnly,
    /// Pages or stored bytes contradict each other.
    #[error("the database is damaged: {0}")]
    Damaged(&'static str),
    /// The writer has stopped (a failpoint, or the store is closing).
    #[error("the writer has stopped")]
    Stopped,
    /// Local actions were asked before [`crate::Store::start_writer`].
    #[error("this store has no writer identity yet")]
    NoWriter,
    /// Our own journal was continued elsewhere, so signing on would fork it, and the enrolment
    /// covers no further incarnation: the hub has to enrol this site again.
    #[error("this site used up its incarnations; the hub has to enrol it again")]
    Restored,
    /// The institution has revoked this site's key: nothing that it writes counts any more, until
    /// the hub enrols it again.
    #[error("this site's key was revoked; the hub has to enrol it again")]
    Revoked,
    /// The store belongs to another institution.
    #[error("this store belongs to another institution")]
    OtherInstitution,
    /// The action's payload or header is larger than a bundle may be.
    #[error("the action is too large for one bundle")]
    TooLarge,
    /// The gate refuses our own change; the caller built something no site may accept.
    #[error("the gate refuses this change: {0}")]
    Refused(&'static str),
    /// The caller's decision panicked; nothing was written.
    #[error("the decision of this action failed")]
    DecisionFailed,
    /// A list cursor that this store did not make.
    #[error("the list cursor is not valid")]
    BadCursor,
    /// A login that is already taken.
    #[error("the login is already taken")]
    LoginTaken,
    /// The hub was restored and may have forgotten decisions: it has to hear from a campus first.
    #[error("this hub was restored: it must be linked with a campus before it decides anything")]
    Unconfirmed,
    /// Decisions of the institution are damaged on this disk, and nothing that they decide can be
    /// told meanwhile. Other sites hold them.
    #[error(
        "the institution journal is damaged on this disk: link this site with another one, \
         import a file from it, or restore a backup"
    )]
    InstitutionDamaged,
    /// The institution's decision does not follow from its journal.
    #[error("the institution journal does not allow this decision")]
    Institution(#[source] records::trust::TrustError),
    /// Anything else SQLite says.
    #[error("the database failed")]
    Database(#[source] Arc<sqlx::Error>),
}

/// Why a local action was not committed. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError<R> {
    /// The caller's decision said no.
    #[error("the action was decided against")]
    Decided(R),
    /// Values do not fit the field tables.
    #[error("{} value(s) do not fit the field table", .0.len())]
    Invalid(Vec<(String, FieldFault)>),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// SQLite's primary result codes that callers act upon.
enum Code {
    Full,
    ReadOnly,
    Damaged,
    NotADatabase,
    CannotOpen,
    Busy,
    Other,
}

fn code(error: &sqlx::Error) -> Code {
    let code = error.as_database_error().and_then(DatabaseError::code);
    let Some(code) = code else {
        return Code::Other;
    };
    // Extended codes keep the primary one in the low byte.
    match code.parse::<i64>().map(|code| code & 0xff) {
        Ok(5) => Code::Busy,
        Ok(8) => Code::ReadOnly,
        Ok(11) => Code::Damaged,
        Ok(13) => Code::Full,
        Ok(14) => Code::CannotOpen,
        Ok(26) => Code::NotADatabase,
        _ => Code::Other,
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match (code(&error), &error) {
            (Code::Full, _) => StoreError::Full,
            (Code::ReadOnly, _) => StoreError::ReadOnly,
            (Code::Damaged | Code::NotADatabase, _) => StoreError::Damaged("database pages"),
            (_, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
                StoreError::Damaged("a stored column has another type")
            }
            (_, sqlx::Error::PoolClosed) => StoreError::Stopped,
            _ => StoreError::Database(Arc::new(error)),
        }
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        match code(&error) {
            Code::Full => OpenError::Full,
            Code::ReadOnly => OpenError::ReadOnly,
            Code::Damaged | Code::NotADatabase => OpenError::Damaged,
            Code::Busy => OpenError::Held,
            Code::CannotOpen | Code::Other => OpenError::Database(error),
        }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => OpenError::Full,
            StoreError::ReadOnly => OpenError::ReadOnly,
            StoreError::Damaged("database pages") => OpenError::Damaged,
            error => OpenError::Journal(Box::new(error)),
        }
    }
}
