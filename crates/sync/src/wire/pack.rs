//! Lengths and compression of bodies.

use super::WireError;
use std::io::Read as _;

const COMPRESS_FROM: usize = 512;
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
