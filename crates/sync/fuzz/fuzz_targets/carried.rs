//! Carried files: any bytes as a file, as the stream inside one, and as damage to a true file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use sync::carry::{Opener, Reader, Unpacker};
use sync_fuzz::carried;

static FILE: LazyLock<(Reader, Vec<u8>)> = LazyLock::new(carried::file);

// The first byte says what the rest is, the second in what pieces it comes.
fuzz_target!(|input: &[u8]| {
    let [what, step, rest @ ..] = input else {
        return;
    };
    let step = usize::from(*step) * 64 + 1;
    let (reader, file) = &*FILE;
    match what {
        0 => open(reader, rest, step),
        1 => unpack(rest, step),
        _ => open(reader, &damaged(file.clone(), rest), step),
    }
});

fn open(reader: &Reader, file: &[u8], step: usize) {
    let mut opener = Opener::new(reader.clone());
    for piece in file.chunks(step) {
        opener.push(piece);
        while let Some(item) = opener.next_item().transpose() {
            if item.is_err() {
                return;
            }
        }
    }
    let _ = opener.finish(None);
}

fn unpack(stream: &[u8], step: usize) {
    let mut unpacker = Unpacker::new();
    for piece in stream.chunks(step) {
        unpacker.push(piece.to_vec());
        while let Some(item) = unpacker.next_item().transpose() {
            if item.is_err() {
                return;
            }
        }
    }
}

/// Three bytes a time: where, and what is there instead.
fn damaged(mut file: Vec<u8>, edits: &[u8]) -> Vec<u8> {
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % file.len();
        file[at] = edit[2];
    }
    file
}
