//! The scan of raw bytes, and of bytes as the body of a change with a right checksum.
#![no_main]

use libfuzzer_sys::fuzz_target;
use records::prescan::{MAX_OPS, prescan};
use sha2::{Digest, Sha256};

fuzz_target!(|bytes: &[u8]| {
    let _ = prescan(bytes);
    if let Ok(scan) = prescan(&change(bytes)) {
        assert!((1..=MAX_OPS).contains(&scan.ops));
    }
});

fn change(body: &[u8]) -> Vec<u8> {
    let mut chunk = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1];
    let mut len = body.len();
    while len >= 0x80 {
        chunk.push(len as u8 | 0x80);
        len >>= 7;
    }
    chunk.push(len as u8);
    chunk.extend(body);
    let hash = Sha256::digest(&chunk[8..]);
    chunk[4..8].copy_from_slice(&hash[..4]);
    chunk
}
