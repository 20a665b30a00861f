//! What a joining campus and the hub say, and codes as people type them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sync::enrol::Code;
use sync::enrol::message::{Answer, MAX_REQUEST_LEN, Request};
use sync::wire::{decode, decode_within, encode};

fuzz_target!(|body: &[u8]| {
    if let Ok(request) = decode_within::<Request>(body, MAX_REQUEST_LEN) {
        let again = encode(&request).expect("what was read fits a message");
        assert!(decode(&again[4..]) == Ok(request));
    }
    if let Ok(answer) = decode::<Answer>(body)
        && let Ok(again) = encode(&answer)
    {
        assert_eq!(decode(&again[4..]), Ok(answer));
    }
    if let Some(code) = std::str::from_utf8(body).ok().and_then(Code::parse) {
        assert_eq!(Code::parse(&code.format()), Some(code));
    }
});
