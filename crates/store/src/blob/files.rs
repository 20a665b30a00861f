//! Where blobs lie, and the one way in which a file becomes a blob's.

use super::limits::BlobLimits;
use super::{BlobError, BlobStep, BlobStopAt};
use crate::error::StoreError;
use records::id::Hash;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Blob work of one store: its folder, its limits, and what is under way.
pub(crate) struct Blobs {
    dir: PathBuf,
    stop_at: Option<BlobStopAt>,
    pub(super) limits: RwLock<BlobLimits>,
    /// Bytes of uploads under way, which no row counts yet.
    pub(super) uploading: AtomicU64,
    next: AtomicU64,
    /// The folder itself is known to be on disk.
    rooted: AtomicBool,
    /// Held while files get or lose their names, together with their rows.
    pub(super) naming: tokio::sync::Mutex<()>,
}

impl Blobs {
    pub(crate) fn new(data: &Path, stop_at: Option<BlobStopAt>) -> Self {
        Self {
            dir: data.join("blobs"),
            stop_at,
            limits: RwLock::default(),
            uploading: AtomicU64::new(0),
            next: AtomicU64::new(0),
            rooted: AtomicBool::new(false),
            naming: tokio::sync::Mutex::default(),
        }
    }

    /// Passes a failpoint.
    pub(super) fn reach(&self, step: BlobStep) -> Result<(), BlobError> {
        match &self.stop_at {
            Some(stop_at) if stop_at(step) => Err(StoreError::Stopped.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The blob's own file, once it is whole.
    pub(super) fn path(&self, hash: Hash) -> PathBuf {
        let name = hash.to_string();
        self.dir.join(&name[..2]).join(&name[2..])
    }

    /// The length of the blob's own file, if there is one.
    pub(crate) fn len_of(&self, hash: Hash) -> Option<u64> {
        let file = fs::metadata(self.path(hash)).ok()?;
        file.is_file().then_some(file.len())
    }

    /// The file a blob is fetched into.
    pub(super) fn part(&self, hash: Hash) -> PathBuf {
        self.dir.join("part").join(hash.to_string())
    }

    /// A new file to upload into.
    pub(super) fn new_upload(&self) -> io::Result<(PathBuf, File)> {
        let folder = self.dir.join("tmp");
        make_folder(&folder)?;
        let path = folder.join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        let file = File::create(&path)?;
        Ok((path, file))
    }

    /// Removes what uploads of an earlier process have left.
    pub(crate) fn clear_uploads(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.dir.join("tmp")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Gives a file that is whole and on disk the blob's name, durably.
    pub(super) fn name(&self, from: &Path, hash: Hash) -> Result<(), BlobError> {
        let path = self.path(hash);
        let folder = path.parent().expect("a blob's path has a folder");
        make_folder(folder)?;
        fs::rename(from, &path)?;
        File::open(folder)?.sync_all()?;
        File::open(&self.dir)?.sync_all()?;
        if !self.rooted.load(Ordering::Relaxed) {
            let data = self
                .dir
                .parent()
                .expect("the folder is in a data directory");
            File::open(data)?.sync_all()?;
            self.rooted.store(true, Ordering::Relaxed);
        }
        self.reach(BlobStep::Renamed)
    }

    /// Names of all whole files: of those whose names are hashes, and nothing else is looked at.
    pub(super) fn all(&self) -> io::Result<Vec<Hash>> {
        let mut found = Vec::new();
        for folder in entries(&self.dir)? {
            let Some(first) = folder.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if first.len() != 2 {
                continue;
            }
            for file in entries(&folder)? {
                let rest = file.file_name().and_then(|name| name.to_str());
                let hash: Option<Hash> =
                    rest.and_then(|rest| format!("{first}{rest}").parse().ok());
                found.extend(hash);
            }
        }
        Ok(found)
    }

    /// Names of all files that are being fetched into.
    pub(super) fn parts(&self) -> io::Result<Vec<Hash>> {
        let files = entries(&self.dir.join("part"))?.into_iter();
        let named = files.filter_map(|file| file.file_name()?.to_str()?.parse().ok());
        Ok(named.collect())
    }
}

pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let mut folder = fs::DirBuilder::new();
    folder.recursive(true).mode(0o700).create(path)
}

/// Removes a file if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(found) => found.map(|entry| Ok(entry?.path())).collect(),
    }
}
