//! One RTSP connection: answers requests and, once it plays, carries the stream.

use super::auth::Credentials;
use super::request::{NotRtsp, Request, interleaved_channel};
use super::rtp::{self, PAYLOAD_TYPE};
use super::stream::{Shot, Stream};
use super::{Fault, Shared};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::BytesMut;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::broadcast::{self, error::RecvError};

/// Seconds of silence after which a session ends, announced in the Session header.
const TIMEOUT_S: u64 = 60;

/// A session that plays; counted as long as it lives.
struct Playing {
    stream: Arc<Stream>,
    shots: broadcast::Receiver<Arc<Shot>>,
}

impl Playing {
    fn start(stream: &Arc<Stream>) -> Self {
        stream.sessions.fetch_add(1, Ordering::Relaxed);
        stream.played.fetch_add(1, Ordering::Relaxed);
        Self {
            stream: Arc::clone(stream),
            shots: stream.play(),
        }
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.stream.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What happens after a request.
enum Next {
    Answer(String),
    /// Answers nothing, now and later.
    Silence,
    AnswerAndClose(String),
}

pub(super) struct Connection {
    shared: Arc<Shared>,
    id: String,
    set_up: Option<(Arc<Stream>, u8)>,
    playing: Option<Playing>,
    silent: bool,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, id: String) -> Self {
        Self {
            shared,
            id,
            set_up: None,
            playing: None,
            silent: false,
        }
    }

    /// Serves the connection until either side ends it.
    pub(super) async fn serve(mut self, mut socket: TcpStream) -> std::io::Result<()> {
        let mut input = BytesMut::new();
        let mut output = BytesMut::new();
        loop {
            tokio::select! {
                read = tokio::time::timeout(Duration::from_secs(TIMEOUT_S), socket.read_buf(&mut input)) => {
                    // Silence past the timeout ends the session like a closed connection.
                    let Ok(read) = read else { return Ok(()) };
                    if read? == 0 {
                        return Ok(());
                    }
                }
                shot = next_shot(self.playing.as_mut()) => {
                    let Ok(shot) = shot else { return Ok(()) };
                    self.carry(&shot, &mut output);
                    socket.write_all_buf(&mut output).await?;
                    continue;
                }
            }
            loop {
                let request = match Request::take(&mut input) {
                    Ok(Some(request)) => request,
                    Ok(None) => break,
                    Err(NotRtsp) => return Ok(()),
                };
                match self.handle(&request) {
                    Next::Answer(text) => socket.write_all(text.as_bytes()).await?,
                    Next::Silence => {}
                    Next::AnswerAndClose(text) => {
                        socket.write_all(text.as_bytes()).await?;
                        return socket.shutdown().await;
                    }
                }
            }
        }
    }

    fn carry(&self, shot: &Shot, output: &mut BytesMut) {
        let channel = self.set_up.as_ref().map_or(0, |(_, channel)| *channel);
        if let Some(report) = &shot.report {
            rtp::interleave(output, channel.wrapping_add(1), report);
        }
        for packet in &shot.rtp {
            rtp::interleave(output, channel, packet);
        }
    }

    fn handle(&mut self, request: &Request) -> Next {
        let path = request.path().to_owned();
        let fault = self.shared.faults.get(&path).copied();
        self.silent |= fault == Some(Fault::Silent);
        if self.silent {
            return Next::Silence;
        }
        if request.method == "GET" {
            return Next::AnswerAndClose(http_status(&self.shared.status()));
        }
        if request.method == "OPTIONS" {
            let public = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN";
            return Next::Answer(request.answer("200 OK", &[public.to_owned()], ""));
        }
        if let Some(credentials) = &self.shared.credentials
            && !credentials.admit(request, &self.shared.nonce)
        {
            let challenge = Credentials::challenge(&self.shared.nonce);
            return Next::Answer(request.answer("401 Unauthorized", &[challenge], ""));
        }
        let Some(stream) = self.shared.streams.get(&path).cloned() else {
            return Next::Answer(request.answer("404 Not Found", &[], ""));
        };
        if fault == Some(Fault::Refuse) {
            return Next::Answer(request.answer("403 Forbidden", &[], ""));
        }
        match request.method.as_str() {
            "DESCRIBE" => Next::Answer(describe(request, &stream, fault)),
            "SETUP" => Next::Answer(self.set_up(request, stream)),
            "PLAY" => Next::Answer(self.play(request, fault)),
            "GET_PARAMETER" | "SET_PARAMETER" => {
                Next::Answer(request.answer("200 OK", &[self.session()], ""))
            }
            "TEARDOWN" => {
                self.playing = None;
                Next::AnswerAndClose(request.answer("200 OK", &[self.session()], ""))
            }
            _ => Next::Answer(request.answer("405 Method Not Allowed", &[], "")),
        }
    }

    fn session(&self) -> String {
        format!("Session: {};timeout={TIMEOUT_S}", self.id)
    }

    fn set_up(&mut self, request: &Request, stream: Arc<Stream>) -> String {
        let Some(channel) = request.header("Transport").and_then(interleaved_channel) else {
            return request.answer("461 Unsupported Transport", &[], "");
        };
        self.set_up = Some((stream, channel));
        let transport = format!(
            "Transport: RTP/AVP/TCP;unicast;interleaved={channel}-{}",
            channel.wrapping_add(1)
        );
        request.answer("200 OK", &[self.session(), transport], "")
    }

    fn play(&mut self, request: &Request, fault: Option<Fault>) -> String {
        let Some((stream, _)) = &self.set_up else {
            return request.answer("455 Method Not Valid in This State", &[], "");
        };
        if fault.is_none() && self.playing.is_none() {
            self.playing = Some(Playing::start(stream));
        }
        let range = "Range: npt=now-".to_owned();
        request.answer("200 OK", &[self.session(), range], "")
    }
}

/// Waits for the next picture; for ever when nothing plays.
async fn next_shot(playing: Option<&mut Playing>) -> Result<Arc<Shot>, RecvError> {
    match playing {
        // A player that fell behind gets an error here and is cut off by its caller.
        Some(playing) => playing.shots.recv().await,
        None => std::future::pending().await,
    }
}

fn describe(request: &Request, stream: &Stream, fault: Option<Fault>) -> String {
    let media = if fault == Some(Fault::OtherCodec) {
        format!("a=rtpmap:{PAYLOAD_TYPE} MP4V-ES/90000\r\n")
    } else {
        let sets = match stream.parameter_sets() {
            Ok(sets) => sets,
            Err(error) => {
                eprintln!("camera-sim: {}: {error:#}", stream.spec.path);
                return request.answer("500 Internal Server Error", &[], "");
            }
        };
        let level: String = sets.sps[1..4]
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        format!(
            "a=rtpmap:{PAYLOAD_TYPE} H264/90000\r\n\
             a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;profile-level-id={level};sprop-parameter-sets={},{}\r\n",
            BASE64_STANDARD.encode(&sets.sps),
            BASE64_STANDARD.encode(&sets.pps),
        )
    };
    let body = format!(
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns={}\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n\
         m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\n{media}a=framerate:{}\r\na=control:track0\r\n",
        stream.spec.name, stream.spec.fps,
    );
    let base = format!("Content-Base: {}/", request.uri.trim_end_matches('/'));
    request.answer(
        "200 OK",
        &[base, "Content-Type: application/sdp".to_owned()],
        &body,
    )
}

fn http_status(json: &serde_json::Value) -> String {
    let body = json.to_string();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len(),
    )
}
