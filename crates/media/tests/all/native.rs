//! Native WebRTC peers: what a browser does, without one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use media::{Answer, Engine, Layer, MediaError, PublishRequest, SourceId, SourceRef, WatchRequest};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::interceptor::{Attribute, Interceptor, Slot, StreamInfo, TaggedPacket};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use tokio::sync::mpsc;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_local::{TrackLocal, TrackLocalEvent};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCPeerConnectionState, RTCSessionDescription, Registry,
};

use crate::eventually;

#[derive(Clone)]
struct Handler {
    gathered: mpsc::Sender<()>,
    connected: Arc<Mutex<Option<RTCPeerConnectionState>>>,
    packets: Arc<Mutex<Vec<Packet>>>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let _twice = self.gathered.try_send(());
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        *self.connected.lock().expect("no panic inside") = Some(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let packets = Arc::clone(&self.packets);
        tokio::spawn(async move {
            let mut before_key = 0;
            while let Some(event) = track.poll().await {
                let TrackRemoteEvent::OnRtpPacket(packet) = event else {
                    continue;
                };
                // The first packets may come before the track is open here. Like a browser, ask
                // for a key frame until there is one.
                let key = starts_key(&packet.payload);
                before_key = if key { i32::MIN } else { before_key + 1 };
                if packet.header.payload_type != OPUS && before_key % 20 == 19 {
                    let media_ssrc = packet.header.ssrc;
                    let request = PictureLossIndication {
                        sender_ssrc: 0,
                        media_ssrc,
                    };
                    let _closed = track.write_rtcp(vec![Box::new(request)]).await;
                }
                packets.lock().expect("no panic inside").push(packet);
            }
        });
    }
}

/// In the order of browsers.
const CIPHERS: [SrtpProtectionProfile; 2] = [
    SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
    SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
];

/// The payload type of Opus in offers of native peers.
pub(crate) const OPUS: u8 = 111;

/// Whether a payload starts a key frame of either codec.
fn starts_key(payload: &[u8]) -> bool {
    media::h264::starts_idr(payload) || media::frame::vp8_starts_key(payload)
}

async fn connection(
    ciphers: &[SrtpProtectionProfile],
) -> (Arc<dyn PeerConnection>, Handler, mpsc::Receiver<()>) {
    let mut media = MediaEngine::default();
    media.register_default_codecs().expect("defaults fit");
    let registry = register_default_interceptors(Registry::new(), &mut media)
        .expect("they fit")
        .with(Slot::from(60_000usize), DeliverFeedback::default());
    let settings = SettingEngineBuilder::new()
        .with_include_loopback_candidate(true)
        .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
        .with_srtp_protection_profiles(ciphers.to_vec())
        .build();
    let (gathered, done) = mpsc::channel(1);
    let handler = Handler {
        gathered,
        connected: Arc::default(),
        packets: Arc::default(),
    };
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings)
        .with_handler(Arc::new(handler.clone()))
        .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
        .build()
        .await
        .expect("a peer");
    (Arc::new(connection), handler, done)
}

async fn offer(connection: &Arc<dyn PeerConnection>, gathered: &mut mpsc::Receiver<()>) -> String {
    let offer = connection.create_offer(None).await.expect("an offer");
    connection
        .set_local_description(offer)
        .await
        .expect("our own offer");
    gathered.recv().await;
    connection.local_description().await.expect("just set").sdp
}

async fn accept(connection: &Arc<dyn PeerConnection>, answer: &Answer) {
    let answer = RTCSessionDescription::answer(answer.sdp.clone()).expect("an answer");
    connection
        .set_remote_description(answer)
        .await
        .expect("usable");
}

/// A native viewer.
pub(crate) struct Viewer {
    pub(crate) session: media::SessionId,
    pub(crate) answer: String,
    connection: Arc<dyn PeerConnection>,
    handler: Handler,
}

impl Viewer {
    pub(crate) async fn watch(
        engine: &Engine,
        source: SourceRef,
        name: &str,
        kinds: &[RtpCodecKind],
    ) -> Result<Self, MediaError> {
        Self::watch_with(engine, source, name, kinds, &CIPHERS).await
    }

    /// As a browser that knows AES-CM only.
    pub(crate) async fn old(engine: &Engine, source: SourceRef, name: &str) -> Self {
        let kinds = [RtpCodecKind::Video];
        let watching = Self::watch_with(engine, source, name, &kinds, &CIPHERS[..1]).await;
        watching.expect("the source can be watched")
    }

    async fn watch_with(
        engine: &Engine,
        source: SourceRef,
        name: &str,
        kinds: &[RtpCodecKind],
        ciphers: &[SrtpProtectionProfile],
    ) -> Result<Self, MediaError> {
        let (connection, handler, mut gathered) = connection(ciphers).await;
        for kind in kinds {
            connection
                .add_transceiver_from_kind(*kind, None)
                .await
                .expect("a transceiver");
        }
        let offer = offer(&connection, &mut gathered).await;
        let request = WatchRequest {
            source,
            viewer: name.to_owned(),
            layer: Layer::Main,
            offer,
        };
        let answer = engine.watch(request).await?;
        accept(&connection, &answer).await;
        Ok(Self {
            session: answer.session,
            answer: answer.sdp,
            connection,
            handler,
        })
    }

    pub(crate) async fn video(engine: &Engine, source: SourceRef, name: &str) -> Self {
        let kinds = [RtpCodecKind::Video];
        Self::watch(engine, source, name, &kinds)
            .await
            .expect("the source can be watched")
    }

