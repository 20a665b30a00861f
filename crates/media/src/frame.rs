//! Frames: the unit in which media is handed between threads, sites and state machines.

use bytes::Bytes;

use crate::h264;

/// What a track is coded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264 (RFC 6184, packetization mode 1).
    H264,
    /// H.265; recognised, not forwarded yet.
    H265,
    /// VP8 (RFC 7741).
    Vp8,
    /// Opus (RFC 7587).
    Opus,
}

impl Codec {
    /// Its name on the HTTP interface and between sites.
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "H264",
            Self::H265 => "H265",
            Self::Vp8 => "VP8",
            Self::Opus => "opus",
        }
    }

    /// The codec of that name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::H264, Self::H265, Self::Vp8, Self::Opus]
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// Audio or video.
    pub fn kind(self) -> Kind {
        match self {
            Self::Opus => Kind::Audio,
            Self::H264 | Self::H265 | Self::Vp8 => Kind::Video,
        }
    }

    /// RTP clock, ticks per second.
    pub fn clock(self) -> u32 {
        match self.kind() {
            Kind::Audio => 48_000,
            Kind::Video => 90_000,
        }
    }
}

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// One RTP payload of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The payload, without RTP header.
    pub payload: Bytes,
    /// The RTP marker: last packet of a picture.
    pub marker: bool,
}

/// One coded picture, or one packet of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is coded in.
    pub codec: Codec,
    /// Counts the restarts of the source; timestamps of two epochs are not comparable.
    pub epoch: u32,
    /// Position in the source's sequence of frames. A hole means that frames were lost.
    pub index: u64,
    /// Decodable without any earlier frame.
    pub key: bool,
    /// Sent late to let a new viewer catch up, not as it was taken.
    pub catch_up: bool,
    /// RTP timestamp at the source.
    pub timestamp: u32,
    /// Its payloads in order.
    pub packets: Vec<Packet>,
}

impl Frame {
    /// Payload bytes.
    pub fn bytes(&self) -> usize {
        self.packets.iter().map(|packet| packet.payload.len()).sum()
    }
}

/// Whether these payloads can be decoded without earlier frames.
pub fn is_key(codec: Codec, packets: &[Packet]) -> bool {
    match codec {
        Codec::Opus => true,
        Codec::H264 => packets
            .iter()
            .any(|packet| h264::starts_idr(&packet.payload)),
        Codec::H265 => false,
        Codec::Vp8 => packets
            .first()
            .is_some_and(|packet| vp8_starts_key(&packet.payload)),
    }
}

/// Whether a VP8 payload is the first of a key frame (RFC 7741, 4.2 and 4.3).
pub fn vp8_starts_key(payload: &[u8]) -> bool {
    let Some(&first) = payload.first() else {
        return false;
    };
    let starts_first_partition = first & 0x10 != 0 && first & 0x07 == 0;
    let mut at = 1;
    if first & 0x80 != 0 {
        let Some(&extensions) = payload.get(at) else {
            return false;
        };
        at += 1;
        if extensions & 0x80 != 0 {
            let long = payload.get(at).is_some_and(|id| id & 0x80 != 0);
            at += if long { 2 } else { 1 };
        }
        if extensions & 0x40 != 0 {
            at += 1;
        }
        if extensions & 0x30 != 0 {
            at += 1;
        }
    }
    starts_first_partition && payload.get(at).is_some_and(|header| header & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vp8_key_frame_is_told_from_a_delta_frame() {
        assert!(vp8_starts_key(&[0x10, 0x00]));
        assert!(!vp8_starts_key(&[0x10, 0x01]));
        assert!(
            !vp8_starts_key(&[0x00, 0x00]),
            "not the start of a partition"
        );
        assert!(
            vp8_starts_key(&[0x90, 0x80, 0x81, 0x02, 0x00]),
            "with a 15-bit picture id"
        );
        assert!(!vp8_starts_key(&[0x90, 0x80, 0x81, 0x02]));
    }

    #[test]
    fn every_codec_is_found_by_its_name() {
        for codec in [Codec::H264, Codec::H265, Codec::Vp8, Codec::Opus] {
            assert_eq!(Codec::from_name(&codec.name().to_lowercase()), Some(codec));
        }
        assert_eq!(Codec::from_name("AV1"), None);
    }
}
