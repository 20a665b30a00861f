//! Programs that must not outlive this one, even if it is killed.
//!
//! The kernel sends a signal to a process whose parent died, but the process has to ask for it
//! itself. So this program starts itself once more, asks, and becomes the wanted program.

use anyhow::Context as _;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// A command for `program` that gets SIGTERM when this process ends.
pub(crate) fn held(program: impl AsRef<OsStr>) -> Command {
    // The running image, also when the file was replaced by a build meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command.args(["hold", "--"]).arg(program);
    command
}

/// The child's half: asks for the signal and becomes `command`. Returns only if that failed.
pub(crate) fn run(command: &[OsString]) -> anyhow::Result<()> {
    let parent = rustix::process::getppid();
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))
        .context("cannot ask for a signal at the parent's end")?;
    if rustix::process::getppid() != parent {
        // The parent ended between the two lines above.
        return Ok(());
    }
    let (program, arguments) = command.split_first().context("no program named")?;
    let error = Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}
