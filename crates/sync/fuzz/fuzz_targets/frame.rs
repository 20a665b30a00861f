//! Whatever decodes as a frame is encoded and decoded again to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sync::wire::{WireError, decode_frame, encode_frame};

fuzz_target!(|body: &[u8]| {
    if let Ok(frame) = decode_frame(body) {
        match encode_frame(&frame) {
            Ok(again) => assert_eq!(decode_frame(&again[4..]), Ok(frame)),
            // References make a long run out of few bytes; as they are they may not fit.
            Err(error) => assert_eq!(error, WireError::TooLong),
        }
    }
});
