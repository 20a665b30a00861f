//! Calls into Automerge that may panic on hostile changes.

use super::refusal::Hold;
use automerge::{Automerge, AutomergeError};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(not(panic = "unwind"))]
compile_error!("the gate survives hostile changes by unwinding; build with panic = \"unwind\"");

static CAUGHT: AtomicU64 = AtomicU64::new(0);

/// How many panics of Automerge the gate has caught since the program started.
#[must_use]
pub fn caught_panics() -> u64 {
    CAUGHT.load(Ordering::Relaxed)
}

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `call`; an error or a panic inside it holds the section at `step`.
///
/// What `call` borrows mutably must be thrown away after a failure.
pub(super) fn library<T, E>(
    step: &'static str,
    call: impl FnOnce() -> Result<T, E>,
) -> Result<T, Hold> {
    quieten_expected_panics();
    let before = EXPECTED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    EXPECTED.set(before);
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => Err(Hold::Library(step)),
        Err(_) => {
            CAUGHT.fetch_add(1, Ordering::Relaxed);
            Err(Hold::Library(step))
        }
    }
}

/// Bytes from which on a saved document is worth deflating, in time and in room.
const DEFLATED_FROM: usize = 16 * 1024;

/// The document saved. Beginning to deflate costs more than saving a small document.
pub(super) fn saved(doc: &Automerge) -> Result<Vec<u8>, Hold> {
    library("save", || {
        let plain = doc.save_nocompress();
        Ok::<_, AutomergeError>(match plain.len() < DEFLATED_FROM {
            true => plain,
            false => doc.save(),
        })
    })
}

/// A panic caught here is a verdict, not a bug of ours: it must not fill the log with
/// backtraces. Panics of all other threads and places still reach the hook set before.
fn quieten_expected_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !EXPECTED.get() {
                before(panic);
            }
        }));
    });
}
