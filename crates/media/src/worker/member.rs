//! One peer on a worker: a viewer or a publisher, and what each packet means to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::event::{RTCPeerConnectionEvent, RTCTrackEvent};
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp_transceiver::RTCRtpReceiverId;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::sansio::Protocol;
use rtc::shared::TaggedBytesMut;

use super::socket::Socket;
use crate::api::{MediaEvent, SessionId};
use crate::assemble::{Assembler, Patience};
use crate::dtls;
use crate::forward::Decision;
use crate::frame::{Codec, Frame, Kind};
use crate::hub::{Hub, Input, Tracks, ViewerGuard};
use crate::peer::{Answered, Cipher, OutTrack, Recipe};
use crate::rtp::Rtp;
use crate::session::SessionGuard;
use crate::stun;

/// A peer that is not connected after this is given up.
const CONNECT_PATIENCE: Duration = Duration::from_secs(20);
/// A viewer that lost its picture is sent the cache again at most this often.
const REPEAT_INTERVAL: Duration = Duration::from_secs(1);
/// With nothing else to wait for, a peer is looked at this often.
const IDLE: Duration = Duration::from_secs(1);
/// Addresses one peer may be seen under.
const MAX_ADDRESSES: usize = 8;

/// A peer with its session.
pub(crate) struct Member {
    pub(crate) connection: RTCPeerConnection,
    pub(crate) ufrag: String,
    /// To be made again with another cipher, until the client has said which it knows.
    recipe: Option<Box<Recipe>>,
    /// The check that chose the path; a peer made anew has to see it too.
    nomination: Option<TaggedBytesMut>,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) wake_at: Instant,
    give_up_at: Instant,
    pub(super) connected: bool,
    pub(super) gone: bool,
    pub(crate) role: Role,
    guard: SessionGuard,
}

/// What a peer is here for.
pub(crate) enum Role {
    /// It is sent a source.
    Viewer {
        /// The source.
        hub: Arc<Hub>,
        /// Its tracks.
        tracks: Vec<OutTrack>,
        /// Counts it as a viewer.
        _counted: ViewerGuard,
        /// Its name, for the event when it is up.
        name: String,
        /// When it was last sent the cache.
        burst_at: Option<Instant>,
    },
    /// It is a source.
    Publisher {
        /// Where its frames go.
        hub: Arc<Hub>,
        /// Its tracks as they open.
        tracks: Vec<InTrack>,
    },
}

fn again(packet: &TaggedBytesMut) -> TaggedBytesMut {
    let (now, transport) = (packet.now, packet.transport);
    TaggedBytesMut {
        now,
        transport,
        message: packet.message.clone(),
    }
}

/// A track received from a publisher.
pub(crate) struct InTrack {
    track: String,
    receiver: RTCRtpReceiverId,
    ssrc: u32,
    assembler: Assembler,
    codec: Codec,
}

impl Member {
    pub(crate) fn new(
        answered: Answered,
        recipe: Recipe,
        role: Role,
        guard: SessionGuard,
        now: Instant,
    ) -> Self {
        let mut member = Self {
            connection: answered.connection,
            ufrag: answered.ufrag,
            recipe: Some(Box::new(recipe)),
            nomination: None,
            addresses: Vec::new(),
            wake_at: now,
            give_up_at: now + CONNECT_PATIENCE,
            connected: false,
            gone: false,
            role,
            guard,
        };
        if let Role::Viewer { tracks, .. } = &mut member.role {
            *tracks = answered.tracks;
        }
        member
    }

    pub(crate) fn session(&self) -> SessionId {
        self.guard.session
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        match &self.role {
            Role::Viewer { hub, .. } | Role::Publisher { hub, .. } => hub,
        }
    }

    pub(super) fn is_viewer(&self) -> bool {
        matches!(self.role, Role::Viewer { .. })
    }

    /// Remembers an address; false when it has too many already.
    pub(super) fn learn(&mut self, address: SocketAddr) -> bool {
        let known = self.addresses.contains(&address);
        if !known && self.addresses.len() < MAX_ADDRESSES {
            self.addresses.push(address);
            return true;
        }
        known
    }

    /// Takes a datagram of this peer.
    pub(super) fn datagram(&mut self, packet: TaggedBytesMut) {
        if self.recipe.is_some() {
            if stun::nominates(&packet.message) {
                self.nomination = Some(again(&packet));
            }
            match dtls::offers_gcm(&packet.message) {
                None => {}
                Some(true) => (self.recipe, self.nomination) = (None, None),
                Some(false) => self.remake(packet.now),
            }
        }
        let answers_check = self.recipe.is_none() && stun::is_success(&packet.message);
        self.read(packet);
        if answers_check && let Some(nomination) = self.nomination.take() {
            self.read(nomination);
        }
    }

