//! Length-prefixed messages on QUIC streams, with no allocation by declared size.

use crate::wire::{self, WireError};
use quinn::{RecvStream, SendStream};
use std::sync::atomic::{AtomicU64, Ordering};

/// Why no further message comes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// The peer broke the protocol.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The stream or the connection ended.
    #[error("the stream ended")]
    Ended,
}

/// Reads one body of at most `max` bytes; its length prefix is counted too.
pub(crate) async fn read_body(
    stream: &mut RecvStream,
    max: usize,
    count: &AtomicU64,
) -> Result<Vec<u8>, StreamError> {
    let mut len = [0; 4];
    let read = stream.read_exact(&mut len).await;
    read.map_err(|_| StreamError::Ended)?;
    let len = u32::from_be_bytes(len) as usize;
    if len > max {
        return Err(WireError::TooLong.into());
    }
    let mut body = Vec::new();
    while body.len() < len {
        let chunk = stream.read_chunk(len - body.len(), true).await;
        let chunk = chunk.ok().flatten().ok_or(StreamError::Ended)?;
        body.extend_from_slice(&chunk.bytes);
    }
    count.fetch_add(len as u64 + 4, Ordering::Relaxed);
    Ok(body)
}

/// Reads one body that no link counts.
pub(crate) async fn read_uncounted(
    stream: &mut RecvStream,
    max: usize,
) -> Result<Vec<u8>, StreamError> {
    read_body(stream, max, &AtomicU64::new(0)).await
}

/// Reads and decodes one message of at most `max` bytes.
pub(crate) async fn read_message<T: for<'b> minicbor::Decode<'b, ()>>(
    stream: &mut RecvStream,
    max: usize,
) -> Result<T, StreamError> {
    let body = read_uncounted(stream, max).await?;
    Ok(wire::decode_within(&body, max)?)
}

/// Encodes and writes one message.
pub(crate) async fn write_message<T: minicbor::Encode<()>>(
    stream: &mut SendStream,
    message: &T,
) -> Result<(), StreamError> {
    let bytes = wire::encode(message)?;
    let written = stream.write_all(&bytes).await;
    written.map_err(|_| StreamError::Ended)
}
