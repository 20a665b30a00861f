//! The fixed RTP header (RFC 3550, 5.1), as relay flows carry it.

use bytes::{BufMut, Bytes, BytesMut};

/// Length of a header without contributing sources and extensions, bytes.
pub const HEADER: usize = 12;

/// One RTP packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rtp {
    /// Marker bit.
    pub marker: bool,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Synchronization source.
    pub ssrc: u32,
    /// What follows the header.
    pub payload: Bytes,
}

/// Reads a packet. `None` for anything but version 2 with a plain header: relays never send
/// contributing sources, extensions or padding.
pub fn parse(packet: &Bytes) -> Option<Rtp> {
    let (header, _) = packet.split_first_chunk::<HEADER>()?;
    if header[0] != 0x80 {
        return None;
    }
    Some(Rtp {
        marker: header[1] & 0x80 != 0,
        sequence: u16::from_be_bytes([header[2], header[3]]),
        timestamp: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        ssrc: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
        payload: packet.slice(HEADER..),
    })
}

/// Appends a packet. The payload type is fixed; the codec was agreed when the flow was opened.
pub fn write(rtp: &Rtp, out: &mut BytesMut) {
    out.reserve(HEADER + rtp.payload.len());
    out.put_u8(0x80);
    out.put_u8(96 | if rtp.marker { 0x80 } else { 0 });
    out.put_u16(rtp.sequence);
    out.put_u32(rtp.timestamp);
    out.put_u32(rtp.ssrc);
    out.put_slice(&rtp.payload);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            marker: bool, sequence: u16, timestamp: u32, ssrc: u32,
            payload in proptest::collection::vec(any::<u8>(), 0..100)
        ) {
            let rtp = Rtp { marker, sequence, timestamp, ssrc, payload: payload.into() };
            let mut bytes = BytesMut::new();
            write(&rtp, &mut bytes);
            prop_assert_eq!(parse(&bytes.freeze()), Some(rtp));
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse(&bytes.into());
        }
    }
}
