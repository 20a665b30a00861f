//! Packets from the network before anything is decrypted, and RTP after it.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let packet = media::rtp::parse(&Bytes::copy_from_slice(bytes));
    if let Some(packet) = packet {
        let _ = media::h264::starts_idr(&packet.payload);
        let _ = media::frame::vp8_starts_key(&packet.payload);
    }
    let _ = media::stun::ufrag(bytes);
    let _ = media::stun::nominates(bytes);
    let _ = media::stun::is_success(bytes);
    let _ = media::dtls::offers_gcm(bytes);
});
