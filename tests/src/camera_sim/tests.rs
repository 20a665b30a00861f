//! The cameras as `retina`, the product's own RTSP client, sees them.

use super::*;
use futures::StreamExt as _;
use openh264::decoder::Decoder;
use openh264::formats::YUVSource as _;
use retina::client::{Demuxed, PlayOptions, Session, SessionOptions, SetupOptions};
use retina::codec::{CodecItem, FrameFormat, VideoFrame};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn start(faults: &[(&str, Fault)], credentials: Option<Credentials>) -> CameraSim {
    let faults = faults
        .iter()
        .map(|(path, fault)| ((*path).to_owned(), *fault));
    let options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        credentials,
        faults: faults.collect(),
    };
    CameraSim::start(options)
        .await
        .expect("loopback has free ports")
}

async fn play(
    sim: &CameraSim,
    path: &str,
    options: SessionOptions,
) -> Result<Demuxed, retina::Error> {
    let url = sim.rtsp(path).parse().expect("an RTSP URL");
    let mut session = Session::describe(url, options).await?;
    // Annex B start codes and in-band parameter sets are what the decoder takes.
    let setup = SetupOptions::default().frame_format(FrameFormat::SIMPLE);
    session.setup(0, setup).await?;
    session.play(PlayOptions::default()).await?.demuxed()
}

async fn next_picture(session: &mut Demuxed) -> VideoFrame {
    loop {
        match session
            .next()
            .await
            .expect("the stream goes on")
            .expect("no error in the stream")
        {
            CodecItem::VideoFrame(frame) => return frame,
            _ => continue,
        }
    }
}

