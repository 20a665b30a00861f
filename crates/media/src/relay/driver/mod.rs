//! A link's task: control messages, datagrams and frames between the byte pipes, the pure
//! [`Link`] and the hubs.

mod serve;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};

use crate::api::{MediaError, MediaEvent, PacketPair, PeerSite, Reason, SourceState};
use crate::assemble::{Assembler, Patience};
use crate::forward::KeyThrottle;
use crate::frame::{Codec, Frame, Kind};
use crate::hub::{Hub, Input, ViewerGuard};
use crate::relay::flow::FlowSender;
use crate::relay::link::{Effect, Link};
use crate::relay::remote::{LinkCommand, Phase, Relay};
use crate::relay::wire::{self, Key, Message, State};
use crate::rtp::{self, Rtp};

/// Commands that wait for a link's task.
pub(crate) const COMMANDS: usize = 256;
/// Frames that wait for a link: about two seconds of twenty sources.
const FRAMES: usize = 1_024;
/// Control messages that wait for the transport.
const CONTROL: usize = 256;
/// Room in that queue that media leaves to everything else.
const CONTROL_KEPT_FREE: usize = 64;
/// Payload of one message of packets, bytes, well below the bound on messages.
const CHUNK: usize = 32 * 1024;
/// A cache is sent again to one subscription at most this often.
const REPEAT_INTERVAL: Duration = Duration::from_secs(1);

/// Finds the hub of a source of this site.
pub(crate) type LocalHub = Arc<dyn Fn(&Key) -> Result<Arc<Hub>, MediaError> + Send + Sync>;

/// What a link's task is started with.
pub(crate) struct Start {
    pub(crate) id: u64,
    pub(crate) site: PeerSite,
    pub(crate) peer: PeerSite,
    pub(crate) pair: PacketPair,
    pub(crate) commands: mpsc::Receiver<LinkCommand>,
    pub(crate) answers: mpsc::WeakSender<LinkCommand>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) local: LocalHub,
    pub(crate) events: broadcast::Receiver<MediaEvent>,
}

/// Something the other site watches through us.
struct Serving {
    key: Key,
    hub: Arc<Hub>,
    sink: u64,
    flow: u64,
    counted: ViewerGuard,
    senders: [FlowSender; 2],
    repeated_at: Option<Instant>,
}

/// Something we watch through the other site.
struct Receiving {
    assemblers: Vec<(Codec, Assembler)>,
    throttle: KeyThrottle,
}

struct Task {
    site: PeerSite,
    peer: PeerSite,
    link: Link,
    relay: Arc<Relay>,
    local: LocalHub,
    /// Weak: the task ends when the engine forgets the link.
    answers: mpsc::WeakSender<LinkCommand>,
    control: mpsc::Sender<Bytes>,
    datagrams: mpsc::Sender<Bytes>,
    max_datagram: watch::Receiver<usize>,
    frames: mpsc::Sender<(u32, Arc<Frame>)>,
    serving: HashMap<u32, Serving>,
    receiving: HashMap<Key, Receiving>,
}

/// Runs a link until its pipes close.
pub(crate) async fn run(start: Start) {
    let (id, peer, relay) = (start.id, start.peer, Arc::clone(&start.relay));
    let PacketPair {
        datagrams_out,
        mut datagrams_in,
        control_out,
        mut control_in,
        max_datagram,
    } = start.pair;
    let (mut commands, mut events) = (start.commands, start.events);
    // A task of its own: a link whose both ends wait to write would never read.
    let (control, mut queued) = mpsc::channel::<Bytes>(CONTROL);
    let writer = tokio::spawn(async move {
        while let Some(message) = queued.recv().await {
            if control_out.send(message).await.is_err() {
                return;
            }
        }
    });
    let (frames, mut frame_queue) = mpsc::channel(FRAMES);
    let mut task = Task {
        site: start.site,
        peer,
        link: Link::default(),
        relay: start.relay,
        local: start.local,
        answers: start.answers,
        control,
        datagrams: datagrams_out,
        max_datagram,
        frames,
        serving: HashMap::new(),
        receiving: HashMap::new(),
    };
    loop {
        let deadline = task.deadline();
        let open = tokio::select! {
            message = control_in.recv() => message.is_some_and(|bytes| task.control(&bytes)),
            datagram = datagrams_in.recv() => datagram.map(|bytes| task.datagram(&bytes)).is_some(),
            command = commands.recv() => command.map(|command| task.command(command)).is_some(),
            frame = frame_queue.recv() => {
                if let Some((request, frame)) = frame {
                    task.send_frame(request, &frame, false);
                }
                true
            }
            event = events.recv() => {
                match event {
                    Ok(event) => task.event(&event),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => break,
                }
                true
            }
            () = until(deadline) => { task.assemble_all(clock()); true }
        };
        if !open {
            break;
        }
    }
    task.end();
    writer.abort();
    relay.detach(peer, id);
}

