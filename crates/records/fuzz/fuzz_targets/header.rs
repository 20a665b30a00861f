//! Whatever decodes as a header encodes to the very same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use records::bundle::{Bundle, decode_header};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = decode_header(bytes) {
        let key = ed25519_key();
        assert_eq!(Bundle::sign(&header, Vec::new(), &key).header, bytes);
    }
});

fn ed25519_key() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[7; 32])
}
