//! Server peers: answering an offer with the settings that every peer of ours has.
//!
//! ICE-lite, no mDNS, DTLS passive and AES-128-GCM: each was measured to matter (time to
//! connect, CPU per packet). Header extensions are not forwarded, so none is negotiated but the
//! one a publisher's congestion control needs.

mod feedback;

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rtc::crypto::SignatureScheme;
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::{Registry, Slot};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::certificate::{CertificateParams, RTCCertificate};
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::interceptor_registry::{
    configure_nack, configure_rtcp_reports, configure_twcc_receiver_only,
};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::{
    CandidateConfig, CandidateHostConfig, RTCDtlsRole, RTCIceCandidate,
};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::RTCRtpSenderId;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
    RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::shared::error::Error;

use self::feedback::DeliverFeedback;
use crate::api::MediaError;
use crate::forward::Forward;
use crate::frame::{Codec, Kind};
use crate::hub::Tracks;
use crate::sdp::Offer;

/// A peer that stopped answering connectivity checks is given up after this and as long again.
const ICE_PATIENCE: Duration = Duration::from_secs(6);
/// The last slot of the chain, beyond all of the library's own.
const FEEDBACK_SLOT: usize = 60_000;
/// Profiles offered by browsers; the source's own may differ, decoders do not mind.
const H264_PROFILES: [&str; 4] = ["42e01f", "42001f", "4d001f", "64001f"];

/// Random values of one peer, drawn by the caller.
#[derive(Debug, Clone)]
pub(crate) struct Seed {
    pub(crate) ufrag: String,
    pub(crate) password: String,
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
}

/// A track sent to a viewer.
pub(crate) struct OutTrack {
    pub(crate) kind: Kind,
    pub(crate) sender: RTCRtpSenderId,
    pub(crate) payload_type: u8,
    pub(crate) ssrc: u32,
    pub(crate) forward: Forward,
}

/// An answered offer.
pub(crate) struct Answered {
    pub(crate) connection: RTCPeerConnection,
    pub(crate) ufrag: String,
    pub(crate) sdp: String,
    pub(crate) tracks: Vec<OutTrack>,
}

/// The engine's DTLS identity, shared by all its peers: making one costs more than all the rest
/// of an answer.
#[derive(Clone)]
pub(crate) struct Identity(RTCCertificate);

impl Identity {
    pub(crate) fn new() -> Option<Self> {
        let provider = rtc::crypto::default_provider().ok()?;
        let params = CertificateParams::new(vec!["dutyroom".to_owned()]).ok()?;
        let scheme = SignatureScheme::EcdsaP256Sha256;
        let certificate = RTCCertificate::generate(provider.crypto(), scheme, params);
        certificate.ok().map(Self)
    }
}

/// All that an answer is made from; made twice, it gives the same answer.
#[derive(Clone)]
pub(crate) struct Recipe {
    pub(crate) offer: String,
    pub(crate) candidates: Vec<SocketAddr>,
    pub(crate) seed: Seed,
    pub(crate) identity: Identity,
    purpose: Purpose,
}

#[derive(Clone)]
enum Purpose {
    /// Send these, video of this codec if any.
    View {
        sent: Vec<Codec>,
        video: Codec,
    },
    Publish,
}

/// How SRTP packets are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cipher {
    /// AES-128-GCM, the cheaper one.
    Gcm,
    /// AES-128-CM with HMAC-SHA1, for clients that know nothing else.
    Cm,
}

impl Recipe {
    /// For a viewer that shall be sent these tracks, as far as its offer wants them.
    pub(crate) fn view(
        offer_sdp: String,
        tracks: Tracks,
        candidates: &[SocketAddr],
        seed: Seed,
        identity: &Identity,
    ) -> Result<Self, MediaError> {
        let offer = Offer::parse(&offer_sdp).ok_or(MediaError::BadOffer)?;
        let sent: Vec<Codec> = [tracks.video, tracks.audio]
            .into_iter()
            .flatten()
            .filter(|codec| offer.wants(codec.kind()))
            .collect();
        if sent.iter().any(|codec| !offer.can_receive(*codec)) || sent.is_empty() {
            return Err(MediaError::CodecUnsupported);
        }
        // A kind the source lacks keeps a codec too: a first section without any would be
        // rejected and take the candidates with it.
        let purpose = Purpose::View {
            sent,
            video: tracks.video.unwrap_or(Codec::Vp8),
        };
        let (candidates, identity) = (candidates.to_vec(), identity.clone());
        Ok(Self {
            offer: offer_sdp,
            candidates,
            seed,
            identity,
            purpose,
        })
    }

