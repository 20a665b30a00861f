//! Media workers: plain OS threads, each with one UDP socket, its peers and their timers.
//!
//! No tokio in here. Commands and frames arrive by bounded queues; the thread sleeps in `poll`
//! on its socket and an event descriptor. A peer lives on one worker for life.

mod member;
mod run;
mod socket;
mod wake;

use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::api::SessionId;
use crate::frame::Frame;
use crate::hub::Sink;

pub(crate) use self::member::{Member, Role};
use self::run::Run;
use self::socket::Socket;
use self::wake::Waker;

/// Commands that wait; more than this means the worker is stuck.
const COMMANDS: usize = 256;
/// Frames that wait: about two seconds of twenty sources.
const FRAMES: usize = 1_024;

/// What a worker is told.
pub(crate) enum Command {
    Add(Box<Member>),
    Close(SessionId),
    /// The source of that hub is gone for good: its viewers go too.
    CloseHub(u64),
    RequestKey(SessionId),
    Stop,
}

/// A frame for the viewers of the hub of that id.
pub(crate) type Delivery = (u64, Arc<Frame>);

/// The other end of a worker.
pub(crate) struct Worker {
    commands: SyncSender<Command>,
    waker: Arc<Waker>,
    /// Written into the candidates of its peers.
    pub(crate) candidates: Vec<SocketAddr>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// Binds a socket and starts the thread.
    pub(crate) fn start(
        number: usize,
        listen: SocketAddr,
        advertise: &[IpAddr],
    ) -> std::io::Result<Self> {
        let socket = Socket::bind(listen)?;
        let local = socket.local_addr()?;
        let candidates: Vec<SocketAddr> = reachable(local.ip(), advertise)
            .into_iter()
            .map(|ip| SocketAddr::new(ip, local.port()))
            .collect();
        let waker = Arc::new(Waker::new()?);
        let (commands, command_queue) = sync_channel(COMMANDS);
        let (frames, frame_queue) = sync_channel(FRAMES);
        let deliver = Deliver {
            frames,
            waker: Arc::clone(&waker),
        };
        let run = Run::new(socket, candidates.clone(), deliver);
        let thread_waker = Arc::clone(&waker);
        let thread = std::thread::Builder::new()
            .name(format!("media-{number}"))
            .spawn(move || run.run(&command_queue, &frame_queue, &thread_waker))?;
        Ok(Self {
            commands,
            waker,
            candidates,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Tells the worker something; false when its queue is full or it has stopped.
    pub(crate) fn tell(&self, command: Command) -> bool {
        let told = self.commands.try_send(command).is_ok();
        self.waker.wake();
        told
    }

    /// Asks a publisher's browser for a key frame.
    pub(crate) fn key_ask(&self, session: SessionId) -> impl Fn() + Send + use<> {
        let (commands, waker) = (self.commands.clone(), Arc::clone(&self.waker));
        move || {
            // A full queue loses one request; viewers without a picture ask again.
            let _full = commands.try_send(Command::RequestKey(session));
            waker.wake();
        }
    }

    /// Stops the thread and waits for it.
    pub(crate) fn stop(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _already_gone = self.commands.send(Command::Stop);
            self.waker.wake();
            if thread.join().is_err() {
                tracing::error!("a media worker had panicked");
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Puts frames into a worker's queue.
#[derive(Clone)]
pub(crate) struct Deliver {
    frames: SyncSender<Delivery>,
    waker: Arc<Waker>,
}

impl Deliver {
    fn sink(&self, hub: u64) -> Sink {
        let deliver = self.clone();
        Box::new(move |frame| {
            let sent = deliver.frames.try_send((hub, Arc::clone(frame)));
            deliver.waker.wake();
            !matches!(sent, Err(TrySendError::Full(_)))
        })
    }
}

/// The addresses peers can reach the socket under.
fn reachable(bound: IpAddr, advertise: &[IpAddr]) -> Vec<IpAddr> {
    if !advertise.is_empty() {
        return advertise.to_vec();
    }
    if !bound.is_unspecified() {
        return vec![bound];
    }
    // No packet is sent: connecting a UDP socket only asks the system for the route.
    let routed = std::net::UdpSocket::bind("0.0.0.0:0")
        .and_then(|socket| {
            socket.connect("192.0.2.1:9")?;
            socket.local_addr()
        })
        .ok()
        .map(|address| address.ip());
    routed
        .into_iter()
        .chain([IpAddr::from([127, 0, 0, 1])])
        .collect()
}
