//! One worker's UDP socket: batched reads, and writes in which runs of equal packets to one
//! address leave with a single system call (GSO).

use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};

/// Send and receive buffers asked for; a key frame to fifty viewers is a burst of megabytes.
const BUFFER: usize = 8 << 20;
/// Packets collected before they are sent even though more may follow.
const MAX_QUEUED: usize = 512;
/// One read takes up to this much, since the kernel may merge datagrams.
const READ: usize = 65_535;
/// Longest run in one call, bytes, below what an IP datagram can hold.
const MAX_RUN: usize = 60_000;

pub(super) struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
    queued: Vec<Queued>,
    bytes: Vec<u8>,
    reads: Vec<Box<[u8]>>,
    pub(super) send_errors: u64,
}

struct Queued {
    to: SocketAddr,
    start: usize,
    length: usize,
}

impl Socket {
    pub(super) fn bind(listen: SocketAddr) -> std::io::Result<Self> {
        let socket = UdpSocket::bind(listen)?;
        socket.set_nonblocking(true)?;
        let options = socket2::SockRef::from(&socket);
        // The system may grant less; that costs packets under load, not correctness.
        let _granted = options.set_send_buffer_size(BUFFER);
        let _granted = options.set_recv_buffer_size(BUFFER);
        let state = UdpSocketState::new((&socket).into())?;
        let reads = (0..BATCH_SIZE.min(8))
            .map(|_| vec![0; READ].into_boxed_slice())
            .collect();
        Ok(Self {
            socket,
            state,
            queued: Vec::new(),
            bytes: Vec::new(),
            reads,
            send_errors: 0,
        })
    }

    pub(super) fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Reads what is there, at most a batch, and hands each datagram over with its source and the
    /// address it was sent to. True when there may be more.
    pub(super) fn receive(
        &mut self,
        mut each: impl FnMut(SocketAddr, Option<std::net::IpAddr>, &[u8]),
    ) -> bool {
        let mut meta = [RecvMeta::default(); 8];
        let mut slices: Vec<IoSliceMut<'_>> = self
            .reads
            .iter_mut()
            .map(|buffer| IoSliceMut::new(buffer))
            .collect();
        let count = slices.len();
        let received = self
            .state
            .recv((&self.socket).into(), &mut slices, &mut meta[..count]);
        drop(slices);
        // Errors other than "nothing there" belong to one datagram (ICMP); the rest goes on.
        let Ok(received) = received else { return false };
        for (meta, buffer) in meta.iter().zip(&self.reads).take(received) {
            let datagrams = &buffer[..meta.len.min(buffer.len())];
            for datagram in datagrams.chunks(meta.stride.max(1)) {
                each(meta.addr, meta.dst_ip, datagram);
            }
        }
        received == count
    }

    pub(super) fn push(&mut self, to: SocketAddr, packet: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(packet);
        self.queued.push(Queued {
            to,
            start,
            length: packet.len(),
        });
        if self.queued.len() >= MAX_QUEUED {
            self.flush();
        }
    }

    pub(super) fn flush(&mut self) {
        let most = self.state.max_gso_segments();
        let mut at = 0;
        while at < self.queued.len() {
            let run = run_length(&self.queued[at..], most);
            let first = &self.queued[at];
            let last = &self.queued[at + run - 1];
            let transmit = Transmit {
                destination: first.to,
                ecn: None,
                contents: &self.bytes[first.start..last.start + last.length],
                segment_size: (run > 1).then_some(first.length),
                src_ip: None,
            };
            // A full buffer loses packets as the network would; the peer asks for them again.
            if self
                .state
                .try_send((&self.socket).into(), &transmit)
                .is_err()
            {
                self.send_errors += run as u64;
            }
            at += run;
        }
        self.queued.clear();
        self.bytes.clear();
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// How many of the first packets can leave together: one address, one size, the last may be
/// shorter.
fn run_length(queued: &[Queued], most: usize) -> usize {
    let first = &queued[0];
    let mut run = 1;
    let mut total = first.length;
    while let Some(next) = queued.get(run) {
        let fits = run < most && total + next.length <= MAX_RUN;
        let before_was_full = queued[run - 1].length == first.length;
        if !fits || !before_was_full || next.to != first.to || next.length > first.length {
            break;
        }
        total += next.length;
        run += 1;
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(packets: &[(u16, usize)]) -> Vec<Queued> {
        packets
            .iter()
            .map(|(port, length)| Queued {
                to: SocketAddr::from(([127, 0, 0, 1], *port)),
                start: 0,
                length: *length,
            })
            .collect()
    }

    #[test]
    fn equal_packets_to_one_viewer_leave_together_and_the_shorter_last_one_with_them() {
        assert_eq!(
            run_length(&queue(&[(1, 900), (1, 900), (1, 300), (1, 300)]), 64),
            3
        );
        assert_eq!(run_length(&queue(&[(1, 900), (2, 900)]), 64), 1);
        assert_eq!(run_length(&queue(&[(1, 300), (1, 900)]), 64), 1);
        assert_eq!(run_length(&queue(&[(1, 900), (1, 900), (1, 900)]), 2), 2);
    }
}
