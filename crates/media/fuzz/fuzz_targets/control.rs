//! Control messages between media engines: what decodes is encoded and decoded again to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media::relay::wire::{decode, encode};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some(message)) = decode(bytes) {
        let again = encode(&message);
        assert_eq!(decode(&again), Ok(Some(message)));
    }
});
