//! The giving half of a link's task: what the other site asks of us, and the frames it gets.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::BytesMut;
use tokio::sync::mpsc;

use super::{CHUNK, CONTROL_KEPT_FREE, REPEAT_INTERVAL, Serving, Task, clock};
use crate::api::{AdmissionRequest, MediaError, Reason};
use crate::frame::{Frame, Kind};
use crate::hub::Hub;
use crate::relay::flow::{FlowSender, Outgoing};
use crate::relay::remote::{LinkCommand, Served};
use crate::relay::wire::{self, Key, Message, Packets};
use crate::rtp::{self, Rtp};

impl Task {
    fn is_admitted(&self, key: &Key, viewers: &[String]) -> bool {
        let request = AdmissionRequest {
            asking: self.peer,
            owner: key.owner,
            source: key.source,
            viewers: viewers.to_vec(),
        };
        self.relay
            .admission()
            .is_some_and(|admits| admits(&request))
    }

    pub(super) fn asked(&mut self, request: u32, key: Key, viewers: Vec<String>) {
        if !self.is_admitted(&key, &viewers) {
            let refusal = self.link.refuse(request, Reason::NotAdmitted);
            return self.send(&refusal);
        }
        if key.owner == self.site {
            let outcome = (self.local)(&key).map_err(reason_of).map(|hub| {
                let counted = hub.viewer(viewers);
                Served { hub, counted }
            });
            return self.command(LinkCommand::Answer { request, outcome });
        }
        // Asked of whom we would have to ask: a loop, or a stale route.
        if self
            .relay
            .next_hop(&key.owner)
            .is_none_or(|(hop, _)| hop == self.peer)
        {
            let refusal = self.link.refuse(request, Reason::SiteUnreachable);
            return self.send(&refusal);
        }
        let (remote, counted) = self.relay.want(key, viewers);
        let answers = self.answers.clone();
        tokio::spawn(async move {
            let hub = Arc::clone(&remote.hub);
            let outcome = remote.answered().await.map(|()| Served { hub, counted });
            // A closed link wants no answer.
            if let Some(answers) = answers.upgrade() {
                let _closed = answers.send(LinkCommand::Answer { request, outcome }).await;
            }
        });
    }

    pub(super) fn serve(&mut self, request: u32, served: Served) {
        let Served { hub, counted } = served;
        let tracks = hub.tracks();
        // Unsubscribed while the answer was on its way.
        let Some((flow, accepted)) = self.link.accept(request, tracks.video, tracks.audio) else {
            return;
        };
        self.send(&accepted);
        let frames = self.frames.clone();
        let sink = Box::new(move |frame: &Arc<Frame>| {
            !matches!(
                frames.try_send((request, Arc::clone(frame))),
                Err(mpsc::error::TrySendError::Full(_))
            )
        });
        let (sink, cached) = hub.attach(sink);
        let key = self.key_of(&hub);
        let senders = [FlowSender::default(), FlowSender::default()];
        let serving = Serving {
            key,
            hub: Arc::clone(&hub),
            sink,
            flow,
            counted,
            senders,
            repeated_at: (!cached.is_empty()).then(clock),
        };
        self.serving.insert(request, serving);
        self.subscribed(key, 1);
        for frame in cached {
            self.send_frame(request, &frame, true);
        }
        hub.request_key(clock());
    }

    /// The key under which a served hub is known between sites.
    fn key_of(&self, hub: &Arc<Hub>) -> Key {
        let remotes = self.relay.remotes();
        let remote = remotes.iter().find(|remote| remote.hub.id == hub.id);
        remote.map_or(
            Key {
                owner: self.site,
                source: hub.source,
                layer: hub.layer,
            },
            |remote| remote.key,
        )
    }

