//! Copying folders of files that do not change while there, on disk before it is said to be done.

use anyhow::Context as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Copies a folder with its folders, but for those in it that are called one of `passed_over`; one
/// that does not exist is nothing to copy, and neither is a file removed meanwhile. Files are for
/// their owner alone, whatever they were.
///
/// # Errors
/// What the file system says of which path; an existing file is never written over.
pub(crate) fn folder(from: &Path, to: &Path, passed_over: &[&str]) -> anyhow::Result<()> {
    if !from.try_exists()? {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(to);
    made.with_context(|| format!("cannot make {}", to.display()))?;
    let entries = from.read_dir();
    for entry in entries.with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let name = entry.file_name();
            if !passed_over.iter().any(|other| name == **other) {
                folder(&source, &target, &[])?;
            }
        } else if kind.is_file() {
            file(&source, &target).with_context(|| {
                format!("cannot copy {} to {}", source.display(), target.display())
            })?;
        }
    }
    Ok(flush(to)?)
}

fn file(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = match File::open(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut target = private_file(to)?;
    io::copy(&mut source, &mut target)?;
    target.sync_all()
}

/// A new file for its owner alone.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Presses a folder's names to the disk.
pub(crate) fn flush(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folder a path lies in.
pub(crate) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_its_way_in_is_passed_over_and_everything_else_is_copied() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("blobs"), dir.path().join("copy"));
        for name in ["tmp/1", "part/2", "ab/tmp", "ab/part/3"] {
            let path = from.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        folder(&from, &to, &["tmp", "part"]).unwrap();
        assert!(!to.join("tmp").exists() && !to.join("part").exists());
        assert_eq!(std::fs::read(to.join("ab/tmp")).unwrap(), b"ab/tmp");
        assert_eq!(std::fs::read(to.join("ab/part/3")).unwrap(), b"ab/part/3");
    }

    #[test]
    fn an_existing_file_is_not_written_over_and_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        for folder in [&from, &to] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("sign.key"), "key").unwrap();
        }
        let error = folder(&from, &to, &[]).unwrap_err();
        assert!(format!("{error:#}").contains("sign.key"), "{error:#}");
    }
}
