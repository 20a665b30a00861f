//! Simulated cameras: an RTSP server whose pictures move and carry their own clock.
//!
//! It stands in for the cameras of two campuses in the demo and in tests. Pictures are encoded
//! while someone plays, once per stream however many play, and it tells how many play, so that
//! a test can prove that a camera is pulled on demand and only once. It knows RTSP over TCP on
//! loopback only. To add a camera, add a [`StreamSpec`] to [`CAMERAS`].

mod auth;
mod font;
mod picture;
mod request;
mod rtp;
mod session;
mod stream;

pub use auth::Credentials;
pub use picture::{Picture, STRIP_BITS, Scene, read_strip};
pub use stream::StreamSpec;

use anyhow::Context as _;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use stream::Stream;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// Every simulated stream: two cameras a campus, one of them with a sub stream.
pub const CAMERAS: [StreamSpec; 5] = [
    hd("/east-gate", "EAST GATE", 1, true),
    // The hard one: four seconds between key frames, and none for a new player.
    hd("/east-hall", "EAST HALL", 4, false),
    hd("/west-gate", "WEST GATE", 1, true),
    StreamSpec {
        path: "/west-yard",
        name: "WEST YARD",
        width: 1920,
        height: 1080,
        fps: 10,
        gop_s: 1,
        bits_per_s: 2_000_000,
        key_frame_on_start: true,
        parameter_sets_in_band: true,
    },
    StreamSpec {
        path: "/west-yard/sub",
        name: "WEST YARD",
        width: 640,
        height: 360,
        fps: 10,
        gop_s: 1,
        bits_per_s: 400_000,
        key_frame_on_start: true,
        parameter_sets_in_band: true,
    },
];

/// 720 lines at 15 pictures a second. The patient ones also keep their parameter sets in the SDP.
const fn hd(path: &'static str, name: &'static str, gop_s: u64, eager: bool) -> StreamSpec {
    StreamSpec {
        path,
        name,
        width: 1280,
        height: 720,
        fps: 15,
        gop_s,
        bits_per_s: 1_200_000,
        key_frame_on_start: eager,
        parameter_sets_in_band: eager,
    }
}

/// How a camera misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers every request about the stream with 403.
    Refuse,
    /// Announces MPEG-4 part 2, which no browser shows.
    OtherCodec,
    /// Takes the connection and never answers.
    Silent,
    /// Agrees to everything and never sends a packet.
    NoVideo,
}

/// How the simulated cameras are to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Loopback address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What clients must know; `None` lets everyone in.
    pub credentials: Option<Credentials>,
    /// Faults by path.
    pub faults: HashMap<String, Fault>,
}

pub(crate) struct Shared {
    streams: HashMap<String, Arc<Stream>>,
    faults: HashMap<String, Fault>,
    credentials: Option<Credentials>,
    nonce: String,
}

impl Shared {
    fn status(&self) -> serde_json::Value {
        let streams = self.streams.iter().map(|(path, stream)| {
            let status = serde_json::json!({
                "sessions": stream.sessions.load(Ordering::Relaxed),
                "played": stream.played.load(Ordering::Relaxed),
                "pictures": stream.pictures.load(Ordering::Relaxed),
                "encoding": stream.encoding(),
            });
            (path.clone(), status)
        });
        streams.collect::<serde_json::Map<_, _>>().into()
    }
}

/// Running simulated cameras; dropping it ends them and their sessions.
pub struct CameraSim {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl CameraSim {
    /// Starts listening. Fails when the address is not loopback or taken, or a fault names a
    /// path that does not exist.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        anyhow::ensure!(
            options.listen.ip().is_loopback(),
            "{} is not a loopback address",
            options.listen
        );
        let streams: HashMap<String, Arc<Stream>> = CAMERAS
            .iter()
            .map(|spec| (spec.path.to_owned(), Arc::new(Stream::new(*spec, draw()))))
            .collect();
        for path in options.faults.keys() {
            anyhow::ensure!(streams.contains_key(path), "there is no camera at {path}");
        }
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("cannot listen on {}", options.listen))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            streams,
            faults: options.faults,
            credentials: options.credentials,
            nonce: format!("{:08x}{:08x}", draw(), draw()),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            accepting,
        })
    }

    /// The address listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The RTSP URL of a path.
    pub fn rtsp(&self, path: &str) -> String {
        format!("rtsp://{}{path}", self.address)
    }

    /// By path: `sessions` playing now, `played` since the start, `pictures` encoded, and whether
    /// the encoder is `encoding`. The same document is served to an HTTP GET on the RTSP port.
    pub fn status(&self) -> serde_json::Value {
        self.shared.status()
    }
}

impl Drop for CameraSim {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // The set ends every session with this task.
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                let id = format!("{:08x}", draw());
                let connection = session::Connection::new(Arc::clone(&shared), id);
                // A connection that breaks is the client's affair.
                sessions.spawn(async move { drop(connection.serve(socket).await) });
            }
            Some(_) = sessions.join_next() => {}
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "session ids, nonces and SSRCs of a simulated device"
)]
fn draw() -> u32 {
    rand::random()
}

#[cfg(test)]
mod tests;