    /// For a publisher of Opus, VP8 or both. VP8 because every browser sends and shows it, so a
    /// consultation never depends on two browsers sharing an H.264 build.
    pub(crate) fn publish(
        offer_sdp: String,
        candidates: &[SocketAddr],
        seed: Seed,
        identity: &Identity,
    ) -> Result<(Self, Tracks), MediaError> {
        let offer = Offer::parse(&offer_sdp).ok_or(MediaError::BadOffer)?;
        let tracks = Tracks {
            video: Some(Codec::Vp8).filter(|codec| offer.can_send(*codec)),
            audio: Some(Codec::Opus).filter(|codec| offer.can_send(*codec)),
        };
        if tracks == Tracks::default() {
            return Err(MediaError::CodecUnsupported);
        }
        let (candidates, identity) = (candidates.to_vec(), identity.clone());
        let purpose = Purpose::Publish;
        Ok((
            Self {
                offer: offer_sdp,
                candidates,
                seed,
                identity,
                purpose,
            },
            tracks,
        ))
    }

    /// Makes the peer and its answer.
    pub(crate) fn answer(&self, cipher: Cipher, now: Instant) -> Result<Answered, MediaError> {
        contained(|| {
            let (sent, video): (&[Codec], Codec) = match &self.purpose {
                Purpose::View { sent, video } => (sent, *video),
                Purpose::Publish => (&[], Codec::Vp8),
            };
            let mut connection = build(self, video, cipher, now)?;
            let mut senders = Vec::new();
            for (at, codec) in sent.iter().enumerate() {
                let ssrc = self.seed.ssrc.wrapping_add(u32::try_from(at).unwrap_or(0));
                senders.push((
                    *codec,
                    ssrc,
                    connection.add_track(local_track(*codec, ssrc))?,
                ));
            }
            let sdp = negotiate(&mut connection, &self.offer, &self.candidates, now)?;
            let mut tracks = Vec::new();
            for (codec, ssrc, sender) in senders {
                let payload_type = payload_type(&mut connection, sender, codec)
                    .ok_or(Error::ErrRTPTransceiverCodecUnsupported)?;
                let forward = Forward::new(self.seed.sequence, self.seed.timestamp);
                tracks.push(OutTrack {
                    kind: codec.kind(),
                    sender,
                    payload_type,
                    ssrc,
                    forward,
                });
            }
            Ok(Answered {
                connection,
                ufrag: self.seed.ufrag.clone(),
                sdp,
                tracks,
            })
        })
    }
}

/// Runs library code over remote input: an error and a panic alike mean an unusable offer.
fn contained<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, MediaError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::debug!(%error, "an offer could not be answered");
            Err(MediaError::BadOffer)
        }
        Err(_) => {
            tracing::error!("the peer library panicked over an offer");
            Err(MediaError::BadOffer)
        }
    }
}

fn build(
    recipe: &Recipe,
    video: Codec,
    cipher: Cipher,
    now: Instant,
) -> Result<RTCPeerConnection, Error> {
    let mut media = MediaEngine::default();
    for codec in [video, Codec::Opus] {
        register(&mut media, codec)?;
    }
    let mut registry = configure_rtcp_reports(configure_nack(Registry::new(), &mut media));
    if matches!(recipe.purpose, Purpose::Publish) {
        registry = configure_twcc_receiver_only(registry, &mut media)?;
    }
    let registry = registry.with(Slot::from(FEEDBACK_SLOT), DeliverFeedback::default());
    let seed = &recipe.seed;
    let settings = SettingEngineBuilder::new()
        .with_lite(true)
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_answering_dtls_role(RTCDtlsRole::Server)
        .with_include_loopback_candidate(true)
        .with_ice_credentials(seed.ufrag.clone(), seed.password.clone())
        .with_ice_timeouts(Some(ICE_PATIENCE), Some(ICE_PATIENCE), None)
        .with_srtp_protection_profiles(vec![match cipher {
            Cipher::Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            Cipher::Cm => SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        }])
        .build();
    let certificates = vec![recipe.identity.0.clone()];
    RTCPeerConnectionBuilder::new()
        .with_configuration(
            RTCConfigurationBuilder::new()
                .with_certificates(certificates)
                .build(),
        )
        .with_setting_engine(settings)
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .build(now)
}

