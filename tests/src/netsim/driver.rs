//! Real packets through two lines, on one thread that sleeps until the next one is due.

use super::line::{Line, Stats};
use super::shape::Shape;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Senders told apart; packets of further ones are not forwarded.
const MAX_CLIENTS: usize = 256;
/// Packets read from one socket before the others have their turn.
const TURN: usize = 64;
const RECEIVE_LEN: usize = 4 * 1024 * 1024;
const LATE_BUCKET_US: u64 = 50;
const LATE_BUCKETS: usize = 400;

/// Which way packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From whoever sends to the listen address, to the target.
    Up,
    /// From the target back.
    Down,
}

const DIRECTIONS: [Direction; 2] = [Direction::Up, Direction::Down];

/// What [`NetSim::start`] is told.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Where to take packets; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where they go.
    pub to: SocketAddr,
    /// The way there.
    pub up: Shape,
    /// The way back.
    pub down: Shape,
    /// Of all chances.
    pub seed: u64,
}

impl Options {
    /// From a free port on loopback to `to`, alike in both directions.
    #[must_use]
    pub fn to(to: SocketAddr, shape: Shape) -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            to,
            up: shape,
            down: shape,
            seed: 1,
        }
    }
}

/// A line that carries packets until it is dropped.
#[derive(Debug)]
pub struct NetSim {
    address: SocketAddr,
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Control {
    state: Mutex<State>,
    wake: OwnedFd,
}

#[derive(Debug)]
struct State {
    shapes: [Shape; 2],
    changed: bool,
    stopping: bool,
    stats: [Stats; 2],
}

impl Control {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // It fails only when the counter is full, which wakes as well.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }
}

impl NetSim {
    /// Listens, and forwards from then on.
    ///
    /// # Errors
    /// When a socket or the thread cannot be had.
    pub fn start(options: Options) -> io::Result<Self> {
        let near = UdpSocket::bind(options.listen)?;
        prepare(&near)?;
        let address = near.local_addr()?;
        let control = Arc::new(Control {
            state: Mutex::new(State {
                shapes: [options.up, options.down],
                changed: false,
                stopping: false,
                stats: [Stats::default(); 2],
            }),
            wake: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?,
        });
        let forwarder = Forwarder::new(options, near, control.clone());
        let thread = std::thread::Builder::new()
            .name("netsim".to_owned())
            .spawn(move || forwarder.run())?;
        Ok(Self {
            address,
            control,
            thread: Some(thread),
        })
    }

    /// Where it takes packets.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How a direction treats packets now.
    #[must_use]
    pub fn shape(&self, direction: Direction) -> Shape {
        self.control.state().shapes[direction as usize]
    }

    /// Treats packets of one direction differently from now on.
    pub fn set(&self, direction: Direction, shape: Shape) {
        let mut state = self.control.state();
        state.shapes[direction as usize] = shape;
        state.changed = true;
        drop(state);
        self.control.wake();
    }

    /// Lets nothing in any more, in either direction, or again.
    pub fn cut(&self, cut: bool) {
        for direction in DIRECTIONS {
            let shape = Shape {
                cut,
                ..self.shape(direction)
            };
            self.set(direction, shape);
        }
    }

    /// What became of the packets of one direction.
    #[must_use]
    pub fn stats(&self, direction: Direction) -> Stats {
        self.control.state().stats[direction as usize]
    }
}

impl Drop for NetSim {
    fn drop(&mut self) {
        self.control.state().stopping = true;
        self.control.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed by it.
            let _ = thread.join();
        }
    }
}

fn prepare(socket: &UdpSocket) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    // Beyond the system's limit only with privilege; without it the default has to do.
    let _ = set_socket_recv_buffer_size_force(socket, RECEIVE_LEN);
    Ok(())
}

/// Whose packet, and its bytes.
type Packet = (usize, Box<[u8]>);

struct Client {
    address: SocketAddr,
    far: UdpSocket,
}

struct Forwarder {
    near: UdpSocket,
    to: SocketAddr,
    clients: Vec<Client>,
    by_address: HashMap<SocketAddr, usize>,
    lines: [Line<Packet>; 2],
    late: [Late; 2],
    control: Arc<Control>,
    started: Instant,
    buffer: Box<[u8]>,
}

impl Forwarder {
    #[expect(clippy::disallowed_methods, reason = "the driver of the pure lines")]
    fn new(options: Options, near: UdpSocket, control: Arc<Control>) -> Self {
        Self {
            near,
            to: options.to,
            clients: Vec::new(),
            by_address: HashMap::new(),
            lines: [
                Line::new(options.up, options.seed),
                Line::new(options.down, !options.seed),
            ],
            late: [Late::default(), Late::default()],
            control,
            started: Instant::now(),
            buffer: vec![0; 65_536].into(),
        }
    }

