//! H.264 packing (RFC 6184): access units of a camera into payloads that fit every path.

use bytes::{BufMut, Bytes, BytesMut};

use crate::frame::Packet;

/// Longest RTP payload made here, bytes. With RTP, SRTP, QUIC and VPN headers it still fits a
/// 1,280-byte path, so no hop has to cut it again.
pub const MAX_PAYLOAD: usize = 1_100;

const IDR: u8 = 5;
const DELIMITER: u8 = 9;
const FILLER: u8 = 12;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Packs an access unit of 4-byte-length-prefixed NAL units. Delimiters and filler are left out;
/// a length that runs past the end ends the unit. The last payload carries the marker.
pub fn pack(access_unit: &[u8], max: usize) -> Vec<Packet> {
    let mut packets = Vec::new();
    let mut rest = access_unit;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some(nal) = after.get(..length) else {
            break;
        };
        rest = &after[length..];
        match nal.first().map(|header| header & 31) {
            None | Some(DELIMITER | FILLER) => {}
            Some(_) => pack_nal(nal, max, &mut packets),
        }
    }
    if let Some(last) = packets.last_mut() {
        last.marker = true;
    }
    packets
}

fn pack_nal(nal: &[u8], max: usize, packets: &mut Vec<Packet>) {
    if nal.len() <= max {
        packets.push(Packet {
            payload: Bytes::copy_from_slice(nal),
            marker: false,
        });
        return;
    }
    let (header, body) = (nal[0], &nal[1..]);
    // Pieces of equal size, so that a frame leaves as one GSO run.
    let pieces = body.len().div_ceil(max.max(3) - 2);
    let size = body.len().div_ceil(pieces);
    for (at, piece) in body.chunks(size).enumerate() {
        let start = if at == 0 { 0x80 } else { 0 };
        let end = if (at + 1) * size >= body.len() {
            0x40
        } else {
            0
        };
        let mut payload = BytesMut::with_capacity(piece.len() + 2);
        payload.put_u8((header & 0xe0) | FU_A);
        payload.put_u8((header & 0x1f) | start | end);
        payload.put_slice(piece);
        packets.push(Packet {
            payload: payload.freeze(),
            marker: false,
        });
    }
}

/// Whether a payload holds the beginning of an IDR slice, alone, fragmented or aggregated.
pub fn starts_idr(payload: &[u8]) -> bool {
    match payload.first().map(|header| header & 31) {
        Some(IDR) => true,
        Some(FU_A) => payload
            .get(1)
            .is_some_and(|fu| fu & 0x80 != 0 && fu & 31 == IDR),
        Some(STAP_A) => {
            let mut rest = &payload[1..];
            while let Some((length, after)) = rest.split_first_chunk::<2>() {
                let length = usize::from(u16::from_be_bytes(*length));
                if after.first().is_some_and(|header| header & 31 == IDR) && length > 0 {
                    return true;
                }
                let Some(next) = after.get(length..) else {
                    return false;
                };
                rest = next;
            }
            false
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(nals: &[&[u8]]) -> Vec<u8> {
        nals.iter()
            .flat_map(|nal| {
                let length = u32::try_from(nal.len()).expect("small").to_be_bytes();
                length.into_iter().chain(nal.iter().copied())
            })
            .collect()
    }

    /// What a receiver makes of the payloads: RFC 6184 reassembly.
    fn unpack(packets: &[Packet]) -> Vec<Vec<u8>> {
        let mut nals: Vec<Vec<u8>> = Vec::new();
        for packet in packets {
            let payload = &packet.payload;
            if payload[0] & 31 != FU_A {
                nals.push(payload.to_vec());
                continue;
            }
            if payload[1] & 0x80 != 0 {
                nals.push(vec![(payload[0] & 0xe0) | (payload[1] & 31)]);
            }
            nals.last_mut()
                .expect("a start came first")
                .extend_from_slice(&payload[2..]);
        }
        nals
    }

    #[test]
    fn parameter_sets_stay_before_the_key_frame_and_the_last_packet_is_marked() {
        let idr = vec![0x65; 3_000];
        let packets = pack(
            &unit(&[&[0x67, 1], &[0x68, 2], &[9, 0x10], &idr]),
            MAX_PAYLOAD,
        );
        let nals = unpack(&packets);
        assert_eq!(nals, vec![vec![0x67, 1], vec![0x68, 2], idr]);
        assert!(
            packets
                .iter()
                .all(|packet| packet.payload.len() <= MAX_PAYLOAD)
        );
        let marked: Vec<bool> = packets.iter().map(|packet| packet.marker).collect();
        assert_eq!(marked.iter().filter(|marker| **marker).count(), 1);
        assert_eq!(marked.last(), Some(&true));
        assert!(packets.iter().any(|packet| starts_idr(&packet.payload)));
    }

    #[test]
    fn an_aggregated_idr_is_found() {
        assert!(starts_idr(&[24, 0, 2, 0x67, 1, 0, 2, 0x65, 9]));
        assert!(!starts_idr(&[24, 0, 2, 0x67, 1, 0, 2, 0x61, 9]));
        assert!(!starts_idr(&[24, 0xff]));
    }

    proptest! {
        #[test]
        fn any_nal_survives_packing(body in proptest::collection::vec(any::<u8>(), 1..5_000), max in 10usize..1_400) {
            let mut nal = vec![0x65];
            nal.extend(body);
            let packets = pack(&unit(&[&nal]), max);
            prop_assert!(packets.iter().all(|packet| packet.payload.len() <= max));
            prop_assert_eq!(unpack(&packets), vec![nal]);
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = pack(&bytes, MAX_PAYLOAD);
            let _ = starts_idr(&bytes);
            let _ = crate::frame::vp8_starts_key(&bytes);
        }
    }
}
