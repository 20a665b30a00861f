//! One encoded stream: started by its first player, shared by all, stopped after its last.
//!
//! Pictures lie on a grid of the wall clock (picture `n` is due at `n / fps` seconds since the
//! epoch) and key frames on multiples of the GOP, so that a stream that pauses while nobody
//! plays goes on as if it had run all the time, as a real camera does.

use super::picture::Scene;
use super::rtp::{self, Numbering};
use anyhow::Context as _;
use bytes::Bytes;
use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, Profile, RateControlMode,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// Pictures a player may fall behind before it is cut off, as a camera with a full buffer does.
const BACKLOG: usize = 64;
/// RTP clock of H.264 (RFC 6184 §8.2.1).
const RTP_HZ: u64 = 90_000;

/// What one stream of one camera is like.
#[derive(Clone, Copy, Debug)]
pub struct StreamSpec {
    /// RTSP path, with its leading slash.
    pub path: &'static str,
    /// Name burnt into the picture.
    pub name: &'static str,
    /// Picture width in pixels, a multiple of 64.
    pub width: usize,
    /// Picture height in pixels, even.
    pub height: usize,
    /// Pictures a second; divides 90,000.
    pub fps: u64,
    /// Seconds between key frames.
    pub gop_s: u64,
    /// Wanted bits a second.
    pub bits_per_s: u32,
    /// Whether a cold start begins with a key frame. Without it a player waits for the GOP.
    pub key_frame_on_start: bool,
    /// Whether parameter sets also come in the stream; many cameras send them in the SDP only.
    pub parameter_sets_in_band: bool,
}

/// The packets of one picture.
pub(super) struct Shot {
    /// RTP packets in order.
    pub(super) rtp: Vec<Bytes>,
    /// Sender report that goes before a key frame.
    pub(super) report: Option<Bytes>,
}

/// SPS and PPS without start codes.
#[derive(Clone)]
pub(super) struct ParameterSets {
    pub(super) sps: Vec<u8>,
    pub(super) pps: Vec<u8>,
}

struct State {
    encoding: bool,
    numbering: Numbering,
}

/// A stream with its players.
pub(super) struct Stream {
    pub(super) spec: StreamSpec,
    parameter_sets: OnceLock<ParameterSets>,
    shots: broadcast::Sender<Arc<Shot>>,
    state: Mutex<State>,
    /// Sessions that play now.
    pub(super) sessions: AtomicU64,
    /// Sessions that ever played.
    pub(super) played: AtomicU64,
    /// Pictures encoded since the start.
    pub(super) pictures: AtomicU64,
}

/// The wall clock in milliseconds since the Unix epoch: the simulated camera's own clock.
#[expect(
    clippy::disallowed_methods,
    reason = "a camera is a clock of its own: this is where it is read"
)]
fn epoch_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ms = since.expect("the clock is after 1970").as_millis();
    u64::try_from(ms).expect("fits for 500 million years")
}