    fn read(&mut self, packet: TaggedBytesMut) {
        if let Err(error) = self.connection.handle_read(packet) {
            tracing::trace!(%error, "a datagram was not understood");
        }
    }

    fn remake(&mut self, now: Instant) {
        let recipe = self.recipe.take();
        let Some(answered) = recipe.and_then(|recipe| recipe.answer(Cipher::Cm, now).ok()) else {
            self.gone = true;
            return;
        };
        self.connection = answered.connection;
        if let Role::Viewer { tracks, .. } = &mut self.role {
            *tracks = answered.tracks;
        }
        // Seen twice: the first time the library checks the path itself, and only once that is
        // answered does it take the nomination. The client would not repeat it.
        if let Some(nomination) = &self.nomination {
            self.read(again(nomination));
        }
    }

    /// Moves everything the library has for us: packets out, events, media and feedback in.
    /// True when the peer has just connected.
    pub(super) fn drain(&mut self, socket: &mut Socket, now: Instant) -> bool {
        let was_connected = self.connected;
        self.send(socket);
        while let Some(event) = self.connection.poll_event() {
            self.event(event);
        }
        while let Some(message) = self.connection.poll_read() {
            match message.message {
                RTCMessage::RtpPacket(track, packet) => self.media(&track, packet, now),
                RTCMessage::RtcpPacket(_, packets) => {
                    let lost = packets.iter().any(|packet| {
                        packet.as_any().is::<PictureLossIndication>()
                            || packet.as_any().is::<FullIntraRequest>()
                    });
                    if lost {
                        self.picture_lost(now);
                    }
                }
                // Data channels are refused in the offer; later variants are not asked for.
                _ => {}
            }
        }
        self.send(socket);
        self.schedule(now);
        self.connected && !was_connected
    }

    fn send(&mut self, socket: &mut Socket) {
        while let Some(packet) = self.connection.poll_write() {
            socket.push(packet.transport.peer_addr, &packet.message);
        }
    }

    fn schedule(&mut self, now: Instant) {
        let library = self.connection.poll_timeout().unwrap_or(now + IDLE);
        // Never in the past: a timer that the library does not clear must not spin the thread.
        let mut wake_at = library.clamp(now + Duration::from_millis(1), now + IDLE);
        if let Role::Publisher { tracks, .. } = &self.role {
            for deadline in tracks.iter().filter_map(|track| track.assembler.deadline()) {
                wake_at = wake_at.min(deadline.max(now + Duration::from_millis(1)));
            }
        }
        self.wake_at = wake_at;
    }

    pub(super) fn timeout(&mut self, now: Instant) {
        if !self.connected && now >= self.give_up_at {
            self.gone = true;
            return;
        }
        if let Err(error) = self.connection.handle_timeout(now) {
            tracing::debug!(%error, "a peer's timer failed");
        }
        self.assembled(now);
    }

    fn event(&mut self, event: RTCPeerConnectionEvent) {
        match event {
            RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => match state {
                RTCPeerConnectionState::Connected if !self.connected => {
                    self.connected = true;
                    self.announce_up();
                }
                RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => self.gone = true,
                _ => {}
            },
            RTCPeerConnectionEvent::OnTrack(RTCTrackEvent::OnOpen(init)) => {
                self.track_opened(init.track_id, init.receiver_id, init.ssrc);
            }
            _ => {}
        }
    }

    fn announce_up(&self) {
        let session = self.session();
        self.guard.announce(match &self.role {
            Role::Viewer { hub, name, .. } => MediaEvent::ViewerUp {
                session,
                source: hub.source,
                viewer: name.clone(),
            },
            Role::Publisher { hub, .. } => {
                let Tracks { video, audio } = hub.tracks();
                MediaEvent::PublisherUp {
                    source: hub.source,
                    session,
                    audio: audio.is_some(),
                    video: video.is_some(),
                }
            }
        });
    }

    fn track_opened(&mut self, track: String, receiver: RTCRtpReceiverId, ssrc: u32) {
        let Role::Publisher { tracks, .. } = &mut self.role else {
            return;
        };
        let kind = self
            .connection
            .rtp_receiver(receiver)
            .map(|found| found.track().kind());
        let (codec, patience) = match kind {
            Some(RtpCodecKind::Video) => (Codec::Vp8, Patience::PUBLISHER),
            Some(RtpCodecKind::Audio) => (Codec::Opus, Patience::SOUND),
            _ => return,
        };
        // One stream of each kind: a second one replaces the first.
        tracks.retain(|track| track.codec != codec);
        let assembler = Assembler::new(codec, patience);
        tracks.push(InTrack {
            track,
            receiver,
            ssrc,
            assembler,
            codec,
        });
    }

