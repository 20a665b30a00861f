//! What two media engines say to each other. Tolerant: unknown kinds and fields are passed over,
//! so that sites can be upgraded in any order. Bounded: lengths and counts are checked.

use bytes::{BufMut, Bytes, BytesMut};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Decoder, Encode, Encoder};

use crate::api::{Layer, MAX_CONTROL, PeerSite, SourceId};
use crate::rtp::{self, Rtp};

/// Most viewers named in a subscription; more are counted by their number only.
pub const MAX_NAMES: usize = 256;
/// Longest name of a viewer, bytes.
pub const MAX_NAME: usize = 200;
/// Most packets in one message.
pub const MAX_PACKETS: usize = 512;

/// Names a source and layer between sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The owner site.
    pub owner: PeerSite,
    /// The source there.
    pub source: SourceId,
    /// The layer.
    pub layer: Layer,
}

/// Asks for a source, or names its present viewers anew.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Subscribe {
    /// Chosen by the asker; names the subscription from now on.
    #[n(0)]
    pub request: u32,
    /// Owner site.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub owner: PeerSite,
    /// Source.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub source: SourceId,
    /// Small layer.
    #[n(3)]
    pub sub: bool,
    /// Present viewers.
    #[n(4)]
    pub viewers: Vec<String>,
}

impl Subscribe {
    /// What is asked for.
    pub fn key(&self) -> Key {
        let layer = if self.sub { Layer::Sub } else { Layer::Main };
        Key {
            owner: self.owner,
            source: self.source,
            layer,
        }
    }
}

/// Grants a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Accepted {
    /// The subscription.
    #[n(0)]
    pub request: u32,
    /// Flow of the pictures; sound has the next number.
    #[n(1)]
    pub flow: u64,
    /// Codec name of the pictures, when there are any.
    #[n(2)]
    pub video: Option<String>,
    /// Codec name of the sound, when there is any.
    #[n(3)]
    pub audio: Option<String>,
}

/// The state of a subscribed source, or why a subscription is refused.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct State {
    /// The subscription.
    #[n(0)]
    pub request: u32,
    /// State code.
    #[n(1)]
    pub state: String,
    /// Reason code.
    #[n(2)]
    pub reason: Option<String>,
}

/// Names a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Named {
    /// The subscription.
    #[n(0)]
    pub request: u32,
}

/// RTP packets by the reliable path.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Packets {
    /// Their flow.
    #[n(0)]
    pub flow: u64,
    /// Sent to catch up, not as taken.
    #[n(1)]
    pub catch_up: bool,
    /// RTP packets.
    #[n(2)]
    pub packets: Vec<ByteVec>,
}

/// One control message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Asks for a source.
    Subscribe(Subscribe),
    /// Asks no longer.
    Unsubscribe(Named),
    /// Grants.
    Accepted(Accepted),
    /// Refuses; `state.reason` says why.
    Refused(State),
    /// Asks for a key frame.
    KeyFrame(Named),
    /// The source's state changed.
    State(State),
    /// Carries packets.
    Packets(Packets),
}

/// Why bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Longer than a message may be, or with more in it.
    #[error("the message is beyond its bounds")]
    TooMuch,
    /// Not of the expected form.
    #[error("the message is malformed")]
    Malformed,
}

/// Reads a control message. `Ok(None)` is a kind this version does not know.
pub fn decode(bytes: &[u8]) -> Result<Option<Message>, WireError> {
    if bytes.len() > MAX_CONTROL {
        return Err(WireError::TooMuch);
    }
    let message = read(bytes).map_err(|_not_cbor| WireError::Malformed)?;
    let within = match &message {
        Some(Message::Subscribe(subscribe)) => {
            subscribe.viewers.len() <= MAX_NAMES
                && subscribe.viewers.iter().all(|name| name.len() <= MAX_NAME)
        }
        Some(Message::Packets(packets)) => packets.packets.len() <= MAX_PACKETS,
        _ => true,
    };
    if within {
        Ok(message)
    } else {
        Err(WireError::TooMuch)
    }
}

fn read(bytes: &[u8]) -> Result<Option<Message>, minicbor::decode::Error> {
    let mut decoder = Decoder::new(bytes);
    decoder.array()?;
    Ok(Some(match decoder.u8()? {
        1 => Message::Subscribe(decoder.decode()?),
        2 => Message::Unsubscribe(decoder.decode()?),
        3 => Message::Accepted(decoder.decode()?),
        4 => Message::Refused(decoder.decode()?),
        5 => Message::KeyFrame(decoder.decode()?),
        6 => Message::State(decoder.decode()?),
        7 => Message::Packets(decoder.decode()?),
        _ => return Ok(None),
    }))
}

