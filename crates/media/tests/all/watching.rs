//! Cameras and viewers of one site.

use media::{
    CameraConfig, Engine, EngineConfig, Layer, MediaError, MediaEvent, Reason, SourceId, SourceRef,
    SourceState, WatchRequest, h264,
};
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;

use crate::camera::{Camera, Script};
use crate::native::{OPUS, Publisher, Viewer};
use crate::{event, eventually};

pub(crate) const GATE: SourceId = [7; 16];
pub(crate) const PERSON: SourceId = [8; 16];

pub(crate) fn site(number: u8) -> Engine {
    let config = EngineConfig {
        camera_networks: vec!["127.0.0.1/32".parse().expect("a network")],
        ..EngineConfig::loopback([number; 8])
    };
    Engine::start(config).expect("sockets on loopback")
}

pub(crate) fn gate(camera: &Camera) -> CameraConfig {
    CameraConfig {
        id: GATE,
        main: camera.url(),
        sub: None,
        username: String::new(),
        password: String::new(),
    }
}

pub(crate) fn numbers_are_continuous(packets: &[Packet]) {
    let mut sequences: Vec<u16> = packets.iter().map(|p| p.header.sequence_number).collect();
    let first = sequences[0];
    sequences.sort_by_key(|sequence| sequence.wrapping_sub(first));
    for pair in sequences.windows(2) {
        assert!(
            pair[1].wrapping_sub(pair[0]) <= 1,
            "hole between {} and {}",
            pair[0],
            pair[1]
        );
    }
}

pub(crate) fn has_key(packets: &[Packet]) -> bool {
    packets
        .iter()
        .any(|packet| h264::starts_idr(&packet.payload))
}

