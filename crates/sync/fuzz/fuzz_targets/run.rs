//! Columns and random bytes as a run of bundles, without the compression around them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sync::wire::{WireError, decode_frame, encode_frame};

// How many bytes the columns have, columns, random bytes.
fuzz_target!(|input: &[u8]| {
    let Some((len, rest)) = input.split_first_chunk::<4>() else {
        return;
    };
    let len = (u32::from_be_bytes(*len) as usize).min(rest.len());
    let declared = u32::try_from(len).expect("inputs are short").to_be_bytes();
    let body = [&[2][..], &declared, &declared, rest].concat();
    if let Ok(frame) = decode_frame(&body) {
        match encode_frame(&frame) {
            Ok(again) => assert_eq!(decode_frame(&again[4..]), Ok(frame)),
            // References make a long run out of few bytes; as they are they may not fit.
            Err(error) => assert_eq!(error, WireError::TooLong),
        }
    }
});