    pub(crate) fn packets(&self) -> Vec<Packet> {
        self.handler
            .packets
            .lock()
            .expect("no panic inside")
            .clone()
    }

    /// Waits until the packets received so far satisfy `enough`.
    pub(crate) async fn receives(
        &self,
        what: &str,
        enough: impl Fn(&[Packet]) -> bool,
    ) -> Vec<Packet> {
        eventually(what, || async {
            let packets = self.packets();
            let state = *self.handler.connected.lock().expect("no panic inside");
            if enough(&packets) {
                Ok(packets)
            } else {
                Err(format!("{state:?}, {} packets", packets.len()))
            }
        })
        .await
    }

    /// Vanishes without a word, like a laptop that is closed.
    pub(crate) async fn leave(self) {
        self.connection.close().await.expect("closes");
    }
}

/// A native publisher of VP8 and Opus.
pub(crate) struct Publisher {
    connection: Arc<dyn PeerConnection>,
    handler: Handler,
    sending: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.sending.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl Publisher {
    pub(crate) async fn publish(engine: &Engine, source: SourceId, video: bool) -> Self {
        let (connection, handler, mut gathered) = connection(&CIPHERS).await;
        let audio = local_track("audio/opus", 11);
        let picture = local_track("video/VP8", 22);
        connection
            .add_track(Arc::clone(&audio) as Arc<dyn TrackLocal>)
            .await
            .expect("a sender");
        if video {
            let track = Arc::clone(&picture) as Arc<dyn TrackLocal>;
            connection.add_track(track).await.expect("a sender");
        }
        let offer = offer(&connection, &mut gathered).await;
        let answer = engine
            .publish(PublishRequest { source, offer })
            .await
            .expect("accepted");
        accept(&connection, &answer).await;
        let mut sending = vec![tokio::spawn(send_sound(audio))];
        if video {
            sending.push(tokio::spawn(send_pictures(picture)));
        }
        Self {
            connection,
            handler,
            sending,
        }
    }

    pub(crate) async fn is_connected(&self) {
        eventually("the publisher connects", || async {
            let state = *self.handler.connected.lock().expect("no panic inside");
            if state == Some(RTCPeerConnectionState::Connected) {
                Ok(())
            } else {
                Err(format!("{state:?}"))
            }
        })
        .await;
    }

    pub(crate) async fn leave(self) {
        self.connection.close().await.expect("closes");
    }
}

fn local_track(mime: &str, ssrc: u32) -> Arc<TrackLocalStaticRTP> {
    let video = mime.starts_with("video");
    let codec = RTCRtpCodec {
        mime_type: mime.to_owned(),
        clock_rate: if video { 90_000 } else { 48_000 },
        channels: if video { 0 } else { 2 },
        sdp_fmtp_line: String::new(),
        rtcp_feedback: vec![],
    };
    let kind = if video {
        RtpCodecKind::Video
    } else {
        RtpCodecKind::Audio
    };
    let rtp_coding_parameters = RTCRtpCodingParameters {
        ssrc: Some(ssrc),
        ..Default::default()
    };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters,
        codec,
        ..Default::default()
    };
    let track = MediaStreamTrack::new("s".into(), mime.into(), mime.into(), kind, vec![encoding]);
    Arc::new(TrackLocalStaticRTP::new(track))
}

fn packet(
    pt: u8,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
) -> Packet {
    Packet {
        header: rtc::rtp::Header {
            version: 2,
            marker,
            payload_type: pt,
            sequence_number: sequence,
            timestamp,
            ssrc,
            ..Default::default()
        },
        payload: payload.into(),
    }
}

async fn send_sound(track: Arc<TrackLocalStaticRTP>) {
    let mut every = tokio::time::interval(Duration::from_millis(20));
    for n in 0u16.. {
        every.tick().await;
        let sent = track
            .write_rtp(packet(
                111,
                11,
                n,
                u32::from(n) * 960,
                false,
                vec![0x78; 60],
            ))
            .await;
        if sent.is_err() {
            return;
        }
    }
}

/// A key frame when asked for one, as an encoder does, and at no other time.
async fn send_pictures(track: Arc<TrackLocalStaticRTP>) {
    let mut every = tokio::time::interval(Duration::from_millis(40));
    let (mut sequence, mut key) = (0u16, true);
    for n in 0u32.. {
        tokio::select! {
            biased;
            event = track.poll() => match event {
                Some(TrackLocalEvent::OnRtcpPacket(packets)) => {
                    key |= packets.iter().any(|p| p.as_any().is::<PictureLossIndication>());
                }
                Some(_) => {}
                // Closed; a loop that went on would never yield.
                None => return,
            },
            _ = every.tick() => {
                let header = if key { 0x00 } else { 0x01 };
                // Larger than a QUIC datagram at its smallest, as browsers send them.
                for part in 0..3 {
                    let start = if part == 0 { 0x10 } else { 0x00 };
                    let mut payload = vec![start, header];
                    payload.resize(if key { 1_190 } else { 400 }, 0xaa);
                    let rtp = packet(96, 22, sequence, n * 3_600, part == 2, payload);
                    sequence = sequence.wrapping_add(1);
                    if track.write_rtp(rtp).await.is_err() {                       return;
                    }
                }
                key = false;
            }
        }
    }
}

/// Hands requests for key frames to the track, as a browser's encoder is handed them.
#[derive(Default)]
struct DeliverFeedback {
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for DeliverFeedback {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        if matches!(packet.message.packet, rtc::interceptor::Packet::Rtcp(_)) {
            packet.message.add(Attribute::DeliverToApplication);
        }
        self.reads.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.writes.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }
}

impl Interceptor for DeliverFeedback {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