async fn camera_is(engine: &Engine, state: SourceState) -> media::CameraStatus {
    eventually(&format!("the camera is {state:?}"), || async {
        let status = engine.cameras().into_iter().next().expect("one camera");
        if status.state == state {
            Ok(status)
        } else {
            Err(format!("{status:?}"))
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_is_pulled_once_however_many_watch_and_let_go_after_the_last() {
    let camera = Camera::start(Script::default()).await;
    let engine = site(1);
    engine.set_cameras(vec![gate(&camera)]);
    assert_eq!(camera.sessions(), 0, "nobody watches");

    let first = Viewer::video(&engine, SourceRef::Local(GATE), "li").await;
    let packets = first
        .receives("pictures", |packets| {
            packets.len() > 120 && has_key(packets)
        })
        .await;
    numbers_are_continuous(&packets);
    assert!(
        packets
            .iter()
            .all(|packet| packet.payload.len() <= h264::MAX_PAYLOAD)
    );
    let mut types = packets.iter().map(|packet| packet.payload[0] & 31);
    assert!(
        types.any(|kind| kind == 7) && types.next() == Some(8),
        "parameter sets come in-band"
    );
    assert!(first.answer.contains("a=ice-lite") && first.answer.contains("a=setup:passive"));

    let second = Viewer::video(&engine, SourceRef::Local(GATE), "wang").await;
    second.receives("pictures", has_key).await;
    assert_eq!(camera.sessions(), 1);
    let status = camera_is(&engine, SourceState::Playing).await;
    assert_eq!(
        (status.viewers, status.codec),
        (2, Some(media::frame::Codec::H264))
    );
    assert_eq!(engine.stats().sources[&(GATE, Layer::Main)].pulls, 1);

    assert!(engine.close(first.session));
    assert!(engine.close(second.session));
    camera_is(&engine, SourceState::Idle).await;
    eventually("the session ends", || async {
        if camera.playing() == 0 {
            Ok(())
        } else {
            Err("still playing".into())
        }
    })
    .await;
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_of_a_camera_with_long_groups_sees_a_picture_from_the_cache() {
    let camera = Camera::start(Script {
        group: 100,
        ..Script::default()
    })
    .await;
    let engine = site(1);
    engine.set_cameras(vec![gate(&camera)]);
    let first = Viewer::video(&engine, SourceRef::Local(GATE), "li").await;
    first.receives("pictures", has_key).await;
    // A second viewer may join just as the camera makes its next key frame; then another one
    // joins. One of the first few sees a picture older than its own arrival.
    for _ in 0..5 {
        let newest = numbers(&first.packets()).max().expect("frames came");
        let next = Viewer::video(&engine, SourceRef::Local(GATE), "wang").await;
        let packets = next.receives("a picture", has_key).await;
        let key = packets
            .iter()
            .find(|packet| h264::starts_idr(&packet.payload));
        let shown = numbers(key.map(std::slice::from_ref).expect("waited for")).next();
        if shown.expect("numbered") <= newest {
            engine.shutdown().await;
            return;
        }
    }
    panic!("every viewer had to wait for the camera's next key frame");
}

/// The numbers that the camera wrote into the frames whose first packets are here.
fn numbers(packets: &[Packet]) -> impl Iterator<Item = u32> {
    packets.iter().filter_map(|packet| {
        let text = packet.payload.get(2..16)?.strip_prefix(b"frame ")?;
        std::str::from_utf8(text).ok()?.parse().ok()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_too_old_for_aes_gcm_is_served_too() {
    let camera = Camera::start(Script::default()).await;
    let engine = site(1);
    engine.set_cameras(vec![gate(&camera)]);
    let viewer = Viewer::old(&engine, SourceRef::Local(GATE), "li").await;
    let packets = viewer.receives("pictures", has_key).await;
    numbers_are_continuous(&packets);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_stay_while_a_lost_camera_is_tried_again() {
    let camera = Camera::start(Script::default()).await;
    let engine = site(1);
    engine.set_cameras(vec![gate(&camera)]);
    let viewer = Viewer::video(&engine, SourceRef::Local(GATE), "li").await;
    viewer.receives("pictures", has_key).await;
    camera.cut();
    let status = camera_is(&engine, SourceState::Retrying).await;
    assert_eq!(status.reason, Some(Reason::StreamEnded));
    camera_is(&engine, SourceState::Playing).await;
    let before = viewer.packets().len();
    let packets = viewer
        .receives("pictures again", |p| {
            p.len() > before + 20 && has_key(&p[before..])
        })
        .await;
    numbers_are_continuous(&packets);
    assert_eq!(camera.sessions(), 2);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_outside_the_networks_is_never_contacted() {
    let camera = Camera::start(Script::default()).await;
    let engine = Engine::start(EngineConfig::loopback([1; 8])).expect("sockets on loopback");
    engine.set_cameras(vec![gate(&camera)]);
    let _viewer = Viewer::video(&engine, SourceRef::Local(GATE), "li").await;
    let status = camera_is(&engine, SourceState::Refused).await;
    assert_eq!(status.reason, Some(Reason::NotAllowedNetwork));
    assert_eq!(camera.sessions(), 0);
    let kinds = [RtpCodecKind::Video];
    let second = Viewer::watch(&engine, SourceRef::Local(GATE), "wang", &kinds).await;
    assert_eq!(
        second.err(),
        Some(MediaError::SourceUnavailable(Reason::NotAllowedNetwork))
    );
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_is_switched_off_is_told_from_one_that_hangs_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let engine = site(1);
    engine.set_cameras(vec![CameraConfig {
        id: GATE,
        main: format!("rtsp://{address}/main")
            .parse()
            .expect("an address"),
        sub: None,
        username: String::new(),
        password: String::new(),
    }]);
    let _viewer = Viewer::video(&engine, SourceRef::Local(GATE), "li").await;
    let status = camera_is(&engine, SourceState::Retrying).await;
    assert_eq!(status.reason, Some(Reason::Refused));
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_camera_refuses_is_told_with_its_reason() {
    for (script, reason) in [
        (
            Script {
                locked: true,
                ..Script::default()
            },
            Reason::WrongCredentials,
        ),
        (
            Script {
                h265: true,
                ..Script::default()
            },
            Reason::CodecUnsupported,
        ),
    ] {
        let camera = Camera::start(script).await;
        let engine = site(1);
        engine.set_cameras(vec![gate(&camera)]);
        let _viewer = Viewer::video(&engine, SourceRef::Local(GATE), "li").await;
        assert_eq!(
            camera_is(&engine, SourceState::Refused).await.reason,
            Some(reason)
        );
        engine.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_heard_and_seen_and_a_joining_viewer_gets_a_key_frame() {
    let engine = site(1);
    let mut events = engine.events();
    let publisher = Publisher::publish(&engine, PERSON, true).await;
    publisher.is_connected().await;
    event(
        &mut events,
        "a publisher with sound and pictures",
        |event| match event {
            MediaEvent::PublisherUp {
                audio: true,
                video: true,
                ..
            } => Some(()),
            _ => None,
        },
    )
    .await;
    let kinds = [RtpCodecKind::Video, RtpCodecKind::Audio];
    for name in ["li", "wang"] {
        let viewer = Viewer::watch(&engine, SourceRef::Local(PERSON), name, &kinds)
            .await
            .expect("watched");
        let sound = |p: &Packet| p.header.payload_type == OPUS;
        let packets = viewer
            .receives("sound and a key frame", |packets| {
                let video: Vec<_> = packets.iter().filter(|p| !sound(p)).collect();
                packets.iter().filter(|p| sound(p)).count() > 5
                    && video.len() > 9
                    && video
                        .iter()
                        .any(|p| media::frame::vp8_starts_key(&p.payload))
            })
            .await;
        let (sound, video): (Vec<Packet>, Vec<Packet>) = packets.into_iter().partition(sound);
        numbers_are_continuous(&sound);
        numbers_are_continuous(&video);
    }
    publisher.leave().await;
    event(&mut events, "the publisher is gone", |event| match event {
        MediaEvent::PublisherDown { source, .. } if *source == PERSON => Some(()),
        _ => None,
    })
    .await;
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_leaves_is_forgotten() {
    let camera = Camera::start(Script::default()).await;
    let engine = site(1);
    engine.set_cameras(vec![gate(&camera)]);
    let mut events = engine.events();
    let viewer = Viewer::video(&engine, SourceRef::Local(GATE), "li").await;
    let session = viewer.session;
    viewer.receives("pictures", has_key).await;
    viewer.leave().await;
    event(&mut events, "the viewer is gone", |event| match event {
        MediaEvent::ViewerDown { session: gone, .. } if *gone == session => Some(()),
        _ => None,
    })
    .await;
    assert_eq!(engine.cameras()[0].viewers, 0);
    assert!(!engine.close(session));
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_offers_and_unknown_sources_are_refused() {
    let camera = Camera::start(Script::default()).await;
    let config = EngineConfig {
        max_viewers: 1,
        ..EngineConfig::loopback([1; 8])
    };
    let engine = Engine::start(config).expect("sockets on loopback");
    engine.set_cameras(vec![gate(&camera)]);
    let watch = |source, offer: &str| {
        let viewer = "li".to_owned();
        let source = SourceRef::Local(source);
        engine.watch(WatchRequest {
            source,
            viewer,
            layer: Layer::Main,
            offer: offer.to_owned(),
        })
    };
    assert_eq!(
        watch(PERSON, "v=0").await.err(),
        Some(MediaError::UnknownSource)
    );
    assert_eq!(
        watch(GATE, "nonsense").await.err(),
        Some(MediaError::BadOffer)
    );
    assert_eq!(
        watch(GATE, &"v".repeat(70_000)).await.err(),
        Some(MediaError::BadOffer)
    );
    let only_vp8 =
        "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\na=recvonly\r\n";
    assert_eq!(
        watch(GATE, only_vp8).await.err(),
        Some(MediaError::CodecUnsupported)
    );
    let viewer = Viewer::video(&engine, SourceRef::Local(GATE), "li").await;
    let kinds = [RtpCodecKind::Video];
    let second = Viewer::watch(&engine, SourceRef::Local(GATE), "wang", &kinds).await;
    assert_eq!(second.err(), Some(MediaError::ViewerLimit));
    assert!(engine.close(viewer.session));
    engine.shutdown().await;
}