impl Task {
    fn deadline(&self) -> Option<Instant> {
        let assemblers = self
            .receiving
            .values()
            .flat_map(|receiving| &receiving.assemblers);
        assemblers
            .filter_map(|(_, assembler)| assembler.deadline())
            .min()
    }

    /// False when the other site does not speak our language: the link is given up.
    fn control(&mut self, bytes: &Bytes) -> bool {
        match wire::decode(bytes) {
            Ok(Some(Message::Packets(packets))) => {
                let now = clock();
                for packet in packets.packets {
                    if let Some(rtp) = rtp::parse(&Vec::from(packet).into()) {
                        self.received(packets.flow, rtp, packets.catch_up, now);
                    }
                }
            }
            Ok(Some(message)) => {
                let effects = self.link.message(message);
                self.apply(effects);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "a media link is closed for a message it should not send");
                return false;
            }
        }
        true
    }

    fn datagram(&mut self, bytes: &Bytes) {
        if let Some((flow, rtp)) = wire::parse_datagram(bytes) {
            self.received(flow, rtp, false, clock());
        }
    }

    fn received(&mut self, flow: u64, rtp: Rtp, catch_up: bool, now: Instant) {
        let Some((key, kind)) = self.link.source_of(flow) else {
            return;
        };
        let bytes = (rtp::HEADER + rtp.payload.len()) as u64;
        self.relay.count(self.peer, key, |stats| {
            stats.packets_in += 1;
            stats.bytes_in += bytes;
        });
        let Some(receiving) = self.receiving.get_mut(&key) else {
            return;
        };
        let mut assemblers = receiving.assemblers.iter_mut();
        if let Some((_, assembler)) = assemblers.find(|(codec, _)| codec.kind() == kind) {
            assembler.push(rtp, catch_up, now);
        }
        self.assemble(&key, now);
    }

    fn assemble_all(&mut self, now: Instant) {
        let keys: Vec<Key> = self.receiving.keys().copied().collect();
        keys.iter().for_each(|key| self.assemble(key, now));
    }

    fn assemble(&mut self, key: &Key, now: Instant) {
        let Some(receiving) = self.receiving.get_mut(key) else {
            return;
        };
        let Some(remote) = self.relay.remote(key) else {
            return;
        };
        let mut need_key = false;
        for (codec, assembler) in &mut receiving.assemblers {
            while let Some(frame) = assembler.poll(now) {
                need_key |= frame.after_loss && codec.kind() == Kind::Video;
                remote.hub.push(Input {
                    codec: *codec,
                    key: frame.key,
                    timestamp: frame.timestamp,
                    packets: frame.packets,
                    after_loss: frame.after_loss || frame.restarted,
                    catch_up: frame.catch_up,
                });
                let playing = Phase::Open(SourceState::Playing, None);
                remote.set_phase(&self.relay, playing);
            }
        }
        if need_key && receiving.throttle.ask(now) {
            let effects = self.link.need_key(key);
            self.apply(effects);
        }
    }

    fn command(&mut self, command: LinkCommand) {
        let effects = match command {
            LinkCommand::Want { key, viewers } => self.link.want(key, &viewers),
            LinkCommand::Release(key) => {
                self.receiving.remove(&key);
                self.subscribed(key, 0);
                self.link.release(&key)
            }
            LinkCommand::NeedKey(key) => self.link.need_key(&key),
            LinkCommand::Answer {
                request,
                outcome: Ok(served),
            } => {
                self.serve(request, served);
                Vec::new()
            }
            LinkCommand::Answer {
                request,
                outcome: Err(reason),
            } => {
                vec![Effect::Send(self.link.refuse(request, reason))]
            }
        };
        self.apply(effects);
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(message) => self.send(&message),
                Effect::Asked {
                    request,
                    key,
                    viewers,
                } => self.asked(request, key, viewers),
                Effect::Renamed { request, viewers } => self.renamed(request, viewers),
                Effect::Released { request } => self.released(request),
                Effect::KeyWanted { request } => self.key_wanted(request),
                Effect::Opened { key, video, audio } => self.opened(key, video, audio),
                Effect::Refused { key, reason } => {
                    self.receiving.remove(&key);
                    self.subscribed(key, 0);
                    if let Some(remote) = self.relay.remote(&key) {
                        remote.set_phase(&self.relay, Phase::Refused(reason));
                    }
                }
                Effect::State { key, state, reason } => {
                    if let Some(remote) = self.relay.remote(&key) {
                        remote.set_phase(&self.relay, Phase::Open(state, reason));
                    }
                }
            }
        }
    }

    fn send(&self, message: &Message) {
        if self.control.try_send(wire::encode(message)).is_err() {
            tracing::warn!("a media link's control queue is full");
        }
    }

    fn opened(&mut self, key: Key, video: Option<Codec>, audio: Option<Codec>) {
        let codecs = [video, audio].into_iter().flatten();
        let assemblers = codecs
            .map(|codec| (codec, Assembler::new(codec, Patience::LINK)))
            .collect();
        self.receiving.insert(
            key,
            Receiving {
                assemblers,
                throttle: KeyThrottle::default(),
            },
        );
        self.subscribed(key, 1);
        if let Some(remote) = self.relay.remote(&key) {
            remote.hub.restart();
            if video != Some(Codec::Vp8) {
                // What makes no key frames on demand is repeated from the nearest cache instead.
                remote.hub.set_key_ask(None);
            }
            remote.opened(&self.relay, video, audio);
        }
    }

    fn subscribed(&self, key: Key, subscriptions: usize) {
        self.relay
            .count(self.peer, key, |stats| stats.subscriptions = subscriptions);
    }

    /// Tells the other site when something it watches changes its state.
    fn event(&mut self, event: &MediaEvent) {
        let (owner, source, state, reason) = match event {
            MediaEvent::CameraChanged(camera) => {
                (self.site, camera.id, camera.state, camera.reason)
            }
            MediaEvent::RemoteChanged(remote) => {
                (remote.site, remote.source, remote.state, remote.reason)
            }
            MediaEvent::PublisherUp { source, .. } => {
                (self.site, *source, SourceState::Playing, None)
            }
            MediaEvent::PublisherDown { source, .. } => (
                self.site,
                *source,
                SourceState::Retrying,
                Some(Reason::StreamEnded),
            ),
            MediaEvent::ViewerUp { .. } | MediaEvent::ViewerDown { .. } => return,
        };
        for (request, serving) in &self.serving {
            if (serving.key.owner, serving.key.source) == (owner, source) {
                self.send(&Message::State(State {
                    request: *request,
                    state: state.code().to_owned(),
                    reason: reason.map(|reason| reason.code().to_owned()),
                }));
            }
        }
    }

    fn end(&mut self) {
        let requests: Vec<u32> = self.serving.keys().copied().collect();
        requests
            .into_iter()
            .for_each(|request| self.released(request));
        let keys: Vec<Key> = self.receiving.keys().copied().collect();
        keys.into_iter().for_each(|key| self.subscribed(key, 0));
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the driver of the pure parts reads the clock"
)]
fn clock() -> Instant {
    Instant::now()
}