/// Writes a control message.
pub fn encode(message: &Message) -> Bytes {
    fn put<T: Encode<()>>(kind: u8, body: &T) -> Bytes {
        let mut encoder = Encoder::new(Vec::new());
        encoder
            .array(2)
            .and_then(|encoder| encoder.u8(kind))
            .and_then(|encoder| encoder.encode(body))
            .expect("writing to memory does not fail");
        encoder.into_writer().into()
    }
    match message {
        Message::Subscribe(body) => put(1, body),
        Message::Unsubscribe(body) => put(2, body),
        Message::Accepted(body) => put(3, body),
        Message::Refused(body) => put(4, body),
        Message::KeyFrame(body) => put(5, body),
        Message::State(body) => put(6, body),
        Message::Packets(body) => put(7, body),
    }
}

/// Writes a datagram: the flow as a QUIC variable-length integer, then the RTP packet.
pub fn datagram(flow: u64, packet: &Rtp) -> Bytes {
    let mut out = BytesMut::with_capacity(8 + rtp::HEADER + packet.payload.len());
    match flow {
        0..0x40 => out.put_u8(u8::try_from(flow).expect("below 64")),
        0x40..0x4000 => out.put_u16(0x4000 | u16::try_from(flow).expect("below 2^14")),
        0x4000..0x4000_0000 => out.put_u32(0x8000_0000 | u32::try_from(flow).expect("below 2^30")),
        _ => out.put_u64((3 << 62) | (flow & (u64::MAX >> 2))),
    }
    rtp::write(packet, &mut out);
    out.freeze()
}

/// Reads a datagram.
pub fn parse_datagram(bytes: &Bytes) -> Option<(u64, Rtp)> {
    let first = *bytes.first()?;
    let length = 1usize << (first >> 6);
    let flow = bytes
        .get(1..length)?
        .iter()
        .fold(u64::from(first & 0x3f), |value, byte| {
            (value << 8) | u64::from(*byte)
        });
    Some((flow, rtp::parse(&bytes.slice(length..))?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn messages() -> Vec<Message> {
        let state = || State {
            request: 3,
            state: "playing".into(),
            reason: Some("timeout".into()),
        };
        vec![
            Message::Subscribe(Subscribe {
                request: 1,
                owner: [2; 8],
                source: [3; 16],
                sub: true,
                viewers: vec!["li".into()],
            }),
            Message::Unsubscribe(Named { request: 1 }),
            Message::Accepted(Accepted {
                request: 1,
                flow: 70_000,
                video: Some("H264".into()),
                audio: None,
            }),
            Message::Refused(state()),
            Message::KeyFrame(Named { request: 9 }),
            Message::State(state()),
            Message::Packets(Packets {
                flow: 4,
                catch_up: true,
                packets: vec![vec![1, 2, 3].into()],
            }),
        ]
    }

    #[test]
    fn every_message_survives_the_wire() {
        for message in messages() {
            assert_eq!(decode(&encode(&message)), Ok(Some(message)));
        }
    }

    #[test]
    fn a_kind_of_a_later_version_is_passed_over() {
        assert_eq!(decode(&[0x82, 0x18, 0x63, 0xa0]), Ok(None));
    }

    #[test]
    fn a_field_of_a_later_version_is_passed_over() {
        let bytes = [0x82, 5, 0xa2, 0, 7, 0x18, 0x40, 0x61, b'x'];
        assert_eq!(
            decode(&bytes),
            Ok(Some(Message::KeyFrame(Named { request: 7 })))
        );
    }

    #[test]
    fn what_is_beyond_its_bounds_is_refused() {
        assert_eq!(decode(&vec![0; MAX_CONTROL + 1]), Err(WireError::TooMuch));
        let many = Subscribe {
            request: 1,
            owner: [0; 8],
            source: [0; 16],
            sub: false,
            viewers: vec![String::new(); MAX_NAMES + 1],
        };
        assert_eq!(
            decode(&encode(&Message::Subscribe(many))),
            Err(WireError::TooMuch)
        );
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
            let _ = parse_datagram(&bytes.into());
        }

        #[test]
        fn a_flipped_byte_never_panics(which in 0usize..7, at in 0usize..100, value: u8) {
            let mut bytes = encode(&messages()[which]).to_vec();
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = decode(&bytes);
        }

        #[test]
        fn every_datagram_survives_the_wire(flow in 0u64..(1 << 62), sequence: u16, marker: bool) {
            let rtp = Rtp { marker, sequence, timestamp: 1, ssrc: 2, payload: Bytes::from_static(b"x") };
            prop_assert_eq!(parse_datagram(&datagram(flow, &rtp)), Some((flow, rtp)));
        }
    }
}
