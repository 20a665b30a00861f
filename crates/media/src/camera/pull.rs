//! One RTSP session, from name resolution to frames in the hub.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use ipnet::IpNet;
use retina::client::{
    Credentials, Described, PlayOptions, Session, SessionGroup, SessionOptions, SetupOptions,
    TcpTransportOptions, Transport,
};
use retina::codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use url::Url;

use super::network::admitted;
use crate::api::Reason;
use crate::frame::Codec;
use crate::h264;
use crate::hub::{Hub, Input};

/// Resolving, connecting and each request until PLAY.
const STEP: Duration = Duration::from_secs(5);
/// Longest silence of a playing camera.
const SILENCE: Duration = Duration::from_secs(10);
const DEFAULT_PORT: u16 = 554;

/// What a pull needs.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) networks: Arc<[IpNet]>,
    pub(super) group: Arc<SessionGroup>,
}

/// What a pull tells while it runs.
#[derive(Debug)]
pub(super) enum News {
    /// The stream's codec, and its picture size when the camera says it.
    Described(Codec, Option<(u32, u32)>),
    /// The first picture is in the hub.
    Picture,
    /// The pull is over.
    Ended(Reason),
}

/// Pulls until the stream ends; dropping the future ends the session too.
pub(super) async fn pull(target: Target, hub: Arc<Hub>, news: mpsc::Sender<News>) {
    let reason = match run(&target, &hub, &news).await {
        Ok(()) => Reason::StreamEnded,
        Err(reason) => reason,
    };
    // Nobody listens only when the camera is being removed.
    let _removed = news.send(News::Ended(reason)).await;
}

async fn run(target: &Target, hub: &Arc<Hub>, news: &mpsc::Sender<News>) -> Result<(), Reason> {
    let (url, address) = checked(target).await?;
    let credentials = (!target.username.is_empty()).then(|| Credentials {
        username: target.username.clone(),
        password: target.password.clone(),
    });
    let options = SessionOptions::default()
        .creds(credentials)
        .session_group(Arc::clone(&target.group))
        .user_agent("Dutyroom".to_owned());
    let mut session = match step(Session::describe(url, options)).await {
        Err(Reason::StreamEnded) => return Err(why_not_connected(address).await),
        described => described?,
    };
    let stream = choose(&session)?;
    let setup = SetupOptions::default()
        .transport(Transport::Tcp(TcpTransportOptions::default()))
        .frame_format(FrameFormat::default());
    step(session.setup(stream, setup)).await?;
    let playing = step(session.play(PlayOptions::default())).await?;
    let mut demuxed = playing.demuxed().map_err(|error| reason_of(&error))?;
    let described = News::Described(Codec::H264, size(demuxed.streams(), stream));
    hub.restart();
    let mut told = news.send(described).await.is_ok();
    let mut first = true;
    while told {
        let item = timeout(SILENCE, demuxed.next())
            .await
            .map_err(|_elapsed| Reason::Timeout)?;
        let Some(item) = item else { return Ok(()) };
        let CodecItem::VideoFrame(frame) = item.map_err(|error| reason_of(&error))? else {
            continue;
        };
        if frame.has_new_parameters() && !first {
            told = news
                .send(News::Described(
                    Codec::H264,
                    size(demuxed.streams(), stream),
                ))
                .await
                .is_ok();
        }
        let picture = push(hub, &frame);
        if first && picture {
            first = false;
            told = news.send(News::Picture).await.is_ok();
        }
    }
    Ok(())
}

/// The address to connect to, resolved once and checked; only an allowed one is ever contacted.
async fn checked(target: &Target) -> Result<(Url, SocketAddr), Reason> {
    let mut url = target.url.clone();
    let host = url
        .host_str()
        .ok_or(Reason::Refused)?
        .trim_matches(['[', ']'])
        .to_owned();
    let port = url.port().unwrap_or(DEFAULT_PORT);
    let resolved = timeout(STEP, tokio::net::lookup_host((host, port)))
        .await
        .map_err(|_elapsed| Reason::Timeout)?
        .map_err(|_error| Reason::Timeout)?;
    let address = admitted(resolved, &target.networks).ok_or(Reason::NotAllowedNetwork)?;
    url.set_ip_host(address.ip())
        .map_err(|()| Reason::Refused)?;
    // Credentials go into the header; in the address they would end up in error texts.
    url.set_username("").map_err(|()| Reason::Refused)?;
    url.set_password(None).map_err(|()| Reason::Refused)?;
    Ok((url, address))
}

/// Retina's errors do not tell a port that is closed from a connection that broke, so it is
/// asked once more, after a failure only.
async fn why_not_connected(address: SocketAddr) -> Reason {
    match timeout(STEP, TcpStream::connect(address)).await {
        Ok(Ok(_connected)) => Reason::StreamEnded,
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => Reason::Refused,
        Ok(Err(_)) | Err(_) => Reason::Timeout,
    }
}

async fn step<T>(work: impl Future<Output = Result<T, retina::Error>>) -> Result<T, Reason> {
    match timeout(STEP, work).await {
        Ok(result) => result.map_err(|error| reason_of(&error)),
        Err(_elapsed) => Err(Reason::Timeout),
    }
}

fn choose(session: &Session<Described>) -> Result<usize, Reason> {
    let videos = || {
        session
            .streams()
            .iter()
            .enumerate()
            .filter(|(_, s)| s.media() == "video")
    };
    let h264 = videos().find(|(_, stream)| stream.encoding_name() == "h264");
    match h264 {
        Some((index, _)) => Ok(index),
        None if videos().next().is_some() => Err(Reason::CodecUnsupported),
        None => Err(Reason::NoVideo),
    }
}

fn size(streams: &[retina::client::Stream], index: usize) -> Option<(u32, u32)> {
    match streams.get(index)?.parameters()? {
        ParametersRef::Video(video) => Some(video.pixel_dimensions()),
        _ => None,
    }
}

/// True when the frame had a picture in it.
fn push(hub: &Hub, frame: &VideoFrame) -> bool {
    let packets = h264::pack(frame.data(), h264::MAX_PAYLOAD);
    if packets.is_empty() {
        return false;
    }
    let low = frame.timestamp().timestamp() & i64::from(u32::MAX);
    hub.push(Input {
        codec: Codec::H264,
        key: frame.is_random_access_point(),
        timestamp: u32::try_from(low).expect("masked to 32 bits"),
        packets,
        after_loss: frame.loss() > 0,
        catch_up: false,
    });
    true
}

fn reason_of(error: &retina::Error) -> Reason {
    if let Some(status) = error.status_code() {
        return match status {
            401 | 403 => Reason::WrongCredentials,
            _ => Reason::Refused,
        };
    }
    Reason::StreamEnded
}
