//! Where things are, and what has changed since it was last built.

use anyhow::Context as _;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("crates/xtask lies two below the top")
        .to_owned()
}

/// Folder of this driver's own files, inside the target folder this program was built into.
pub(crate) fn work() -> anyhow::Result<PathBuf> {
    let exe = std::env::current_exe().context("cannot find this program's own file")?;
    let target = exe.ancestors().nth(2).context("not in a target folder")?;
    let work = target.join("xtask");
    std::fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
    Ok(work)
}

/// A figure that changes when any of the files does; folders count with all they hold. What does
/// not exist counts as absent.
pub(crate) fn fingerprint(paths: &[PathBuf]) -> anyhow::Result<String> {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        add(&mut hasher, path)?;
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn add(hasher: &mut DefaultHasher, path: &Path) -> anyhow::Result<()> {
    hasher.write(path.as_os_str().as_encoded_bytes());
    if path.is_dir() {
        let mut inside = std::fs::read_dir(path)?
            .map(|entry| entry.map(|e| e.path()))
            .collect::<Result<Vec<_>, _>>()?;
        inside.sort();
        for path in inside {
            add(hasher, &path)?;
        }
    } else if path.is_file() {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        hasher.write(&bytes);
    }
    Ok(())
}

/// Does `work` unless it was done for the same fingerprint before and `result` still exists.
/// Says whether it was done.
pub(crate) fn once(
    stamp: &Path,
    fingerprint: &str,
    result: &Path,
    work: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let done = std::fs::read_to_string(stamp).is_ok_and(|said| said == fingerprint);
    if done && result.exists() {
        return Ok(false);
    }
    // A half-done result must not pass for a whole one next time.
    if stamp.exists() {
        std::fs::remove_file(stamp)?;
    }
    work()?;
    std::fs::write(stamp, fingerprint)
        .with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_below_a_folder_changes_its_fingerprint() {
        let kept = tempfile::tempdir().expect("writable");
        let folder = kept.path().to_owned();
        std::fs::create_dir(folder.join("src")).expect("writable");
        let print = || fingerprint(std::slice::from_ref(&folder)).expect("readable");
        let empty = print();
        std::fs::write(folder.join("src/a"), "1").expect("writable");
        let one = print();
        std::fs::rename(folder.join("src/a"), folder.join("src/b")).expect("writable");
        let renamed = print();
        assert!(empty != one && one != renamed);
        assert_eq!(renamed, print());
    }

    #[test]
    fn work_is_done_again_after_a_change_a_failure_or_a_lost_result() {
        let folder = tempfile::tempdir().expect("writable");
        let (stamp, result) = (folder.path().join("stamp"), folder.path().join("result"));
        let make = |print: &str| {
            once(&stamp, print, &result, || {
                Ok(std::fs::write(&result, "made")?)
            })
            .expect("writable")
        };
        assert!(make("a"), "never done");
        assert!(!make("a"), "nothing changed");
        assert!(make("b"), "changed");
        once(&stamp, "c", &result, || anyhow::bail!("broken")).expect_err("the work failed");
        assert!(make("b"), "the last try failed half-way");
        std::fs::remove_file(&result).expect("it was made");
        assert!(make("b"), "the result is gone");
    }
}
