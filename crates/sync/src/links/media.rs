//! The media connection of a link: datagrams as they are, and one stream of control messages.
//! It is dialled by the side that dialled sync, once the link is up, and again when it breaks.

use super::congestion::set_free;
use super::counters::add;
use super::{Backoff, CLOSE_GARBAGE, CLOSE_REFUSED, CLOSE_STOPPING, HANDSHAKE, Shared, close};
use crate::identity::LINK_NAME;
use crate::status::MediaPipe;
use crate::stream::{StreamError, read_body};
use crate::wire::MAX_CONTROL_LEN;
use bytes::Bytes;
use records::id::SiteId;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

const DATAGRAMS: usize = 256;
/// Few, since what was handed over can no longer be dropped for something newer.
const HANDED_OVER: usize = 16;
const MESSAGES: usize = 64;
const MTU_LOOK: Duration = Duration::from_secs(1);

/// Keeps a media connection to a linked peer until the task is dropped with its link.
pub(super) async fn dial(shared: Arc<Shared>, address: SocketAddr, peer: SiteId) {
    let mut backoff = Backoff::default();
    loop {
        if let Some((connection, streams)) = connect(&shared, address, peer).await {
            backoff = Backoff::default();
            if !carry(&shared, &connection, streams, peer).await {
                return;
            }
        }
        tokio::time::sleep(backoff.next(&mut shared.rng())).await;
    }
}

async fn connect(
    shared: &Shared,
    address: SocketAddr,
    peer: SiteId,
) -> Option<(quinn::Connection, (quinn::SendStream, quinn::RecvStream))> {
    let config = shared.media_client.clone();
    let connecting = shared.endpoint.connect_with(config, address, LINK_NAME);
    let connection = connecting.ok()?.await.ok()?;
    set_free(&connection);
    if shared.peer_of(&connection) != Some(peer) {
        close(&connection, CLOSE_GARBAGE);
        return None;
    }
    let opened = tokio::time::timeout(HANDSHAKE, connection.open_bi()).await;
    let (mut send, receive) = opened.ok()?.ok()?;
    // A stream exists for the other side only once something was written; an empty message
    // says nothing.
    send.write_all(&[0; 4]).await.ok()?;
    Some((connection, (send, receive)))
}

/// Takes a media connection from a peer whose link is up.
pub(super) async fn accept(shared: Arc<Shared>, connection: quinn::Connection, peer: SiteId) {
    let streams = tokio::time::timeout(HANDSHAKE, connection.accept_bi()).await;
    let Ok(Ok(streams)) = streams else {
        close(&connection, CLOSE_REFUSED);
        return;
    };
    let is_up = tokio::select! {
        is_up = shared.wait_up(peer) => is_up,
        _ = connection.closed() => false,
    };
    if is_up {
        carry(&shared, &connection, streams, peer).await;
    }
    close(&connection, CLOSE_STOPPING);
}

/// Carries bytes until the connection or the pipe ends; false if nobody takes pipes any more.
async fn carry(
    shared: &Arc<Shared>,
    connection: &quinn::Connection,
    streams: (quinn::SendStream, quinn::RecvStream),
    peer: SiteId,
) -> bool {
    let (send, receive) = streams;
    let (datagrams_out, to_send) = mpsc::channel(DATAGRAMS);
    let (received, datagrams_in) = mpsc::channel(HANDED_OVER);
    let (control_out, to_write) = mpsc::channel(MESSAGES);
    let (read, control_in) = mpsc::channel(MESSAGES);
    let size = connection.max_datagram_size().unwrap_or(0);
    let (mtu, max_datagram) = watch::channel(size);
    let pipe = MediaPipe {
        peer,
        datagrams_out,
        datagrams_in,
        control_out,
        control_in,
        max_datagram,
    };
    tokio::select! {
        sent = shared.media_pipes.send(pipe) => if sent.is_err() {
            return false;
        },
        _ = connection.closed() => return true,
    }
    tokio::select! {
        () = send_datagrams(shared, connection, to_send) => {}
        () = receive_datagrams(shared, connection, received) => {}
        () = write_control(send, to_write) => {}
        () = read_control(shared, connection, receive, read) => {}
        () = watch_size(connection, mtu) => {}
        () = shared.link_gone(peer) => {}
    }
    close(connection, CLOSE_STOPPING);
    true
}

async fn send_datagrams(
    shared: &Shared,
    connection: &quinn::Connection,
    mut datagrams: mpsc::Receiver<Bytes>,
) {
    while let Some(datagram) = datagrams.recv().await {
        let counters = &shared.counters;
        // quinn makes room by dropping the oldest.
        if connection.datagram_send_buffer_space() < datagram.len() {
            add(&counters.datagrams_dropped, 1);
        }
        match connection.send_datagram(datagram) {
            Ok(()) => add(&counters.datagrams_out, 1),
            Err(quinn::SendDatagramError::TooLarge) => add(&counters.datagrams_dropped, 1),
            Err(_) => return,
        }
    }
}

async fn receive_datagrams(
    shared: &Shared,
    connection: &quinn::Connection,
    out: mpsc::Sender<Bytes>,
) {
    let mut ring: VecDeque<Bytes> = VecDeque::with_capacity(DATAGRAMS);
    loop {
        tokio::select! {
            datagram = connection.read_datagram() => {
                let Ok(datagram) = datagram else {
                    return;
                };
                add(&shared.counters.datagrams_in, 1);
                if ring.len() == DATAGRAMS {
                    ring.pop_front();
                    add(&shared.counters.datagrams_dropped, 1);
                }
                ring.push_back(datagram);
            }
            permit = out.reserve(), if !ring.is_empty() => {
                let (Ok(permit), Some(datagram)) = (permit, ring.pop_front()) else {
                    return;
                };
                permit.send(datagram);
            }
            () = out.closed() => return,
        }
    }
}

async fn write_control(mut stream: quinn::SendStream, mut messages: mpsc::Receiver<Bytes>) {
    while let Some(message) = messages.recv().await {
        let len = match u32::try_from(message.len()) {
            Ok(len) if message.len() <= MAX_CONTROL_LEN => len,
            _ => {
                tracing::error!(len = message.len(), "media control message over its limit");
                return;
            }
        };
        let written = stream.write_all(&len.to_be_bytes()).await;
        if written.is_err() || stream.write_all(&message).await.is_err() {
            return;
        }
    }
}

async fn read_control(
    shared: &Shared,
    connection: &quinn::Connection,
    mut stream: quinn::RecvStream,
    out: mpsc::Sender<Bytes>,
) {
    let uncounted = AtomicU64::new(0);
    loop {
        match read_body(&mut stream, MAX_CONTROL_LEN, &uncounted).await {
            Ok(message) if message.is_empty() => {}
            Ok(message) => {
                if out.send(message.into()).await.is_err() {
                    return;
                }
            }
            Err(StreamError::Wire(_)) => {
                add(&shared.counters.garbage, 1);
                close(connection, CLOSE_GARBAGE);
                return;
            }
            Err(StreamError::Ended) => return,
        }
    }
}

async fn watch_size(connection: &quinn::Connection, mtu: watch::Sender<usize>) {
    let mut look = tokio::time::interval(MTU_LOOK);
    let mut address = connection.remote_address();
    loop {
        look.tick().await;
        // At a new address quinn begins with a new controller, which knows nothing of media.
        if std::mem::replace(&mut address, connection.remote_address()) != address {
            set_free(connection);
        }
        let size = connection.max_datagram_size().unwrap_or(0);
        mtu.send_if_modified(|known| std::mem::replace(known, size) != size);
    }
}
