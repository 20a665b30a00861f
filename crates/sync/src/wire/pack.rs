//! Lengths and compression of bodies.

use super::WireError;
use std::io::{Read as _, Write as _};

const COMPRESS_FROM: usize = 512;
/// Shorter pieces share a block with the next.
const BLOCK_FROM: usize = 1024;
/// 2 MiB: a frame cannot make the decoder keep more than one message's worth of window.
const ZSTD_WINDOW_LOG_MAX: u32 = 21;

/// Shorter bytes with the same content, if there are any.
pub(super) fn compressed(plain: &[u8], level: i32) -> Option<Vec<u8>> {
    if plain.len() < COMPRESS_FROM {
        return None;
    }
    let packed = zstd::bulk::compress(plain, level).ok()?;
    (packed.len() + 4 < plain.len()).then_some(packed)
}

/// The same for bytes in pieces of different kinds: each that is long gets statistics of its own.
pub(super) fn compressed_apart(pieces: &[Vec<u8>], level: i32) -> Option<Vec<u8>> {
    let len = pieces.iter().map(Vec::len).sum::<usize>();
    if len < COMPRESS_FROM {
        return None;
    }
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), level).ok()?;
    encoder.set_pledged_src_size(Some(len as u64)).ok()?;
    let mut since = 0;
    for piece in pieces {
        encoder.write_all(piece).ok()?;
        since += piece.len();
        if since >= BLOCK_FROM {
            encoder.flush().ok()?;
            since = 0;
        }
    }
    let packed = encoder.finish().ok()?;
    (packed.len() < len).then_some(packed)
}

/// Appends a length.
pub(super) fn push_len(body: &mut Vec<u8>, len: usize) {
    let len = u32::try_from(len).expect("bounded by MAX_MESSAGE_LEN");
    body.extend(len.to_be_bytes());
}

/// Fills in the length of what follows the first four bytes.
pub(super) fn prefixed(mut body: Vec<u8>) -> Vec<u8> {
    let len = u32::try_from(body.len() - 4).expect("bounded by MAX_MESSAGE_LEN");
    body[..4].copy_from_slice(&len.to_be_bytes());
    body
}

/// Takes a length off the front.
pub(super) fn pull_len(bytes: &[u8]) -> Result<(usize, &[u8]), WireError> {
    let (len, rest) = bytes.split_first_chunk().ok_or(WireError::Malformed)?;
    Ok((u32::from_be_bytes(*len) as usize, rest))
}

/// The bytes that `packed` stands for, if they are as many as declared and at most `max`.
pub(super) fn decompress(packed: &[u8], declared: usize, max: usize) -> Result<Vec<u8>, WireError> {
    if declared > max {
        return Err(WireError::TooLong);
    }
    let mut decoder =
        zstd::stream::read::Decoder::with_buffer(packed).map_err(|_| WireError::Malformed)?;
    decoder
        .window_log_max(ZSTD_WINDOW_LOG_MAX)
        .map_err(|_| WireError::Malformed)?;
    let mut plain = Vec::new();
    decoder
        .take(declared as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|_| WireError::Malformed)?;
    if plain.len() == declared {
        Ok(plain)
    } else {
        Err(WireError::Malformed)
    }
}
