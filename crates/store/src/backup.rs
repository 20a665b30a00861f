//! A consistent copy of a database in use, and the marks of one that was put back.

use crate::chain::hash_at;
use crate::error::{OpenError, StoreError};
use crate::job::Job;
use crate::meta;
use crate::open::{DATABASE, connect_read_only, lock, writing};
use crate::store::Store;
use crate::tx::Tx;
use records::bundle::Head;
use records::id::JournalId;
use sqlx::{ConnectOptions as _, Connection as _};
use std::fs::File;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Copies the database of `dir` into the folder `to` by SQLite's own means: one state of it,
/// whole, while a site may be writing there. On disk when this returns.
///
/// # Errors
/// [`OpenError`]; an existing copy is never written over.
pub async fn copy(dir: &Path, to: &Path) -> Result<(), OpenError> {
    let (mut conn, _) = connect_read_only(dir).await?;
    let target = to.join(DATABASE);
    // Made here, private from its first byte; SQLite takes an empty file.
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&target)?;
    let name = target.to_str().ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::InvalidFilename, "the path is not UTF-8")
    })?;
    sqlx::query("vacuum into $1")
        .bind(name)
        .execute(&mut conn)
        .await?;
    conn.close().await?;
    File::open(&target)?.sync_all()?;
    File::open(to)?.sync_all()?;
    Ok(())
}

/// Puts the database copy in `from` into the folder `dir` and marks it: the site, enrolled with
/// `journal`, must write in a new incarnation, nobody's session or join code holds any longer,
/// and a hub decides nothing before a campus has shown it the institution journal. `now_ms` is the
/// wall clock, ms since the epoch.
///
/// # Errors
/// [`OpenError`]; an existing database is never written over.
pub async fn put_back(
    from: &Path,
    dir: &Path,
    journal: JournalId,
    now_ms: i64,
) -> Result<(), OpenError> {
    let target = dir.join(DATABASE);
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&target)?;
    std::io::copy(&mut File::open(from.join(DATABASE))?, &mut file)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    file.sync_all()?;
    let lock = lock(dir)?;
    let mut conn = writing(&target, &crate::Options::default())
        .connect()
        .await?;
    crate::schema::migrate(&mut conn).await?;
    let state = meta::load(&mut conn).await?;
    let left = state.own.map_or(journal, |own| own.max(journal));
    let left = minicbor::to_vec(left.max(state.left.unwrap_or(left)));
    let left = left.expect("encoding into a Vec cannot fail");
    meta::set(&mut conn, meta::LEFT, left).await?;
    let restored = now_ms.to_be_bytes().to_vec();
    meta::set(&mut conn, meta::UNCONFIRMED, restored).await?;
    // Codes used since would let somebody join a second time.
    sqlx::raw_sql("delete from session; delete from join_code;")
        .execute(&mut conn)
        .await?;
    conn.close().await?;
    drop(lock);
    File::open(dir)?.sync_all()?;
    Ok(())
}

impl Store {
    /// Whether this directory was restored and no other site has yet shown that it holds no
    /// more of the institution journal: the hub decides nothing meanwhile. Without another site
    /// that counts there is nobody to ask.
    #[must_use]
    pub fn is_unconfirmed(&self) -> bool {
        self.inner.view.borrow().unconfirmed
    }

    /// Notes that another site holds no more of the institution journal than this one, and the
    /// same.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn confirm(&self) -> Result<(), StoreError> {
        self.ask(|reply| Job::Confirm(None, reply)).await?
    }

    /// The same as [`Store::confirm`], if a file says so that another site signed at `written_ms`:
    /// `head` is the end of the institution journal there. An older file than the restored
    /// directory says nothing, since more may have been decided after it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn confirm_by_file(&self, head: Head, written_ms: i64) -> Result<(), StoreError> {
        self.ask(|reply| Job::Confirm(Some((head, written_ms)), reply))
            .await?
    }
}

pub(crate) async fn confirm(tx: &mut Tx<'_>, file: Option<(Head, i64)>) -> Result<(), StoreError> {
    let Some(restored_ms) = tx.state.unconfirmed else {
        return Ok(());
    };
    if let Some((head, written_ms)) = file {
        let ours = hash_at(tx.sql().await?, JournalId::INSTITUTION, head.seq).await?;
        let same = head.journal == JournalId::INSTITUTION && ours == Some(head.hash);
        if !same || written_ms < restored_ms {
            return Ok(());
        }
    }
    tx.written = true;
    meta::remove(tx.raw(), meta::UNCONFIRMED).await?;
    tx.state.unconfirmed = None;
    Ok(())
}
