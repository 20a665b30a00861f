//! Frames between the streams of a link and its session: the live lane is the stream the dialling
//! side opened, the bulk lane one of its own in each direction, below it in priority.

use super::counters::{Counters, LinkBytes, add};
use super::link::Guard;
use crate::stream::{StreamError, read_body};
use crate::wire::{Carried, Frame, Lane, MAX_BODY_LEN, Streams, WireError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// Ahead of everything on the connection; requests for attachments are below both lanes.
const LIVE_PRIORITY: i32 = 10;
const BULK_PRIORITY: i32 = 0;

/// Frames decoded ahead of the session.
const FRAMES_AHEAD: usize = 2;
/// Frames of a lane that wait for their stream, and their bytes. The session's own windows keep
/// it far below.
const FRAMES_BEHIND: usize = 1024;
const LEN_BEHIND: usize = 8 * 1024 * 1024;

/// Where a link counts.
#[derive(Clone)]
pub(super) struct Meters {
    pub(super) all: Arc<Counters>,
    pub(super) link: Arc<LinkBytes>,
}

pub(super) type Received = Result<Frame, StreamError>;

/// The frames of the two lanes as they come in.
pub(super) struct Arriving {
    pub(super) live: mpsc::Receiver<Received>,
    pub(super) bulk: mpsc::Receiver<Received>,
}

/// The two lanes on their way out.
pub(super) struct Leaving {
    live: Queue,
    bulk: Queue,
}

/// Frames that wait for their stream.
struct Queue {
    frames: mpsc::Sender<Frame>,
    waiting: Arc<AtomicUsize>,
}

/// The other end of a [`Queue`].
struct Queued {
    frames: mpsc::Receiver<Frame>,
    waiting: Arc<AtomicUsize>,
}

fn queue() -> (Queue, Queued) {
    let (frames, queued) = mpsc::channel(FRAMES_BEHIND);
    let waiting = Arc::<AtomicUsize>::default();
    let queued = Queued {
        frames: queued,
        waiting: waiting.clone(),
    };
    (Queue { frames, waiting }, queued)
}

impl Leaving {
    /// Hands a frame to its stream; false if too much waits there already.
    pub(super) fn send(&self, frame: Frame) -> bool {
        let queue = match frame.lane() {
            Lane::Live => &self.live,
            Lane::Bulk => &self.bulk,
        };
        let len = frame.weight();
        let waiting = queue.waiting.fetch_add(len, Ordering::Relaxed);
        waiting + len <= LEN_BEHIND && queue.frames.try_send(frame).is_ok()
    }
}

/// Starts what carries the frames of both lanes, until the guards are dropped.
pub(super) fn start(
    meters: &Meters,
    connection: &quinn::Connection,
    (send, receive): (quinn::SendStream, quinn::RecvStream),
) -> (Leaving, Arriving, [Guard; 4]) {
    let ((live_out, live_to_write), (bulk_out, bulk_to_write)) = (queue(), queue());
    let (live_received, live) = mpsc::channel(FRAMES_AHEAD);
    let (bulk_received, bulk) = mpsc::channel(FRAMES_AHEAD);
    let Streams { outgoing, incoming } = Streams::default();
    let ([live_sent, bulk_sent], [live_got, bulk_got]) = (outgoing, incoming);
    let (m, c) = (|| meters.clone(), || connection.clone());
    let carriers = [
        tokio::spawn(read_live(m(), receive, live_got, live_received)),
        tokio::spawn(read_bulk(m(), c(), bulk_got, bulk_received)),
        tokio::spawn(write_frames(
            m(),
            send,
            LIVE_PRIORITY,
            live_sent,
            live_to_write,
        )),
        tokio::spawn(write_bulk(m(), c(), bulk_sent, bulk_to_write)),
    ];
    let leaving = Leaving {
        live: live_out,
        bulk: bulk_out,
    };
    (leaving, Arriving { live, bulk }, carriers.map(Guard))
}

async fn read_live(
    meters: Meters,
    stream: quinn::RecvStream,
    carried: Carried,
    frames: mpsc::Sender<Received>,
) {
    read_frames(Lane::Live, &meters, stream, carried, &frames).await;
}

/// The peer opens its bulk stream when it has something for it.
async fn read_bulk(
    meters: Meters,
    connection: quinn::Connection,
    carried: Carried,
    frames: mpsc::Sender<Received>,
) {
    if let Ok(stream) = connection.accept_uni().await {
        read_frames(Lane::Bulk, &meters, stream, carried, &frames).await;
    }
}

async fn read_frames(
    lane: Lane,
    meters: &Meters,
    mut stream: quinn::RecvStream,
    mut carried: Carried,
    frames: &mpsc::Sender<Received>,
) {
    loop {
        let body = read_body(&mut stream, MAX_BODY_LEN, &meters.link.received).await;
        let frame = body.and_then(|body| {
            add(&meters.all.bytes_in, body.len() as u64 + 4);
            add(&meters.all.frames_in, 1);
            let frame = carried.decode(&body)?;
            if frame.lane() == lane {
                Ok(frame)
            } else {
                Err(WireError::Malformed.into())
            }
        });
        let is_last = frame.is_err();
        if frames.send(frame).await.is_err() || is_last {
            return;
        }
    }
}

/// Opens the bulk stream with the first frame for it.
async fn write_bulk(
    meters: Meters,
    connection: quinn::Connection,
    mut carried: Carried,
    mut queued: Queued,
) {
    let Some(first) = queued.frames.recv().await else {
        return;
    };
    let Ok(mut stream) = connection.open_uni().await else {
        return;
    };
    let written = write_frame(&meters, &mut stream, &mut carried, first, &queued.waiting);
    if written.await {
        write_frames(meters, stream, BULK_PRIORITY, carried, queued).await;
    }
}

async fn write_frames(
    meters: Meters,
    mut stream: quinn::SendStream,
    priority: i32,
    mut carried: Carried,
    mut queued: Queued,
) {
    // It fails only for a stream that is over, which the next write notices.
    let _ = stream.set_priority(priority);
    while let Some(frame) = queued.frames.recv().await {
        let written = write_frame(&meters, &mut stream, &mut carried, frame, &queued.waiting);
        if !written.await {
            return;
        }
    }
}

async fn write_frame(
    meters: &Meters,
    stream: &mut quinn::SendStream,
    carried: &mut Carried,
    frame: Frame,
    waiting: &AtomicUsize,
) -> bool {
    let bytes = carried
        .encode(&frame)
        .expect("a batch and one bundle fit a message");
    if stream.write_all(&bytes).await.is_err() {
        return false;
    }
    waiting.fetch_sub(frame.weight(), Ordering::Relaxed);
    add(&meters.all.bytes_out, bytes.len() as u64);
    add(&meters.all.frames_out, 1);
    add(&meters.link.sent, bytes.len() as u64);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::bundle::Bundle;

    #[test]
    fn a_peer_that_asks_and_never_reads_holds_a_bounded_number_of_bytes() {
        let ((live, _live), (bulk, _bulk)) = (queue(), queue());
        let leaving = Leaving { live, bulk };
        let bundle = Bundle {
            header: vec![0; 200],
            payload: vec![0; 256 * 1024],
            signature: [0; 64],
        };
        let given = Frame::Give {
            wanted: true,
            bundles: vec![bundle],
        };
        let sent = (0..FRAMES_BEHIND).take_while(|_| leaving.send(given.clone()));
        assert_eq!(sent.count(), LEN_BEHIND / given.weight());
        // What is new goes another way.
        assert!(leaving.send(Frame::Ping { nonce: 1 }));
    }
}
