//! What an SDP offer asks for, read before the peer library sees it. Tolerant and pure: the
//! library does the real parsing; this only decides which tracks and codecs to answer with.

use crate::frame::{Codec, Kind};

/// Most media sections an offer may have.
pub const MAX_SECTIONS: usize = 8;

/// One `m=` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Audio or video.
    pub kind: Kind,
    /// The offerer can receive.
    pub receives: bool,
    /// The offerer can send.
    pub sends: bool,
    /// Codecs this engine forwards, in the offer's order.
    pub codecs: Vec<Codec>,
}

/// An offer, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its sections in order.
    pub sections: Vec<Section>,
}

impl Offer {
    /// Reads an offer. `None` when it is longer than allowed, has no audio or video section, too
    /// many, or one of another kind (data channels are not served).
    pub fn parse(sdp: &str) -> Option<Self> {
        if sdp.len() > crate::api::MAX_OFFER || !sdp.starts_with("v=0") {
            return None;
        }
        let mut sections: Vec<Section> = Vec::new();
        let mut formats: Vec<Format> = Vec::new();
        let mut default_direction = (true, true);
        for line in sdp.lines() {
            if let Some(media) = line.strip_prefix("m=") {
                close_section(&mut sections, &mut formats);
                if sections.len() == MAX_SECTIONS {
                    return None;
                }
                let kind = match media.split(' ').next() {
                    Some("audio") => Kind::Audio,
                    Some("video") => Kind::Video,
                    _ => return None,
                };
                let (receives, sends) = default_direction;
                sections.push(Section {
                    kind,
                    receives,
                    sends,
                    codecs: Vec::new(),
                });
            } else if let Some(attribute) = line.strip_prefix("a=") {
                let direction = match attribute.trim_end() {
                    "sendrecv" => Some((true, true)),
                    "sendonly" => Some((false, true)),
                    "recvonly" => Some((true, false)),
                    "inactive" => Some((false, false)),
                    _ => None,
                };
                match (direction, sections.last_mut()) {
                    (Some((receives, sends)), Some(section)) => {
                        section.receives = receives;
                        section.sends = sends;
                    }
                    (Some(direction), None) => default_direction = direction,
                    (None, Some(_)) => read_format(attribute, &mut formats),
                    (None, None) => {}
                }
            }
        }
        close_section(&mut sections, &mut formats);
        (!sections.is_empty()).then_some(Self { sections })
    }

    /// Whether the offerer can receive this codec.
    pub fn can_receive(&self, codec: Codec) -> bool {
        self.sections
            .iter()
            .any(|section| section.receives && section.codecs.contains(&codec))
    }

    /// Whether the offerer can send this codec.
    pub fn can_send(&self, codec: Codec) -> bool {
        self.sections
            .iter()
            .any(|section| section.sends && section.codecs.contains(&codec))
    }

    /// Whether the offerer wants to receive this kind at all.
    pub fn wants(&self, kind: Kind) -> bool {
        self.sections
            .iter()
            .any(|section| section.receives && section.kind == kind)
    }
}

#[derive(Debug)]
struct Format {
    payload_type: u8,
    codec: Option<Codec>,
    packetization_mode_1: bool,
}

/// Formats of one section kept at most; a payload type has 7 bits.
const MAX_FORMATS: usize = 128;

fn read_format(attribute: &str, formats: &mut Vec<Format>) {
    let Some((name, value)) = attribute.split_once(':') else {
        return;
    };
    let Some((payload_type, rest)) = value.split_once(' ') else {
        return;
    };
    let Ok(payload_type) = payload_type.parse::<u8>() else {
        return;
    };
    match name {
        "rtpmap" if formats.len() < MAX_FORMATS => {
            let codec = rest.split('/').next().and_then(Codec::from_name);
            formats.push(Format {
                payload_type,
                codec,
                packetization_mode_1: false,
            });
        }
        "fmtp" => {
            let mode_1 = rest
                .split(';')
                .any(|part| part.trim() == "packetization-mode=1");
            for format in formats
                .iter_mut()
                .filter(|format| format.payload_type == payload_type)
            {
                format.packetization_mode_1 |= mode_1;
            }
        }
        _ => {}
    }
}

fn close_section(sections: &mut [Section], formats: &mut Vec<Format>) {
    let Some(section) = sections.last_mut() else {
        return;
    };
    for format in formats.drain(..) {
        let Some(codec) = format.codec.filter(|codec| codec.kind() == section.kind) else {
            continue;
        };
        let usable = codec != Codec::H264 || format.packetization_mode_1;
        if usable && !section.codecs.contains(&codec) {
            section.codecs.push(codec);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OFFER: &str = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 102 127\r\na=recvonly\r\n\
        a=rtpmap:96 VP8/90000\r\na=rtpmap:102 H264/90000\r\n\
        a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n\
        a=rtpmap:127 H264/90000\r\na=fmtp:127 packetization-mode=0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\n";

    #[test]
    fn the_codecs_of_each_section_are_found() {
        let offer = Offer::parse(OFFER).expect("usable");
        assert_eq!(offer.sections[0].codecs, vec![Codec::Vp8, Codec::H264]);
        assert!(offer.can_receive(Codec::H264) && !offer.can_send(Codec::H264));
        assert!(offer.can_send(Codec::Opus) && !offer.wants(Kind::Audio));
    }

    #[test]
    fn h264_without_packetization_mode_1_does_not_count() {
        let offer = OFFER.replace("packetization-mode=1", "packetization-mode=0");
        assert!(
            !Offer::parse(&offer)
                .expect("usable")
                .can_receive(Codec::H264)
        );
    }

    #[test]
    fn data_channels_and_overlong_offers_are_refused() {
        assert_eq!(
            Offer::parse("v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"),
            None
        );
        assert_eq!(
            Offer::parse(&format!("{OFFER}{}", "a=x\r\n".repeat(20_000))),
            None
        );
        assert_eq!(Offer::parse("v=0\r\n"), None);
        assert_eq!(
            Offer::parse(&format!("v=0\r\n{}", "m=audio 9 X 0\r\n".repeat(9))),
            None
        );
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(v=0\r\n)?([a-z]=[ -~]{0,30}(:|/)[ -~]{0,20}\r\n){0,20}") {
            let _ = Offer::parse(&text);
        }
    }
}
