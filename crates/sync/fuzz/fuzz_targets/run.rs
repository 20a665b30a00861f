//! Columns and random bytes as runs of bundles, without the compression around them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sync::wire::{Frame, Lane, Streams, WireError, decode_frame, encode_frame};

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
            Err(error) => too_long(error),
        }
    }
    // The second time it builds on the first.
    let [mut end, mut here, mut there] = <[Streams; 3]>::default();
    for _ in 0..2 {
        if let Ok(frame) = end.decode(Lane::Live, &body) {
            crosses(&mut here, &mut there, frame);
        }
    }
});

fn crosses(here: &mut Streams, there: &mut Streams, frame: Frame) {
    match here.encode(&frame) {
        Ok(again) => assert_eq!(there.decode(frame.lane(), &again[4..]), Ok(frame)),
        Err(error) => too_long(error),
    }
}

/// References make a long run out of few bytes; as they are they may not fit.
fn too_long(error: WireError) {
    assert_eq!(error, WireError::TooLong);
}
