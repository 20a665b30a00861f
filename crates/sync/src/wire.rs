//! Frames between sites: CBOR, length-prefixed, compressed when it pays, bounded always.
//!
//! On the stream: `u32` big-endian length, then a body. A body is `0` and the CBOR of a message;
//! or `1`, the `u32` length it will have when decompressed, and zstd; or, for
//! [`Frame::Bundles`], `2`, the `u32` lengths of the columns of a batch ([`run`]) before and after
//! compression (the same if they are not compressed), those columns, and the random bytes.
//! No length a peer declares is ever allocated; it is only compared with a limit and with what
//! really arrived.

mod columns;
mod frame;
mod known;
mod pack;
pub mod request;
mod run;
mod sections;
mod stream;

pub use frame::{Ack, Address, Branch, Frame, Hello, Lacking, Lane, Reached, Run, Start, weight};
pub use stream::{Carried, Streams};

use crate::scrub::{MAX_HASHES, set};
use pack::{compressed, compressed_apart, decompress, prefixed, pull_len, push_len};
use run::Batch;
use std::borrow::Cow;

/// The version of the conversation this code speaks.
pub const PROTOCOL: u16 = 1;
/// Longest body on the wire, in bytes.
pub const MAX_BODY_LEN: usize = 2 * 1024 * 1024;
/// Longest message once decompressed, in bytes: the largest bundle and its envelope.
pub const MAX_MESSAGE_LEN: usize = 2 * 1024 * 1024;
/// Bundles missed for long are sent in batches of about this many bytes. Each batch tells anew
/// which records it is about; and one with the largest bundle behind it fits a message.
pub const BATCH_LEN: usize = 512 * 1024;
/// New bundles are sent in batches of about this many bytes.
pub const LIVE_BATCH_LEN: usize = 32 * 1024;
/// Longest control message of a media connection, in bytes.
pub const MAX_CONTROL_LEN: usize = 64 * 1024;
/// Most journals one frontier may name.
pub const MAX_HEADS: usize = 1024;
/// Most places one [`Lacking`] may name.
pub const MAX_HAVE: usize = 256;
/// Most journals of which one frame carries bundles.
pub const MAX_RUNS: usize = 8;
/// Most bundles in one frame.
pub const MAX_BUNDLES: usize = 4096;
/// Most sites one Reach may name.
pub const MAX_REACH: usize = 256;
/// Most starts one Copied may name.
pub const MAX_STARTS: usize = 4;
/// Longest `host:port` of an [`Address`], in bytes.
pub const MAX_ADDRESS_LEN: usize = 255;
const MAX_VERSIONS: usize = 16;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const RUN: u8 = 2;
const ZSTD_LEVEL: i32 = 3;
/// What is random does not pass through it, so it may take its time.
const RUN_ZSTD_LEVEL: i32 = 12;

/// Bytes that are no frame. The peer broke the protocol; the link ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A declared or real length is over its limit.
    #[error("frame over its limit")]
    TooLong,
    /// Not a message of this protocol.
    #[error("bytes are not a frame")]
    Malformed,
}

/// Encodes any message as a length-prefixed frame; a [`Frame`] by [`encode_frame`].
///
/// # Errors
/// [`WireError::TooLong`] when the message exceeds [`MAX_MESSAGE_LEN`].
pub fn encode<T: minicbor::Encode<()>>(message: &T) -> Result<Vec<u8>, WireError> {
    let plain = minicbor::to_vec(message).expect("encoding into a Vec cannot fail");
    if plain.len() > MAX_MESSAGE_LEN {
        return Err(WireError::TooLong);
    }
    let mut body = Vec::with_capacity(plain.len() + 9);
    body.extend([0; 4]);
    if let Some(packed) = compressed(&plain, ZSTD_LEVEL) {
        body.push(ZSTD);
        push_len(&mut body, plain.len());
        body.extend(packed);
    } else {
        body.push(PLAIN);
        body.extend(plain);
    }
    Ok(prefixed(body))
}

/// Encodes a frame that stands alone, length-prefixed; those of a link are encoded by its
/// [`Streams`].
///
/// # Errors
/// As [`encode`].
pub fn encode_frame(frame: &Frame) -> Result<Vec<u8>, WireError> {
    encode_on(frame, None)
}

fn encode_on(frame: &Frame, stream: Option<&Carried>) -> Result<Vec<u8>, WireError> {
    let Frame::Bundles { runs, lane } = frame else {
        return encode(frame);
    };
    let batch = Batch {
        runs: runs.clone(),
        lane: *lane,
    };
    let (columns, noise) = run::write(&batch, stream)?;
    let plain = columns.concat();
    if plain.len() + noise.len() > MAX_MESSAGE_LEN {
        return Err(WireError::TooLong);
    }
    let packed = compressed_apart(&columns, RUN_ZSTD_LEVEL);
    let packed = packed.as_ref().unwrap_or(&plain);
    let mut body = Vec::with_capacity(packed.len() + noise.len() + 13);
    body.extend([0; 4]);
    body.push(RUN);
    push_len(&mut body, plain.len());
    push_len(&mut body, packed.len());
    body.extend(packed);
    body.extend(noise);
    Ok(prefixed(body))
}