fn negotiate(
    connection: &mut RTCPeerConnection,
    offer: &str,
    candidates: &[SocketAddr],
    now: Instant,
) -> Result<String, Error> {
    connection.set_remote_description(now, RTCSessionDescription::offer(offer.to_owned())?)?;
    for address in candidates {
        let candidate = CandidateHostConfig {
            base_config: CandidateConfig {
                network: "udp".to_owned(),
                address: address.ip().to_string(),
                port: address.port(),
                component: 1,
                ..CandidateConfig::default()
            },
            ..CandidateHostConfig::default()
        }
        .new_candidate_host()?;
        connection.add_local_candidate(RTCIceCandidate::from(&candidate).to_json()?)?;
    }
    let answer = connection.create_answer(None)?;
    connection.set_local_description(now, answer)?;
    let description = connection
        .local_description()
        .ok_or(Error::ErrNoRemoteDescription)?;
    Ok(description.sdp)
}

fn local_track(codec: Codec, ssrc: u32) -> MediaStreamTrack {
    let (kind, label) = match codec.kind() {
        Kind::Audio => (RtpCodecKind::Audio, "audio"),
        Kind::Video => (RtpCodecKind::Video, "video"),
    };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            ..RTCRtpCodingParameters::default()
        },
        codec: parameters(codec, H264_PROFILES[0]),
        ..RTCRtpEncodingParameters::default()
    };
    MediaStreamTrack::new(
        "source".into(),
        label.into(),
        label.into(),
        kind,
        vec![encoding],
    )
}

/// The negotiated payload type; H.264 may be listed in several, any with mode 1 will do.
fn payload_type(
    connection: &mut RTCPeerConnection,
    sender: RTCRtpSenderId,
    codec: Codec,
) -> Option<u8> {
    let mime = mime(codec);
    let mut sender = connection.rtp_sender(sender)?;
    let codecs = &sender.get_parameters().rtp_parameters.codecs;
    codecs
        .iter()
        .find(|entry| {
            let fmtp = &entry.rtp_codec.sdp_fmtp_line;
            entry.rtp_codec.mime_type.eq_ignore_ascii_case(mime)
                && (codec != Codec::H264 || fmtp.contains("packetization-mode=1"))
        })
        .map(|entry| entry.payload_type)
}

fn mime(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "video/H264",
        Codec::H265 => "video/H265",
        Codec::Vp8 => "video/VP8",
        Codec::Opus => "audio/opus",
    }
}

fn parameters(codec: Codec, profile: &str) -> RTCRtpCodec {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback {
        typ: typ.to_owned(),
        parameter: parameter.to_owned(),
    };
    let (fmtp, rtcp_feedback) = match codec {
        Codec::Opus => ("minptime=10;useinbandfec=1".to_owned(), Vec::new()),
        Codec::H264 | Codec::H265 | Codec::Vp8 => {
            let fmtp = if codec == Codec::H264 {
                format!("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}")
            } else {
                String::new()
            };
            (
                fmtp,
                vec![
                    feedback("ccm", "fir"),
                    feedback("nack", ""),
                    feedback("nack", "pli"),
                ],
            )
        }
    };
    RTCRtpCodec {
        mime_type: mime(codec).to_owned(),
        clock_rate: codec.clock(),
        channels: if codec == Codec::Opus { 2 } else { 0 },
        sdp_fmtp_line: fmtp,
        rtcp_feedback,
    }
}

fn register(media: &mut MediaEngine, codec: Codec) -> Result<(), Error> {
    let kind = match codec.kind() {
        Kind::Audio => RtpCodecKind::Audio,
        Kind::Video => RtpCodecKind::Video,
    };
    let profiles: &[&str] = if codec == Codec::H264 {
        &H264_PROFILES
    } else {
        &[""]
    };
    let first_payload_type = match codec {
        Codec::Opus => 111,
        Codec::Vp8 => 96,
        Codec::H264 => 102,
        Codec::H265 => 126,
    };
    for (payload_type, profile) in (first_payload_type..).zip(profiles) {
        let rtp_codec = parameters(codec, profile);
        media.register_codec(
            RTCRtpCodecParameters {
                rtp_codec,
                payload_type,
            },
            kind,
        )?;
    }
    Ok(())
}
