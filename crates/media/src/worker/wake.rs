//! Waiting for a socket or a command, and being woken by other threads.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// Wakes one worker. Many wake-ups before it looks cost one system call.
pub(crate) struct Waker {
    event: OwnedFd,
    pending: AtomicBool,
}

impl Waker {
    pub(crate) fn new() -> std::io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self {
            event,
            pending: AtomicBool::new(false),
        })
    }

    pub(crate) fn wake(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            // The counter cannot overflow: it is written once for each time it is reset.
            if let Err(error) = rustix::io::write(&self.event, &1u64.to_ne_bytes()) {
                tracing::error!(%error, "a media worker cannot be woken");
            }
        }
    }

    /// Waits until the socket is readable, somebody wakes us, or the time is over.
    pub(crate) fn wait(&self, socket: &impl AsFd, timeout: Duration) {
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let mut fds = [
            PollFd::new(socket, PollFlags::IN),
            PollFd::new(&self.event, PollFlags::IN),
        ];
        // An interrupted wait is only a short one.
        let _interrupted = poll(&mut fds, Some(&timeout));
        if fds[1].revents().contains(PollFlags::IN) {
            let mut count = [0; 8];
            let _empty = rustix::io::read(&self.event, &mut count);
            // Cleared before the queues are looked at, so a later wake-up is not lost.
            self.pending.store(false, Ordering::Release);
        }
    }
}
