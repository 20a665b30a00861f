//! Sources between sites, over in-process pipes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use media::{
    AdmissionRequest, Engine, EngineConfig, Layer, MediaError, PacketPair, PeerSite, Reason,
    SourceRef, SourceState,
};
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use tokio::sync::{mpsc, watch};

use crate::camera::{Camera, Script};
use crate::eventually;
use crate::native::{OPUS, Publisher, Viewer};
use crate::watching::{GATE, PERSON, gate, has_key, numbers_are_continuous, site};

const HUB: PeerSite = [1; 8];
const EAST: PeerSite = [2; 8];
const WEST: PeerSite = [3; 8];

/// A link between two engines; dropping it cuts the link.
struct Line {
    pumps: Vec<tokio::task::JoinHandle<()>>,
    largest: Arc<AtomicUsize>,
    _size: watch::Sender<usize>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.pumps.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl Line {
    fn join(a: (&Engine, PeerSite), b: (&Engine, PeerSite), datagram: usize) -> Self {
        let size = watch::Sender::new(datagram);
        let largest = Arc::<AtomicUsize>::default();
        let mut pumps = Vec::new();
        let mut pipe = |counted: bool| {
            let (enter, mut middle) = mpsc::channel::<Bytes>(64);
            let (leave, exit) = mpsc::channel::<Bytes>(1_024);
            let largest = Arc::clone(&largest);
            pumps.push(tokio::spawn(async move {
                while let Some(bytes) = middle.recv().await {
                    if counted {
                        largest.fetch_max(bytes.len(), Ordering::Relaxed);
                    }
                    if leave.send(bytes).await.is_err() {
                        return;
                    }
                }
            }));
            (enter, exit)
        };
        let (data_a, data_b) = (pipe(true), pipe(true));
        let (control_a, control_b) = (pipe(false), pipe(false));
        let pair = |datagrams_out, datagrams_in, control_out, control_in| PacketPair {
            datagrams_out,
            datagrams_in,
            control_out,
            control_in,
            max_datagram: size.subscribe(),
        };
        a.0.attach_link(b.1, pair(data_a.0, data_b.1, control_a.0, control_b.1));
        b.0.attach_link(a.1, pair(data_b.0, data_a.1, control_b.0, control_a.1));
        Self {
            pumps,
            largest,
            _size: size,
        }
    }
}

fn admit_all(engine: &Engine) {
    engine.set_admission(Arc::new(|_: &AdmissionRequest| true));
}

fn west_gate() -> SourceRef {
    SourceRef::Remote {
        site: WEST,
        source: GATE,
    }
}

async fn remote_is(engine: &Engine, wanted: (SourceState, Option<Reason>)) {
    eventually(&format!("the remote source is {wanted:?}"), || async {
        let remotes = engine.remotes();
        let states: Vec<_> = remotes
            .iter()
            .map(|remote| (remote.state, remote.reason))
            .collect();
        if states == [wanted] {
            Ok(())
        } else {
            Err(format!("{states:?}"))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_crosses_each_link_once_however_many_watch_beyond() {
    let camera = Camera::start(Script::default()).await;
    let (hub, east, west) = (site(1), site(2), site(3));
    west.set_cameras(vec![gate(&camera)]);
    admit_all(&hub);
    admit_all(&west);
    let _east_line = Line::join((&east, EAST), (&hub, HUB), 1_162);
    let _west_line = Line::join((&west, WEST), (&hub, HUB), 1_162);
    east.set_routes(HashMap::from([(WEST, HUB)]));

    let first = Viewer::video(&east, west_gate(), "li").await;
    let packets = first
        .receives("pictures", |packets| packets.len() > 60 && has_key(packets))
        .await;
    numbers_are_continuous(&packets);
    let second = Viewer::video(&east, west_gate(), "wang").await;
    second
        .receives("pictures", |packets| packets.len() > 30 && has_key(packets))
        .await;
    let third = Viewer::video(&hub, west_gate(), "zhao").await;
    third
        .receives("pictures", |packets| packets.len() > 30 && has_key(packets))
        .await;

    assert_eq!(camera.sessions(), 1);
    assert_eq!(west.stats().sources[&(GATE, Layer::Main)].pulls, 1);
    for (engine, neighbour) in [(&west, HUB), (&hub, WEST), (&hub, EAST), (&east, HUB)] {
        let stats = engine.stats().links[&(neighbour, GATE, Layer::Main)];
        assert_eq!(stats.subscriptions, 1, "{stats:?}");
    }
    let one_copy = west.stats().links[&(HUB, GATE, Layer::Main)];
    let frames = west.stats().sources[&(GATE, Layer::Main)].frames_in;
    assert!(
        one_copy.packets_out <= frames * 9 + 200,
        "{one_copy:?} for {frames} frames"
    );
    eventually("the owner counts everybody", || async {
        let viewers = west.cameras()[0].viewers;
        if viewers == 3 {
            Ok(())
        } else {
            Err(format!("{viewers}"))
        }
    })
    .await;

    for (engine, viewer) in [(&east, &first), (&east, &second), (&hub, &third)] {
        assert!(engine.close(viewer.session));
    }
    eventually("nobody is subscribed", || async {
        let open: usize = [&west, &hub, &east]
            .iter()
            .flat_map(|engine| engine.stats().links.into_values())
            .map(|stats| stats.subscriptions)
            .sum();
        if open == 0 {
            Ok(())
        } else {
            Err(format!("{open} subscriptions"))
        }
    })
    .await;
    assert_eq!(west.cameras()[0].viewers, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_another_site_is_seen_and_heard_through_small_datagrams() {
    let (hub, west) = (site(1), site(3));
    admit_all(&west);
    let line = Line::join((&hub, HUB), (&west, WEST), 700);
    let publisher = Publisher::publish(&west, PERSON, true).await;
    publisher.is_connected().await;
    let source = SourceRef::Remote {
        site: WEST,
        source: PERSON,
    };
    let kinds = [RtpCodecKind::Video, RtpCodecKind::Audio];
    let viewer = Viewer::watch(&hub, source, "li", &kinds)
        .await
        .expect("watched");
    let packets = viewer
        .receives("sound and a key frame", |packets| {
            let sound = packets
                .iter()
                .filter(|p| p.header.payload_type == OPUS)
                .count();
            let mut video = packets.iter().filter(|p| p.header.payload_type != OPUS);
            let key = video.any(|p| media::frame::vp8_starts_key(&p.payload));
            sound > 10 && packets.len() - sound > 20 && key
        })
        .await;
    assert!(
        packets.iter().any(|packet| packet.payload.len() > 1_000),
        "key frames are whole"
    );
    let largest = line.largest.load(Ordering::Relaxed);
    assert!(largest > 0 && largest <= 700, "{largest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_and_the_hop_may_each_refuse() {
    let camera = Camera::start(Script::default()).await;
    let (hub, east, west) = (site(1), site(2), site(3));
    west.set_cameras(vec![gate(&camera)]);
    let _east_line = Line::join((&east, EAST), (&hub, HUB), 1_162);
    let _west_line = Line::join((&west, WEST), (&hub, HUB), 1_162);
    east.set_routes(HashMap::from([(WEST, HUB)]));
    let kinds = [RtpCodecKind::Video];
    let refused = |engine: Engine| async move {
        Viewer::watch(&engine, west_gate(), "li", &kinds)
            .await
            .err()
    };
    assert_eq!(
        refused(east.clone()).await,
        Some(MediaError::NotAdmitted),
        "no rule, no picture"
    );
    hub.set_admission(Arc::new(|request: &AdmissionRequest| {
        request.asking == EAST
    }));
    west.set_admission(Arc::new(|request: &AdmissionRequest| {
        assert_eq!((request.owner, request.source), (WEST, GATE));
        request.viewers.iter().all(|viewer| viewer != "li")
    }));
    assert_eq!(
        refused(east.clone()).await,
        Some(MediaError::NotAdmitted),
        "the owner refuses li"
    );
    let wang = Viewer::watch(&east, west_gate(), "wang", &kinds)
        .await
        .expect("admitted");
    wang.receives("pictures", has_key).await;
    let unknown = SourceRef::Remote {
        site: WEST,
        source: PERSON,
    };
    let nobody = Viewer::watch(&hub, unknown, "wang", &kinds).await.err();
    assert!(nobody.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_stay_through_a_cut_link_and_go_on_when_it_is_back() {
    let camera = Camera::start(Script::default()).await;
    let (hub, west) = (site(1), site(3));
    west.set_cameras(vec![gate(&camera)]);
    admit_all(&west);
    let line = Line::join((&hub, HUB), (&west, WEST), 1_162);
    let viewer = Viewer::video(&hub, west_gate(), "li").await;
    viewer.receives("pictures", has_key).await;
    remote_is(&hub, (SourceState::Playing, None)).await;
    drop(line);
    remote_is(
        &hub,
        (SourceState::Unreachable, Some(Reason::SiteUnreachable)),
    )
    .await;
    let kinds = [RtpCodecKind::Video];
    let late = Viewer::watch(&hub, west_gate(), "wang", &kinds).await.err();
    assert_eq!(late, Some(MediaError::SiteUnreachable));
    let before = viewer.packets().len();
    let _line = Line::join((&hub, HUB), (&west, WEST), 1_162);
    let packets = viewer
        .receives("pictures again", |p| {
            p.len() > before + 30 && has_key(&p[before..])
        })
        .await;
    numbers_are_continuous(&packets);
    remote_is(&hub, (SourceState::Playing, None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_way_there_the_site_is_unreachable() {
    let engine = Engine::start(EngineConfig::loopback(HUB)).expect("sockets on loopback");
    let kinds = [RtpCodecKind::Video];
    let refused = Viewer::watch(&engine, west_gate(), "li", &kinds)
        .await
        .err();
    assert_eq!(refused, Some(MediaError::SiteUnreachable));
    eventually("it is forgotten", || async {
        if engine.remotes().is_empty() {
            Ok(())
        } else {
            Err("still kept".into())
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_that_sends_garbage_loses_its_link_and_nothing_else() {
    let engine = site(1);
    admit_all(&engine);
    let (datagrams, datagrams_in) = mpsc::channel(8);
    let (control, control_in) = mpsc::channel(8);
    let (datagrams_out, _datagrams_seen) = mpsc::channel(8);
    let (control_out, _control_seen) = mpsc::channel(8);
    let (_size, max_datagram) = watch::channel(1_162);
    engine.attach_link(
        WEST,
        PacketPair {
            datagrams_out,
            datagrams_in,
            control_out,
            control_in,
            max_datagram,
        },
    );
    datagrams
        .send(Bytes::from_static(&[0xff; 40]))
        .await
        .expect("open");
    control
        .send(Bytes::from_static(&[0xff; 40]))
        .await
        .expect("open");
    control.closed().await;
    let kinds = [RtpCodecKind::Video];
    let refused = Viewer::watch(&engine, west_gate(), "li", &kinds)
        .await
        .err();
    assert_eq!(refused, Some(MediaError::SiteUnreachable));
}