impl Stream {
    pub(super) fn new(spec: StreamSpec, ssrc: u32) -> Self {
        Self {
            spec,
            parameter_sets: OnceLock::new(),
            shots: broadcast::channel(BACKLOG).0,
            state: Mutex::new(State {
                encoding: false,
                numbering: Numbering {
                    ssrc,
                    sequence: (ssrc >> 16) as u16,
                },
            }),
            sessions: AtomicU64::new(0),
            played: AtomicU64::new(0),
            pictures: AtomicU64::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the encoder runs.
    pub(super) fn encoding(&self) -> bool {
        self.state().encoding
    }

    /// The parameter sets, made by encoding one picture at the first question.
    pub(super) fn parameter_sets(&self) -> anyhow::Result<ParameterSets> {
        if let Some(sets) = self.parameter_sets.get() {
            return Ok(sets.clone());
        }
        let mut encoder = Encoding::start(self.spec)?;
        let nals = encoder.encode(epoch_ms(), true)?.nals;
        let find = |kind: u8| nals.iter().find(|n| n[0] & 0x1f == kind).cloned();
        let sets = ParameterSets {
            sps: find(7).context("the encoder gave no SPS")?,
            pps: find(8).context("the encoder gave no PPS")?,
        };
        Ok(self.parameter_sets.get_or_init(|| sets).clone())
    }

    /// Joins the stream; the encoder is started if it does not run.
    pub(super) fn play(self: &Arc<Self>) -> broadcast::Receiver<Arc<Shot>> {
        let mut state = self.state();
        let shots = self.shots.subscribe();
        if !state.encoding {
            state.encoding = true;
            let stream = Arc::clone(self);
            std::thread::spawn(move || {
                if let Err(error) = stream.run() {
                    eprintln!("camera-sim: {}: {error:#}", stream.spec.path);
                    stream.state().encoding = false;
                }
            });
        }
        shots
    }

    /// Encodes until the last player has left.
    fn run(&self) -> anyhow::Result<()> {
        let spec = self.spec;
        let mut encoder = Encoding::start(spec)?;
        let gop = spec.gop_s * spec.fps;
        let mut number = epoch_ms() * spec.fps / 1_000;
        let mut hold_back = !spec.key_frame_on_start && !number.is_multiple_of(gop);
        // The encoder's first picture is a key frame in any case. Where the camera would not
        // send one now, it is encoded and thrown away.
        let mut key = true;
        loop {
            let now = epoch_ms();
            let picture = encoder.encode(now, key)?;
            if !hold_back {
                self.send(&picture, number);
            }
            hold_back = false;
            let next = wait_for_next(number, spec.fps);
            // Also when the picture that begins the group came too late and was left out.
            key = next / gop != number / gop;
            number = next;
            let mut state = self.state();
            if self.shots.receiver_count() == 0 {
                state.encoding = false;
                return Ok(());
            }
        }
    }

    fn send(&self, picture: &Encoded, number: u64) {
        // RTP time is the low 32 bits.
        let timestamp = (number * (RTP_HZ / self.spec.fps)) as u32;
        let nals: Vec<&[u8]> = picture
            .nals
            .iter()
            .map(Vec::as_slice)
            .filter(|nal| self.spec.parameter_sets_in_band || !matches!(nal[0] & 0x1f, 7 | 8))
            .collect();
        let mut state = self.state();
        let report = picture.key.then(|| {
            let at = number * 1_000 / self.spec.fps;
            rtp::sender_report(state.numbering.ssrc, at, timestamp)
        });
        let rtp = rtp::packetize(&nals, timestamp, &mut state.numbering);
        drop(state);
        self.pictures.fetch_add(1, Ordering::Relaxed);
        // Nobody left to hear it is no error: the loop above ends then.
        drop(self.shots.send(Arc::new(Shot { rtp, report })));
    }
}

/// Sleeps until the next picture is due and says its number; pictures missed meanwhile are left out.
fn wait_for_next(number: u64, fps: u64) -> u64 {
    loop {
        let now = epoch_ms();
        let due = (number + 1) * 1_000 / fps;
        if now >= due {
            return (now * fps / 1_000).max(number + 1);
        }
        std::thread::sleep(Duration::from_millis(due - now));
    }
}

/// One encoded picture.
struct Encoded {
    nals: Vec<Vec<u8>>,
    key: bool,
}

/// An encoder with its scene.
struct Encoding {
    scene: Scene,
    encoder: Encoder,
}

impl Encoding {
    fn start(spec: StreamSpec) -> anyhow::Result<Self> {
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(spec.bits_per_s))
            .max_frame_rate(FrameRate::from_hz(spec.fps as f32))
            .rate_control_mode(RateControlMode::Bitrate)
            .skip_frames(true)
            .profile(Profile::Baseline)
            .complexity(Complexity::Low)
            .scene_change_detect(false)
            .adaptive_quantization(false)
            .num_threads(1);
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config)
            .context("OpenH264 did not start")?;
        Ok(Self {
            scene: Scene::new(spec.name, spec.width, spec.height),
            encoder,
        })
    }

    fn encode(&mut self, epoch_ms: u64, key: bool) -> anyhow::Result<Encoded> {
        if key {
            self.encoder.force_intra_frame();
        }
        let picture = self.scene.at(epoch_ms);
        let stream = self
            .encoder
            .encode(&picture)
            .context("encoding a picture")?;
        let mut nals = Vec::new();
        for layer in (0..stream.num_layers()).filter_map(|i| stream.layer(i)) {
            for nal in (0..layer.nal_count()).filter_map(|i| layer.nal_unit(i)) {
                nals.push(without_start_code(nal).to_vec());
            }
        }
        let key = stream.frame_type() == FrameType::IDR;
        Ok(Encoded { nals, key })
    }
}

fn without_start_code(nal: &[u8]) -> &[u8] {
    let zeros = nal.iter().take_while(|b| **b == 0).count();
    &nal[zeros + 1..]
}