    fn media(&mut self, track: &str, packet: rtc::rtp::Packet, now: Instant) {
        let Role::Publisher { tracks, .. } = &mut self.role else {
            return;
        };
        let Some(track) = tracks.iter_mut().find(|open| open.track == track) else {
            return;
        };
        let rtp = Rtp {
            marker: packet.header.marker,
            sequence: packet.header.sequence_number,
            timestamp: packet.header.timestamp,
            ssrc: packet.header.ssrc,
            payload: packet.payload,
        };
        track.ssrc = rtp.ssrc;
        track.assembler.push(rtp, false, now);
        self.assembled(now);
    }

    fn assembled(&mut self, now: Instant) {
        let Role::Publisher { hub, tracks } = &mut self.role else {
            return;
        };
        for track in tracks {
            while let Some(frame) = track.assembler.poll(now) {
                if frame.after_loss && track.codec.kind() == Kind::Video {
                    hub.request_key(now);
                }
                hub.push(Input {
                    codec: track.codec,
                    key: frame.key,
                    timestamp: frame.timestamp,
                    packets: frame.packets,
                    after_loss: frame.after_loss || frame.restarted,
                    catch_up: false,
                });
            }
        }
    }

    /// Asks the publisher's browser for a key frame.
    pub(super) fn request_key(&mut self, now: Instant) {
        let Role::Publisher { tracks, .. } = &self.role else {
            return;
        };
        let video = tracks
            .iter()
            .find(|track| track.codec.kind() == Kind::Video);
        let Some((receiver, media_ssrc)) = video.map(|track| (track.receiver, track.ssrc)) else {
            return;
        };
        if let Some(mut receiver) = self.connection.rtp_receiver(receiver) {
            let request = PictureLossIndication {
                sender_ssrc: 0,
                media_ssrc,
            };
            if let Err(error) = receiver.write_rtcp(now, vec![Box::new(request)]) {
                tracing::debug!(%error, "a key frame could not be asked for");
            }
        }
    }

    fn picture_lost(&mut self, now: Instant) {
        let Role::Viewer {
            hub,
            tracks,
            burst_at,
            ..
        } = &mut self.role
        else {
            return;
        };
        if hub.makes_keys() {
            hub.request_key(now);
            return;
        }
        // A camera makes no key frame on demand, but its last one is at hand.
        let recently =
            burst_at.is_some_and(|at| now.saturating_duration_since(at) < REPEAT_INTERVAL);
        let frames = hub.cache();
        if recently || frames.is_empty() || !self.connected {
            return;
        }
        for track in tracks.iter_mut().filter(|track| track.kind == Kind::Video) {
            track.forward.rewind();
        }
        self.burst(&frames, now);
    }

    /// Sends cached frames at once.
    pub(super) fn burst(&mut self, frames: &[Arc<Frame>], now: Instant) {
        if let Role::Viewer { burst_at, .. } = &mut self.role {
            *burst_at = (!frames.is_empty()).then_some(now);
        }
        for frame in frames {
            self.forward(frame, now);
        }
    }

    /// Sends a viewer one frame, or asks for what it needs first.
    pub(super) fn forward(&mut self, frame: &Frame, now: Instant) {
        let Role::Viewer { hub, tracks, .. } = &mut self.role else {
            return;
        };
        let kind = frame.codec.kind();
        let Some(track) = tracks.iter_mut().find(|track| track.kind == kind) else {
            return;
        };
        let (mut sequence, timestamp) = match track.forward.frame(frame, now) {
            Decision::Skip => return,
            Decision::NeedKey => return hub.request_key(now),
            Decision::Send {
                sequence,
                timestamp,
            } => (sequence, timestamp),
        };
        let Some(mut sender) = self.connection.rtp_sender(track.sender) else {
            return;
        };
        for packet in &frame.packets {
            let header = rtc::rtp::Header {
                version: 2,
                marker: packet.marker,
                payload_type: track.payload_type,
                sequence_number: sequence,
                timestamp,
                ssrc: track.ssrc,
                ..rtc::rtp::Header::default()
            };
            let payload = packet.payload.clone();
            sequence = sequence.wrapping_add(1);
            if let Err(error) = sender.write_rtp(now, rtc::rtp::Packet { header, payload }) {
                tracing::debug!(%error, "a packet could not be sent to a viewer");
            }
        }
        let (packets, bytes) = (frame.packets.len() as u64, frame.bytes() as u64);
        hub.packets_out.fetch_add(packets, Ordering::Relaxed);
        hub.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn close(&mut self, socket: &mut Socket) {
        if let Err(error) = self.connection.close() {
            tracing::debug!(%error, "a peer did not close cleanly");
        }
        self.send(socket);
    }
}
