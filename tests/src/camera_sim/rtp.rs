//! H.264 in RTP (RFC 6184): single packets, FU-A fragments, and the sender report that ties RTP
//! time to the clock. Pure.

use bytes::{BufMut, Bytes, BytesMut};

/// Payload type announced in the SDP.
pub(super) const PAYLOAD_TYPE: u8 = 96;
/// Largest RTP payload; real cameras fill an Ethernet frame, so receivers must split it again.
const MAX_PAYLOAD: usize = 1_400;
/// Seconds between the NTP era (1900) and the Unix epoch (RFC 5905).
const NTP_UNIX_OFFSET_S: u64 = 2_208_988_800;

/// Where one stream stands in its RTP numbering.
#[derive(Clone, Copy)]
pub(super) struct Numbering {
    /// Synchronization source of the stream.
    pub(super) ssrc: u32,
    /// Number of the next packet.
    pub(super) sequence: u16,
}

/// Packs the NAL units of one picture (without start codes) into RTP packets; the last one
/// carries the marker.
pub(super) fn packetize(nals: &[&[u8]], timestamp: u32, numbering: &mut Numbering) -> Vec<Bytes> {
    let mut packets = Vec::new();
    for (index, nal) in nals.iter().enumerate() {
        let last_nal = index + 1 == nals.len();
        if nal.len() <= MAX_PAYLOAD {
            packets.push(packet(&[], nal, timestamp, last_nal, numbering));
            continue;
        }
        let chunks = nal[1..].chunks(MAX_PAYLOAD - 2);
        let count = chunks.len();
        for (position, chunk) in chunks.enumerate() {
            let last = position + 1 == count;
            // FU indicator: the NAL's importance bits with type 28; FU header: start, end, type.
            let indicator = nal[0] & 0xe0 | 28;
            let edge = if position == 0 { 0x80 } else { 0 } | if last { 0x40 } else { 0 };
            let fu = [indicator, edge | nal[0] & 0x1f];
            packets.push(packet(&fu, chunk, timestamp, last_nal && last, numbering));
        }
    }
    packets
}

fn packet(
    head: &[u8],
    body: &[u8],
    timestamp: u32,
    marker: bool,
    numbering: &mut Numbering,
) -> Bytes {
    let mut out = BytesMut::with_capacity(12 + head.len() + body.len());
    out.put_u8(0x80);
    out.put_u8(if marker { 0x80 } else { 0 } | PAYLOAD_TYPE);
    out.put_u16(numbering.sequence);
    out.put_u32(timestamp);
    out.put_u32(numbering.ssrc);
    out.put_slice(head);
    out.put_slice(body);
    numbering.sequence = numbering.sequence.wrapping_add(1);
    out.freeze()
}

/// An RTCP sender report (RFC 3550 §6.4.1): `timestamp` is the RTP time of `epoch_ms`.
pub(super) fn sender_report(ssrc: u32, epoch_ms: u64, timestamp: u32) -> Bytes {
    let mut out = BytesMut::with_capacity(28);
    out.put_u8(0x80);
    out.put_u8(200);
    out.put_u16(6);
    out.put_u32(ssrc);
    let seconds = epoch_ms / 1_000 + NTP_UNIX_OFFSET_S;
    // NTP seconds wrap in 2036, as the format says.
    out.put_u32((seconds & 0xffff_ffff) as u32);
    out.put_u32((((epoch_ms % 1_000) << 32) / 1_000) as u32);
    out.put_u32(timestamp);
    out.put_u32(0);
    out.put_u32(0);
    out.freeze()
}

/// Adds one packet to `out` as RTSP carries it inside its own connection (RFC 2326 §10.12).
pub(super) fn interleave(out: &mut BytesMut, channel: u8, packet: &[u8]) {
    out.put_u8(b'$');
    out.put_u8(channel);
    out.put_u16(u16::try_from(packet.len()).expect("packets are at most MAX_PAYLOAD + 12 long"));
    out.put_slice(packet);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_nal_is_split_and_comes_back_whole() {
        let nal: Vec<u8> = std::iter::once(0x65)
            .chain((0..5_000u32).map(|i| i as u8))
            .collect();
        let mut numbering = Numbering {
            ssrc: 7,
            sequence: u16::MAX,
        };
        let packets = packetize(&[&[0x67, 1], &nal], 9_000, &mut numbering);
        assert_eq!(packets.len(), 1 + 4);
        assert_eq!(numbering.sequence, 4, "the numbers wrap");
        let mut whole = vec![packets[1][12] & 0xe0 | packets[1][13] & 0x1f];
        for packet in &packets[1..] {
            whole.extend_from_slice(&packet[14..]);
        }
        assert_eq!(whole, nal);
        let marked: Vec<bool> = packets.iter().map(|p| p[1] & 0x80 != 0).collect();
        assert_eq!(marked, [false, false, false, false, true]);
    }

    #[test]
    fn a_sender_report_names_the_moment_in_ntp_time() {
        let report = sender_report(1, 500, 45_000);
        assert_eq!(&report[8..12], &2_208_988_800u32.to_be_bytes());
        assert_eq!(&report[12..16], &0x8000_0000u32.to_be_bytes());
    }
}
