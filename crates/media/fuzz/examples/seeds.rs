//! Writes the first inputs of every target, each a true message, into `corpus`.
//! Run in this folder: `cargo run --example seeds`.

use bytes::{Bytes, BytesMut};
use media::relay::wire::{Accepted, Message, Named, Packets, State, Subscribe, datagram, encode};
use media::rtp::{self, Rtp};
use std::io::Result;

const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 102\r\na=recvonly\r\na=rtpmap:96 VP8/90000\r\n\
    a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42001f\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\n";

fn main() -> Result<()> {
    seeds("control", messages().iter().map(|message| encode(message).to_vec()))?;
    let flows = [1, 70, 70_000, 1 << 40];
    seeds("datagram", flows.map(|flow| datagram(flow, &packet()).to_vec()))?;
    seeds("offer", [OFFER.as_bytes().to_vec()])?;
    let mut bytes = BytesMut::new();
    rtp::write(&packet(), &mut bytes);
    seeds("packet", [bytes.to_vec(), binding_request(), client_hello()])
}

fn seeds(target: &str, inputs: impl IntoIterator<Item = Vec<u8>>) -> Result<()> {
    let folder = std::path::Path::new("corpus").join(target);
    std::fs::create_dir_all(&folder)?;
    for (at, input) in inputs.into_iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{at}")), input)?;
    }
    Ok(())
}

fn packet() -> Rtp {
    Rtp {
        marker: true,
        sequence: 7,
        timestamp: 90_000,
        ssrc: 5,
        // The first fragment of an H.264 key frame.
        payload: Bytes::from_static(&[0x7c, 0x85, 0x88, 0x84, 0x00]),
    }
}

fn messages() -> Vec<Message> {
    let state = State {
        request: 3,
        state: "playing".to_owned(),
        reason: Some("timeout".to_owned()),
    };
    vec![
        Message::Subscribe(Subscribe {
            request: 1,
            owner: [2; 8],
            source: [3; 16],
            sub: true,
            viewers: vec!["li".to_owned()],
        }),
        Message::Unsubscribe(Named { request: 1 }),
        Message::Accepted(Accepted {
            request: 1,
            flow: 70_000,
            video: Some("H264".to_owned()),
            audio: None,
        }),
        Message::Refused(state.clone()),
        Message::KeyFrame(Named { request: 9 }),
        Message::State(state),
        Message::Packets(Packets {
            flow: 4,
            catch_up: true,
            packets: vec![vec![1, 2, 3].into()],
        }),
    ]
}

/// A STUN check that nominates its path.
fn binding_request() -> Vec<u8> {
    let mut message = vec![0, 1, 0, 20, 0x21, 0x12, 0xa4, 0x42];
    message.extend([7; 12]);
    message.extend([0, 6, 0, 11]);
    message.extend(b"ours:theirs\0");
    message.extend([0, 0x25, 0, 0]);
    message
}

/// A DTLS ClientHello that offers two SRTP ciphers.
fn client_hello() -> Vec<u8> {
    let mut bytes = vec![0; 59];
    (bytes[0], bytes[13]) = (22, 1);
    bytes.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
    bytes.extend([0, 11, 0, 14, 0, 7, 0, 4, 0, 7, 0, 1, 0]);
    bytes
}
