//! A scripted RTSP camera: enough of RFC 2326 for one TCP client, and frames that can be told
//! apart. It encodes nothing; no decoder ever sees them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=gate\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n\
    a=rtpmap:96 H264/90000\r\na=control:track1\r\n\
    a=fmtp:96 packetization-mode=1;profile-level-id=420029;sprop-parameter-sets=Z0IAKeKQFAe2AtwEBAaQeJEV,aM48gA==\r\n";

/// A running camera.
pub(crate) struct Camera {
    pub(crate) address: SocketAddr,
    sessions: Arc<AtomicUsize>,
    playing: Arc<AtomicUsize>,
    cut: broadcast::Sender<()>,
}

/// How it behaves.
#[derive(Clone, Copy)]
pub(crate) struct Script {
    /// Frames from one key frame to the next, at 25 a second.
    pub(crate) group: u32,
    /// Answers every DESCRIBE with 401 and no challenge.
    pub(crate) locked: bool,
    /// Announces H.265.
    pub(crate) h265: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            group: 25,
            locked: false,
            h265: false,
        }
    }
}

impl Camera {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (sessions, playing) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let cut = broadcast::Sender::new(4);
        let camera = Self {
            address,
            sessions: Arc::clone(&sessions),
            playing: Arc::clone(&playing),
            cut: cut.clone(),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sessions, playing, mut cut) =
                    (Arc::clone(&sessions), Arc::clone(&playing), cut.subscribe());
                tokio::spawn(async move {
                    let counted = Arc::clone(&playing);
                    let was = AtomicUsize::new(0);
                    tokio::select! {
                        _ = serve(stream, script, &sessions, &counted, &was) => {}
                        _ = cut.recv() => {}
                    }
                    playing.fetch_sub(was.load(Ordering::SeqCst), Ordering::SeqCst);
                });
            }
        });
        camera
    }

    pub(crate) fn url(&self) -> url::Url {
        format!("rtsp://{}/main", self.address)
            .parse()
            .expect("an address")
    }

    /// Sessions that reached PLAY since the start.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.load(Ordering::SeqCst)
    }

    /// Sessions playing now.
    pub(crate) fn playing(&self) -> usize {
        self.playing.load(Ordering::SeqCst)
    }

    /// Breaks every connection.
    pub(crate) fn cut(&self) {
        self.cut.send(()).expect("somebody is connected");
    }
}

async fn serve(
    stream: TcpStream,
    script: Script,
    sessions: &AtomicUsize,
    playing: &AtomicUsize,
    was: &AtomicUsize,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let (mut method, mut cseq, mut line) = (String::new(), String::new(), String::new());
        loop {
            line.clear();
            if read.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if method.is_empty() {
                method = text.split(' ').next().expect("not empty").to_owned();
            }
            if let Some(value) = text.strip_prefix("CSeq: ") {
                cseq = value.to_owned();
            }
        }
        let (status, head, body) = match method.as_str() {
            "DESCRIBE" if script.locked => ("401 Unauthorized", "", String::new()),
            "DESCRIBE" => {
                let sdp = if script.h265 {
                    SDP.replace("H264", "H265")
                } else {
                    SDP.to_owned()
                };
                ("200 OK", "Content-Type: application/sdp\r\n", sdp)
            }
            "SETUP" => (
                "200 OK",
                "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=00001234\r\nSession: 7\r\n",
                String::new(),
            ),
            _ => (
                "200 OK",
                "Session: 7\r\nPublic: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n",
                String::new(),
            ),
        };
        let length = body.len();
        let answer = format!(
            "RTSP/1.0 {status}\r\nCSeq: {cseq}\r\n{head}Content-Length: {length}\r\n\r\n{body}"
        );
        write.write_all(answer.as_bytes()).await?;
        if method == "PLAY" {
            sessions.fetch_add(1, Ordering::SeqCst);
            playing.fetch_add(1, Ordering::SeqCst);
            was.store(1, Ordering::SeqCst);
            let mut rest = Vec::new();
            tokio::select! {
                sent = play(&mut write, script.group) => sent?,
                read = read.read_to_end(&mut rest) => { read?; }
            }
            return Ok(());
        }
    }
}

async fn play(write: &mut (impl AsyncWriteExt + Unpin), group: u32) -> std::io::Result<()> {
    let mut every = tokio::time::interval(Duration::from_millis(40));
    let mut sequence = 0u16;
    for n in 0u32.. {
        every.tick().await;
        let key = n % group == 0;
        // One NAL unit larger than a packet may be: TCP carries it whole.
        let mut nal = vec![if key { 0x65 } else { 0x41 }];
        nal.extend(format!("frame {n:08}").bytes());
        nal.resize(if key { 9_000 } else { 1_500 }, 0xaa);
        let mut packet = vec![0x80, 0x80 | 96];
        packet.extend(sequence.to_be_bytes());
        packet.extend((n * 3_600).to_be_bytes());
        packet.extend(0x1234u32.to_be_bytes());
        packet.extend(nal);
        let length = u16::try_from(packet.len())
            .expect("below 64 kB")
            .to_be_bytes();
        write.write_all(&[b'$', 0, length[0], length[1]]).await?;
        write.write_all(&packet).await?;
        sequence = sequence.wrapping_add(1);
    }
    Ok(())
}