    fn run(mut self) {
        // Being late falsifies what is measured through it; without privilege it stays as it is.
        let _ = rustix::process::setpriority_process(None, -20);
        while self.follow_control() {
            let mut read = self.read_near();
            for client in 0..self.clients.len() {
                read |= self.read_far(client);
            }
            self.deliver();
            if !read {
                self.wait();
            }
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes new settings and shows the counters; false when it is to stop.
    fn follow_control(&mut self) -> bool {
        let mut state = self.control.state();
        if std::mem::take(&mut state.changed) {
            for (line, shape) in self.lines.iter_mut().zip(state.shapes) {
                line.set_shape(shape);
            }
        }
        for (at, line) in self.lines.iter().enumerate() {
            state.stats[at] = Stats {
                late_p50_us: self.late[at].quantile(0.5),
                late_p99_us: self.late[at].quantile(0.99),
                ..line.stats()
            };
        }
        !state.stopping
    }

    fn read_near(&mut self) -> bool {
        for turn in 0..TURN {
            let Ok((len, from)) = self.near.recv_from(&mut self.buffer) else {
                return turn > 0;
            };
            let now = self.now();
            if let Some(client) = self.client(from) {
                let packet = (client, self.buffer[..len].into());
                self.lines[Direction::Up as usize].offer(now, len, packet);
            }
        }
        true
    }

    fn client(&mut self, from: SocketAddr) -> Option<usize> {
        if let Some(client) = self.by_address.get(&from) {
            return Some(*client);
        }
        if self.clients.len() == MAX_CLIENTS {
            return None;
        }
        let any = match self.to.ip() {
            IpAddr::V4(ip) if ip.is_loopback() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let far = UdpSocket::bind((any, 0)).ok()?;
        far.connect(self.to).ok()?;
        prepare(&far).ok()?;
        let client = self.clients.len();
        self.clients.push(Client { address: from, far });
        self.by_address.insert(from, client);
        Some(client)
    }

    fn read_far(&mut self, client: usize) -> bool {
        for turn in 0..TURN {
            // Errors are those of packets sent earlier to a port nobody listens on.
            let Ok(len) = self.clients[client].far.recv(&mut self.buffer) else {
                return turn > 0;
            };
            let now = self.now();
            let packet = (client, self.buffer[..len].into());
            self.lines[Direction::Down as usize].offer(now, len, packet);
        }
        true
    }

    fn deliver(&mut self) {
        for direction in DIRECTIONS {
            let at = direction as usize;
            loop {
                let now = self.now();
                let Some((due, (client, bytes))) = self.lines[at].due(now) else {
                    break;
                };
                self.late[at].note(now.saturating_sub(due));
                let client = &self.clients[client];
                // UDP promises nothing, and a full socket buffer is one more loss.
                let _ = match direction {
                    Direction::Up => client.far.send(&bytes),
                    Direction::Down => self.near.send_to(&bytes, client.address),
                };
            }
        }
    }

    /// Until a packet comes, one is due, or the control has something to say.
    fn wait(&mut self) {
        let next = self.lines.iter().filter_map(Line::next_due).min();
        let wait = next.map(|due| due.saturating_sub(self.now()));
        let wait = wait.map(|wait| Timespec {
            tv_sec: wait.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        });
        let mut all = vec![
            PollFd::new(&self.control.wake, PollFlags::IN),
            PollFd::new(&self.near, PollFlags::IN),
        ];
        let far = self.clients.iter().map(|client| client.far.as_fd());
        all.extend(far.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        // Whatever woke it, the next turn looks at everything.
        let _ = poll(&mut all, wait.as_ref());
        let _ = rustix::io::read(&self.control.wake, &mut [0; 8]);
    }
}

/// How late packets were let out, in buckets of 50 µs.
struct Late {
    buckets: [u64; LATE_BUCKETS],
    all: u64,
}

impl Default for Late {
    fn default() -> Self {
        Self {
            buckets: [0; LATE_BUCKETS],
            all: 0,
        }
    }
}

impl Late {
    fn note(&mut self, late: Duration) {
        let bucket = usize::try_from(late.as_micros() / u128::from(LATE_BUCKET_US));
        let bucket = bucket.unwrap_or(usize::MAX).min(LATE_BUCKETS - 1);
        self.buckets[bucket] += 1;
        self.all += 1;
    }

    /// The upper edge of the bucket in which this share of packets is reached, µs.
    fn quantile(&self, share: f64) -> u64 {
        let wanted = (self.all as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return (bucket as u64 + 1) * LATE_BUCKET_US;
            }
        }
        0
    }
}
