//! Frames between the streams of a link and its session: the live lane is the stream the dialling
//! side opened, the bulk lane one of its own in each direction, below it in priority.

use super::counters::{Counters, LinkBytes, add};
use crate::stream::{StreamError, read_body};
use crate::wire::{self, Frame, Lane, MAX_BODY_LEN, WireError};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Ahead of everything on the connection; requests for attachments are below both lanes.
const LIVE_PRIORITY: i32 = 10;
const BULK_PRIORITY: i32 = 0;

/// Where a link counts.
#[derive(Clone)]
pub(super) struct Meters {
    pub(super) all: Arc<Counters>,
    pub(super) link: Arc<LinkBytes>,
}

pub(super) type Received = Result<Frame, StreamError>;

pub(super) async fn read_live(
    meters: Meters,
    stream: quinn::RecvStream,
    frames: mpsc::Sender<Received>,
) {
    read_frames(Lane::Live, &meters, stream, &frames).await;
}

/// The peer opens its bulk stream when it has something for it.
pub(super) async fn read_bulk(
    meters: Meters,
    connection: quinn::Connection,
    frames: mpsc::Sender<Received>,
) {
    if let Ok(stream) = connection.accept_uni().await {
        read_frames(Lane::Bulk, &meters, stream, &frames).await;
    }
}

async fn read_frames(
    lane: Lane,
    meters: &Meters,
    mut stream: quinn::RecvStream,
    frames: &mpsc::Sender<Received>,
) {
    loop {
        let body = read_body(&mut stream, MAX_BODY_LEN, &meters.link.received).await;
        let frame = body.and_then(|body| {
            add(&meters.all.bytes_in, body.len() as u64 + 4);
            add(&meters.all.frames_in, 1);
            let frame = wire::decode_frame(&body)?;
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

pub(super) async fn write_live(
    meters: Meters,
    stream: quinn::SendStream,
    frames: mpsc::Receiver<Frame>,
) {
    write_frames(&meters, stream, LIVE_PRIORITY, frames).await;
}

/// Opens the bulk stream with the first frame for it.
pub(super) async fn write_bulk(
    meters: Meters,
    connection: quinn::Connection,
    mut frames: mpsc::Receiver<Frame>,
) {
    let Some(first) = frames.recv().await else {
        return;
    };
    let Ok(mut stream) = connection.open_uni().await else {
        return;
    };
    if write_frame(&meters, &mut stream, &first).await {
        write_frames(&meters, stream, BULK_PRIORITY, frames).await;
    }
}

async fn write_frames(
    meters: &Meters,
    mut stream: quinn::SendStream,
    priority: i32,
    mut frames: mpsc::Receiver<Frame>,
) {
    // It fails only for a stream that is over, which the next write notices.
    let _ = stream.set_priority(priority);
    while let Some(frame) = frames.recv().await {
        if !write_frame(meters, &mut stream, &frame).await {
            return;
        }
    }
}

async fn write_frame(meters: &Meters, stream: &mut quinn::SendStream, frame: &Frame) -> bool {
    let bytes = wire::encode_frame(frame).expect("a batch and one bundle fit a message");
    if stream.write_all(&bytes).await.is_err() {
        return false;
    }
    add(&meters.all.bytes_out, bytes.len() as u64);
    add(&meters.all.frames_out, 1);
    add(&meters.link.sent, bytes.len() as u64);
    true
}