/// Decodes a body (what follows the length prefix). Takes any bytes; never panics, and never
/// holds more than [`MAX_MESSAGE_LEN`] for them.
///
/// # Errors
/// [`WireError`].
pub fn decode<T: for<'b> minicbor::Decode<'b, ()>>(body: &[u8]) -> Result<T, WireError> {
    decode_within(body, MAX_MESSAGE_LEN)
}

/// As [`decode`], for messages of at most `max` bytes, compressed or not.
///
/// # Errors
/// [`WireError`].
pub fn decode_within<T: for<'b> minicbor::Decode<'b, ()>>(
    body: &[u8],
    max: usize,
) -> Result<T, WireError> {
    decode_message(&message(body, max)?)
}

/// The bytes of the message in a body.
fn message(body: &[u8], max: usize) -> Result<Cow<'_, [u8]>, WireError> {
    if body.len() > max {
        return Err(WireError::TooLong);
    }
    let (kind, rest) = body.split_first().ok_or(WireError::Malformed)?;
    match *kind {
        PLAIN => Ok(rest.into()),
        ZSTD => {
            let (declared, packed) = pull_len(rest)?;
            Ok(decompress(packed, declared, max)?.into())
        }
        _ => Err(WireError::Malformed),
    }
}

/// The frame, and whether it stands alone.
fn decode_run(rest: &[u8], stream: Option<&Carried>) -> Result<(Frame, bool), WireError> {
    let (declared, rest) = pull_len(rest)?;
    let (packed_len, rest) = pull_len(rest)?;
    let (packed, noise) = rest
        .split_at_checked(packed_len)
        .ok_or(WireError::Malformed)?;
    let (batch, stands_alone) = if packed_len == declared {
        run::read(packed, noise, stream)?
    } else {
        let plain = decompress(packed, declared, MAX_MESSAGE_LEN)?;
        run::read(&plain, noise, stream)?
    };
    let Batch { runs, lane } = batch;
    Ok((Frame::Bundles { runs, lane }, stands_alone))
}

/// Decodes a sync frame that stands alone, and checks the counts it holds. The entry point of the
/// fuzzer.
///
/// # Errors
/// [`WireError`].
pub fn decode_frame(body: &[u8]) -> Result<Frame, WireError> {
    Ok(decode_on(body, None)?.0)
}

fn decode_on(body: &[u8], stream: Option<&Carried>) -> Result<(Frame, bool), WireError> {
    if body.len() > MAX_BODY_LEN {
        return Err(WireError::TooLong);
    }
    let frame: Frame = match body.split_first() {
        Some((&RUN, rest)) => return decode_run(rest, stream),
        _ => decode(body)?,
    };
    let within = match &frame {
        Frame::Hello(hello) => hello.versions.len() <= MAX_VERSIONS,
        Frame::Frontier(heads) => heads.len() <= MAX_HEADS,
        Frame::Ack(ack) => ack.heads.len() <= MAX_HEADS && ack.lost.len() <= MAX_HEADS,
        // They have one form only.
        Frame::Bundles { .. } => return Err(WireError::Malformed),
        Frame::Reach(sites) => sites.len() <= MAX_REACH,
        Frame::Scrub { message, .. } => message.len() <= set::MAX_MESSAGE_LEN,
        Frame::Branch(Branch::Ends { heads, ends }) => {
            heads.len() <= MAX_HEADS && ends.len() <= MAX_HEADS
        }
        Frame::Branch(Branch::Want(lacking)) => lacking.have.len() <= MAX_HAVE,
        Frame::Branch(Branch::Give(bundles)) => bundles.len() <= MAX_BUNDLES,
        Frame::Want(hashes) => hashes.len() <= MAX_HASHES,
        Frame::Give { bundles, .. } => bundles.len() <= MAX_HASHES,
        Frame::Addresses(all) => {
            all.len() <= MAX_REACH && all.iter().all(|one| one.host.len() <= MAX_ADDRESS_LEN)
        }
        Frame::Copied { starts, .. } => starts.len() <= MAX_STARTS,
        Frame::Ping { .. } | Frame::Pong { .. } | Frame::Took { .. } => true,
    };
    if within {
        Ok((frame, false))
    } else {
        Err(WireError::TooLong)
    }
}

fn decode_message<T: for<'b> minicbor::Decode<'b, ()>>(bytes: &[u8]) -> Result<T, WireError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let message = decoder.decode().map_err(|_| WireError::Malformed)?;
    if decoder.position() == bytes.len() {
        Ok(message)
    } else {
        Err(WireError::Malformed)
    }
}

#[cfg(test)]
mod tests;
