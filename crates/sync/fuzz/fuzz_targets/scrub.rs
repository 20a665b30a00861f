//! Messages of the comparison of all bundles, as a question and as an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use sync::scrub::set::{MAX_MESSAGE_LEN, Set};

static HELD: LazyLock<Set> = LazyLock::new(|| sync_fuzz::set(400));

fuzz_target!(|message: &[u8]| {
    if let Ok(answer) = HELD.answer(message) {
        assert!(answer.len() <= MAX_MESSAGE_LEN);
    }
    let _ = HELD.compare(message);
});
