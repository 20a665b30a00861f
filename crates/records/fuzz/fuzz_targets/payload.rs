//! Payloads and section bodies: no panic, and what decodes survives its encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;
use records::payload::{Body, Section, decode, encode};

fuzz_target!(|bytes: &[u8]| {
    let _ = Body::decode(bytes);
    let Ok(sections) = decode(bytes) else { return };
    assert_eq!(decode(&encode(&sections)), Ok(sections.clone()));
    for section in sections {
        if let Section::Present { body, .. } = section
            && let Ok(body) = Body::decode(&body)
        {
            assert_eq!(Body::decode(&body.encode()), Ok(body));
        }
    }
});
