//! Where bundles come from: the database of a site, running or not, or exported journals.

use super::VerifyError;
use super::export::Exported;
use crate::error::{OpenError, StoreError};
use crate::meta::{head_of, int};
use crate::open::connect_read_only;
use crate::schema;
use futures::TryStreamExt as _;
use records::bundle::{Bundle, Head};
use records::id::{Hash, JournalId, SiteId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// How many bundles are in memory at once, and how many bytes of them.
const PAGE: i64 = 512;
const PAGE_LEN: usize = 8 * 1024 * 1024;

const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// A bundle with the place it is stored at.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) head: Head,
    /// `None` when the row cannot even hold a signature.
    pub(super) bundle: Option<Bundle>,
}

impl Found {
    fn len(&self) -> usize {
        let bundle = self.bundle.as_ref();
        bundle.map_or(0, |bundle| bundle.header.len() + bundle.payload.len())
    }
}

/// Bundles that are in no journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// They wait for one before them.
    Waiting,
    /// Proof of forks.
    Branch,
}

pub(super) enum Source {
    Database(Box<Database>),
    Exported(Exported),
}

pub(super) struct Database {
    conn: SqliteConnection,
    last: Option<Head>,
    last_aside: Vec<u8>,
}

impl Source {
    pub(super) async fn open(path: &Path) -> Result<Self, VerifyError> {
        let conn = match path.is_dir() {
            true => connect_read_only(path).await?.0,
            false => {
                let mut magic = [0; 24];
                let mut file = File::open(path)?;
                let read = file.read(&mut magic)?;
                if let Some(exported) = Exported::open(file, &magic[..read])? {
                    return Ok(Source::Exported(exported));
                }
                if !magic.starts_with(SQLITE_MAGIC) {
                    return Err(VerifyError::Unknown);
                }
                lone(path).await?
            }
        };
        let mut conn = conn;
        sqlx::raw_sql("begin").execute(&mut conn).await?;
        Ok(Source::Database(Box::new(Database {
            conn,
            last: None,
            last_aside: Vec::new(),
        })))
    }

    /// How many bundles there are in all.
    pub(super) async fn count(&mut self) -> Result<u64, VerifyError> {
        match self {
            Source::Exported(exported) => Ok(exported.count()),
            Source::Database(database) => {
                let count: i64 = sqlx::query_scalar(
                    "select (select count(*) from bundle) + (select count(*) from waiting)
                     + (select count(*) from branch)",
                )
                .fetch_one(&mut database.conn)
                .await?;
                Ok(count.unsigned_abs())
            }
        }
    }

    /// The next bundles of the journals, in journal order; none at the end.
    pub(super) async fn journals(&mut self) -> Result<Vec<Found>, VerifyError> {
        match self {
            Source::Exported(exported) => next_of(exported, Exported::next),
            Source::Database(database) => database.journals().await,
        }
    }

    /// The next bundles beside the journals; none at the end.
    pub(super) async fn aside(&mut self, table: Table) -> Result<Vec<Found>, VerifyError> {
        match self {
            Source::Exported(exported) if table == Table::Branch => {
                next_of(exported, Exported::next_branch)
            }
            Source::Exported(_) => Ok(Vec::new()),
            Source::Database(database) => database.aside(table).await,
        }
    }

    /// Begins the bundles beside the journals anew.
    pub(super) fn rewind(&mut self) {
        if let Source::Database(database) = self {
            database.last_aside.clear();
        }
    }
}

/// As many bundles of a file as fit into memory.
fn next_of(
    exported: &mut Exported,
    mut next: impl FnMut(&mut Exported) -> Result<Option<Found>, VerifyError>,
) -> Result<Vec<Found>, VerifyError> {
    let (mut page, mut len) = (Vec::new(), 0);
    while page.len() < PAGE.unsigned_abs() as usize && len < PAGE_LEN {
        let Some(found) = next(exported)? else {
            break;
        };
        len += found.len();
        page.push(found);
    }
    Ok(page)
}

impl Database {
    async fn journals(&mut self) -> Result<Vec<Found>, VerifyError> {
        let (site, incarnation, seq) = match &self.last {
            Some(head) => (
                head.journal.site.0.to_vec(),
                i64::from(head.journal.incarnation),
                int(head.seq),
            ),
            None => (Vec::new(), -1, 0),
        };
        let rows = sqlx::query(
            "select site, incarnation, seq, hash, header, payload, signature from bundle
             where (site, incarnation, seq) > ($1, $2, $3)
             order by site, incarnation, seq limit $4",
        )
        .bind(site)
        .bind(incarnation)
        .bind(seq)
        .bind(PAGE)
        .fetch(&mut self.conn);
        let page = page(rows).await?;
        self.last = page.last().map(|found| found.head).or(self.last);
        Ok(page)
    }

    async fn aside(&mut self, table: Table) -> Result<Vec<Found>, VerifyError> {
        let statement = match table {
            Table::Waiting => {
                "select site, incarnation, seq, hash, header, payload, signature from waiting
                 where hash > $1 order by hash limit $2"
            }
            Table::Branch => {
                "select site, incarnation, seq, hash, header, payload, signature from branch
                 where hash > $1 order by hash limit $2"
            }
        };
        let rows = sqlx::query(statement)
            .bind(self.last_aside.clone())
            .bind(PAGE)
            .fetch(&mut self.conn);
        let page = page(rows).await?;
        if let Some(last) = page.last() {
            self.last_aside = last.head.hash.0.to_vec();
        }
        Ok(page)
    }
}

/// As many rows as fit into memory.
pub(super) async fn page(
    mut rows: impl futures::Stream<Item = Result<SqliteRow, sqlx::Error>> + Unpin,
) -> Result<Vec<Found>, VerifyError> {
    let (mut page, mut len) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        let found = stored(&row)?;
        len += found.len();
        page.push(found);
        if len >= PAGE_LEN {
            break;
        }
    }
    Ok(page)
}

fn stored(row: &SqliteRow) -> Result<Found, StoreError> {
    let signature: Vec<u8> = row.try_get("signature")?;
    let (header, payload) = (row.try_get("header")?, row.try_get("payload")?);
    let bundle = signature.try_into().map(|signature| Bundle {
        header,
        payload,
        signature,
    });
    match head_of(row) {
        Ok(head) => Ok(Found {
            head,
            bundle: bundle.ok(),
        }),
        Err(StoreError::Damaged(_)) => Ok(Found {
            head: roughly(row)?,
            bundle: None,
        }),
        Err(error) => Err(error),
    }
}

/// The place of a row whose ids or numbers cannot be: near enough to be found again.
fn roughly(row: &SqliteRow) -> Result<Head, StoreError> {
    let bytes: Vec<u8> = row.try_get("site")?;
    let mut site = SiteId::default();
    for (byte, stored) in site.0.iter_mut().zip(bytes) {
        *byte = stored;
    }
    let (incarnation, seq): (i64, i64) = (row.try_get("incarnation")?, row.try_get("seq")?);
    Ok(Head {
        journal: JournalId {
            site,
            incarnation: u32::try_from(incarnation).unwrap_or_default(),
        },
        seq: u64::try_from(seq).unwrap_or_default(),
        hash: Hash::default(),
    })
}

/// A database file by itself, such as a backup.
async fn lone(path: &Path) -> Result<SqliteConnection, VerifyError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(true)
        .disable_statement_logging();
    let mut conn = options.connect().await.map_err(OpenError::from)?;
    match schema::check(&mut conn).await? {
        0 => Err(OpenError::Missing.into()),
        _ => Ok(conn),
    }
}