/// Waits until the status document satisfies `is`.
async fn until(sim: &CameraSim, is: impl Fn(&serde_json::Value) -> bool) {
    let waiting = async {
        while !is(&sim.status()) {
            tokio::task::yield_now().await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(done.is_ok(), "last status: {}", sim.status());
}

#[tokio::test]
async fn every_stream_decodes_and_its_burnt_in_clock_runs() {
    let sim = start(&[], None).await;
    for spec in &CAMERAS {
        let mut session = play(&sim, spec.path, SessionOptions::default())
            .await
            .expect("plays");
        let mut decoder = Decoder::new().expect("a decoder");
        let mut clocks = Vec::new();
        while clocks.len() < 3 {
            let frame = next_picture(&mut session).await;
            if clocks.is_empty() && !frame.is_random_access_point() {
                continue;
            }
            let Some(picture) = decoder.decode(frame.data()).expect("valid H.264") else {
                continue;
            };
            let (width, height) = picture.dimensions();
            assert_eq!((width, height), (spec.width, spec.height), "{}", spec.path);
            clocks.push(read_strip(picture.y(), picture.strides().0, width, height));
        }
        let steps: Vec<u32> = clocks.windows(2).map(|w| w[1].wrapping_sub(w[0])).collect();
        assert!(
            steps.iter().all(|ms| (1..5_000).contains(ms)),
            "{}: {clocks:?}",
            spec.path
        );
    }
}

#[tokio::test]
async fn the_long_gop_gives_a_new_player_no_key_frame_of_its_own() {
    let sim = start(&[], None).await;
    let mut session = play(&sim, "/east-hall", SessionOptions::default())
        .await
        .expect("plays");
    while !next_picture(&mut session).await.is_random_access_point() {}
    let mut pictures = 1;
    while !next_picture(&mut session).await.is_random_access_point() {
        pictures += 1;
    }
    // Late pictures are left out on a busy machine, so there may be fewer.
    assert!(
        (1..=60).contains(&pictures),
        "{pictures} pictures in a group of 4 s"
    );
}

#[tokio::test]
async fn two_players_share_one_encoder_which_stops_with_the_last() {
    let sim = start(&[], None).await;
    assert_eq!(
        sim.status()["/west-gate"]["encoding"],
        false,
        "nobody plays"
    );
    let mut a = play(&sim, "/west-gate", SessionOptions::default())
        .await
        .expect("plays");
    let mut b = play(&sim, "/west-gate", SessionOptions::default())
        .await
        .expect("plays");
    let (one, other) = (next_picture(&mut a).await, next_picture(&mut b).await);
    assert!(!one.data().is_empty() && !other.data().is_empty());
    until(&sim, |s| {
        s["/west-gate"]["sessions"] == 2 && s["/west-gate"]["encoding"] == true
    })
    .await;
    drop(a);
    until(&sim, |s| s["/west-gate"]["sessions"] == 1).await;
    next_picture(&mut b).await;
    drop(b);
    until(&sim, |s| {
        s["/west-gate"]["sessions"] == 0 && s["/west-gate"]["encoding"] == false
    })
    .await;
    assert_eq!(sim.status()["/west-gate"]["played"], 2);
}

#[tokio::test]
async fn a_password_is_asked_for_and_checked() {
    let credentials = Credentials {
        user: "viewer".to_owned(),
        password: "secret".to_owned(),
    };
    let sim = start(&[], Some(credentials)).await;
    let with = |password: &str| {
        SessionOptions::default().creds(Some(retina::client::Credentials {
            username: "viewer".to_owned(),
            password: password.to_owned(),
        }))
    };
    let mut session = play(&sim, "/west-yard/sub", with("secret"))
        .await
        .expect("plays");
    next_picture(&mut session).await;
    let refused = play(&sim, "/west-yard/sub", with("wrong"))
        .await
        .map(drop)
        .expect_err("refused");
    assert_eq!(refused.status_code(), Some(401));
}

#[tokio::test]
async fn faults_are_what_their_names_say() {
    let sim = start(
        &[
            ("/east-gate", Fault::Refuse),
            ("/west-gate", Fault::OtherCodec),
        ],
        None,
    )
    .await;
    let refused = play(&sim, "/east-gate", SessionOptions::default())
        .await
        .map(drop)
        .expect_err("refused");
    assert_eq!(refused.status_code(), Some(403));
    let url = sim.rtsp("/west-gate").parse().expect("an RTSP URL");
    let session = Session::describe(url, SessionOptions::default())
        .await
        .expect("describes");
    assert_eq!(session.streams()[0].encoding_name(), "mp4v-es");
}

#[tokio::test]
async fn a_silent_camera_takes_the_connection_and_answers_nothing() {
    let sim = start(&[("/east-hall", Fault::Silent)], None).await;
    let mut socket = TcpStream::connect(sim.address()).await.expect("connects");
    let asked = format!(
        "DESCRIBE {} RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        sim.rtsp("/east-hall")
    );
    socket.write_all(asked.as_bytes()).await.expect("writes");
    // Another connection is answered meanwhile: the first one's answer would be there by then.
    let mut other = play(&sim, "/west-yard/sub", SessionOptions::default())
        .await
        .expect("plays");
    next_picture(&mut other).await;
    let nothing = socket.try_read(&mut [0; 1]).expect_err("nothing to read");
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn who_plays_is_told_over_http_on_the_same_port() {
    let sim = start(&[], None).await;
    let mut socket = TcpStream::connect(sim.address()).await.expect("connects");
    socket
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .expect("writes");
    let mut answer = String::new();
    socket
        .read_to_string(&mut answer)
        .await
        .expect("an answer that ends");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let status: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(status["/west-yard"]["sessions"], 0);
}

#[tokio::test]
async fn a_client_that_speaks_no_rtsp_is_hung_up_on() {
    let sim = start(&[], None).await;
    let mut socket = TcpStream::connect(sim.address()).await.expect("connects");
    socket
        .write_all(b"\x16\x03\x01\r\n\r\n")
        .await
        .expect("writes");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("the end");
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn other_addresses_than_loopback_are_refused() {
    let options = Options {
        listen: SocketAddr::from(([0, 0, 0, 0], 0)),
        credentials: None,
        faults: HashMap::new(),
    };
    assert!(CameraSim::start(options).await.is_err());
}
