//! `camera-sim`: the simulated cameras as a process. Ends at SIGINT or SIGTERM.

use anyhow::Context as _;
use clap::Parser;
use std::collections::HashMap;
use std::net::SocketAddr;
use tests::camera_sim::{CAMERAS, CameraSim, Credentials, Fault, Options};
use tokio::signal::unix::{SignalKind, signal};

/// Simulated RTSP cameras with moving pictures, for the demo and for tests.
#[derive(Parser)]
struct Arguments {
    /// Loopback address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Print one line of JSON when ready.
    #[arg(long)]
    json: bool,
    /// Ask clients for this user by digest.
    #[arg(long, requires = "password")]
    user: Option<String>,
    /// The password that goes with --user.
    #[arg(long, requires = "user")]
    password: Option<String>,
    /// Answer 403 on this path.
    #[arg(long, value_name = "PATH")]
    refuse: Vec<String>,
    /// Announce a codec no browser shows on this path.
    #[arg(long, value_name = "PATH")]
    codec_other: Vec<String>,
    /// Take connections for this path and never answer.
    #[arg(long, value_name = "PATH")]
    silent: Vec<String>,
    /// Agree to play this path and never send a packet.
    #[arg(long, value_name = "PATH")]
    no_video: Vec<String>,
}

impl Arguments {
    fn options(self) -> Options {
        let faults: HashMap<String, Fault> = [
            (self.refuse, Fault::Refuse),
            (self.codec_other, Fault::OtherCodec),
            (self.silent, Fault::Silent),
            (self.no_video, Fault::NoVideo),
        ]
        .into_iter()
        .flat_map(|(paths, fault)| paths.into_iter().map(move |path| (path, fault)))
        .collect();
        let credentials = self.user.zip(self.password);
        Options {
            listen: self.listen,
            credentials: credentials.map(|(user, password)| Credentials { user, password }),
            faults,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let json = arguments.json;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let sim = CameraSim::start(arguments.options()).await?;
    let status = format!("http://{}/", sim.address());
    if json {
        let cameras: Vec<_> = CAMERAS
            .iter()
            .map(|spec| serde_json::json!({ "path": spec.path, "rtsp": sim.rtsp(spec.path) }))
            .collect();
        println!(
            "{}",
            serde_json::json!({ "cameras": cameras, "status": status })
        );
    } else {
        for spec in &CAMERAS {
            let rtsp = sim.rtsp(spec.path);
            println!(
                "{rtsp}  {}x{} {}/s, key frame every {} s",
                spec.width, spec.height, spec.fps, spec.gop_s
            );
        }
        println!("{status}  who plays");
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
