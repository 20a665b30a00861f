//! Requests beside the conversation, and the answers to them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use records::id::Hash;
use sync::wire::request::{BlobAnswer, Reply, decode_request, decode_rows};
use sync::wire::{decode, encode};

fuzz_target!(|body: &[u8]| {
    if let Ok(Some(request)) = decode_request(body) {
        let again = encode(&request).expect("what was read fits a message");
        assert_eq!(decode_request(&again[4..]), Ok(Some(request)));
    }
    if let Ok(answer) = decode_rows(body)
        && let Ok(again) = encode(&answer)
    {
        assert_eq!(decode_rows(&again[4..]), Ok(answer));
    }
    let _ = decode::<Reply>(body);
    if let Ok(BlobAnswer::Manifest { size, chunks }) = decode(body) {
        let _ = store::Manifest::from_bytes(Hash([1; 32]), size, &chunks);
    }
});