    pub(super) fn renamed(&mut self, request: u32, viewers: Vec<String>) {
        let Some(serving) = self.serving.get(&request) else {
            return;
        };
        if self.is_admitted(&serving.key, &viewers) {
            serving.counted.rename(viewers);
            return;
        }
        self.released(request);
        let refusal = self.link.refuse(request, Reason::NotAdmitted);
        self.send(&refusal);
    }

    pub(super) fn released(&mut self, request: u32) {
        if let Some(serving) = self.serving.remove(&request) {
            serving.hub.detach(serving.sink);
            self.subscribed(serving.key, 0);
        }
    }

    pub(super) fn key_wanted(&mut self, request: u32) {
        let now = clock();
        let Some(serving) = self.serving.get_mut(&request) else {
            return;
        };
        if serving.hub.makes_keys() {
            return serving.hub.request_key(now);
        }
        let recently = serving
            .repeated_at
            .is_some_and(|at| now.saturating_duration_since(at) < REPEAT_INTERVAL);
        if recently {
            return;
        }
        serving.repeated_at = Some(now);
        serving.senders[usize::from(true)].rewind();
        let cached = serving.hub.cache();
        for frame in cached {
            self.send_frame(request, &frame, true);
        }
    }

    pub(super) fn send_frame(&mut self, request: u32, frame: &Frame, cached: bool) {
        let Some(serving) = self.serving.get_mut(&request) else {
            return;
        };
        let video = frame.codec.kind() == Kind::Video;
        let sender = &mut serving.senders[usize::from(video)];
        let packets = match sender.frame(frame) {
            Outgoing::Packets(packets) => packets,
            Outgoing::Skip => return,
            Outgoing::NeedKey => return serving.hub.request_key(clock()),
        };
        let flow = serving.flow + u64::from(!video);
        let catch_up = cached || frame.catch_up;
        let (key, hub) = (serving.key, Arc::clone(&serving.hub));
        let reliable = catch_up || (video && frame.key);
        let (mut count, mut bytes) = (0, 0);
        let mut complete = true;
        let mut batch = Vec::new();
        for rtp in packets {
            count += 1;
            bytes += (rtp::HEADER + rtp.payload.len()) as u64;
            let datagram = (!reliable).then(|| wire::datagram(flow, &rtp));
            match datagram.filter(|datagram| datagram.len() <= *self.max_datagram.borrow()) {
                Some(datagram) => complete &= self.datagrams.try_send(datagram).is_ok(),
                None => batch.push(rtp),
            }
        }
        complete &= self.send_reliably(flow, catch_up, &batch);
        self.relay.count(self.peer, key, |stats| {
            stats.packets_out += count;
            stats.bytes_out += bytes;
        });
        if !complete {
            hub.dropped.fetch_add(1, Ordering::Relaxed);
            if let Some(serving) = self.serving.get_mut(&request) {
                serving.senders[usize::from(video)].interrupt();
            }
        }
    }

    /// Sends packets by control; false when the queue has no room for them.
    fn send_reliably(&self, flow: u64, catch_up: bool, batch: &[Rtp]) -> bool {
        let mut at = 0;
        while at < batch.len() {
            let (mut size, mut packets) = (0, Vec::new());
            while let Some(rtp) = batch.get(at).filter(|_| size < CHUNK) {
                let mut bytes = BytesMut::new();
                rtp::write(rtp, &mut bytes);
                size += bytes.len();
                packets.push(bytes.to_vec().into());
                at += 1;
            }
            let message = wire::encode(&Message::Packets(Packets {
                flow,
                catch_up,
                packets,
            }));
            if self.control.capacity() <= CONTROL_KEPT_FREE
                || self.control.try_send(message).is_err()
            {
                return false;
            }
        }
        true
    }
}

fn reason_of(error: MediaError) -> Reason {
    match error {
        MediaError::SourceUnavailable(reason) => reason,
        MediaError::CodecUnsupported => Reason::CodecUnsupported,
        MediaError::NotAdmitted => Reason::NotAdmitted,
        _ => Reason::Refused,
    }
}
