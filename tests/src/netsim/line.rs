//! One direction of a line, in virtual time. Pure: packets and the time come in, packets come
//! out when they are due.

use super::shape::{Queue, Shape};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// IP and UDP headers, which the line carries too.
pub const HEADERS_LEN: usize = 28;
/// What may be on its way at once; a line without rate is not a place to keep things.
pub const MAX_ON_WAY: usize = 64 * 1024 * 1024;

/// What became of the packets of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Packets offered.
    pub offered: u64,
    /// Bytes offered, headers not counted.
    pub offered_bytes: u64,
    /// Packets that came out.
    pub delivered: u64,
    /// Bytes that came out, headers not counted.
    pub delivered_bytes: u64,
    /// Lost by chance, alone or in a burst.
    pub lost: u64,
    /// Dropped because the queue was full.
    pub overflowed: u64,
    /// Offered while the line was cut.
    pub cut: u64,
    /// Delivered twice.
    pub duplicated: u64,
    /// Held back behind later ones.
    pub reordered: u64,
    /// How late the driver let packets out, µs: median; 0 where virtual time rules.
    pub late_p50_us: u64,
    /// How late the driver let packets out, µs: of a hundred packets, one was later.
    pub late_p99_us: u64,
}

/// A packet on its way, ordered by when it is due.
#[derive(Debug)]
struct OnWay<P> {
    due: Duration,
    number: u64,
    len: usize,
    packet: P,
}

impl<P> PartialEq for OnWay<P> {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.number) == (other.due, other.number)
    }
}

impl<P> Eq for OnWay<P> {}

impl<P> PartialOrd for OnWay<P> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<P> Ord for OnWay<P> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

/// One direction of a line.
#[derive(Debug)]
pub struct Line<P> {
    shape: Shape,
    rng: StdRng,
    on_way: BinaryHeap<Reverse<OnWay<P>>>,
    on_way_len: usize,
    /// When the last packet in the queue will have been sent.
    free_at: Duration,
    /// No packet that keeps the order is due before this.
    ordered_at: Duration,
    bad: bool,
    next_number: u64,
    stats: Stats,
}

impl<P: Clone> Line<P> {
    /// A line that draws its chances from `seed`.
    #[must_use]
    pub fn new(shape: Shape, seed: u64) -> Self {
        Self {
            shape,
            rng: StdRng::seed_from_u64(seed),
            on_way: BinaryHeap::new(),
            on_way_len: 0,
            free_at: Duration::ZERO,
            ordered_at: Duration::ZERO,
            bad: false,
            next_number: 0,
            stats: Stats::default(),
        }
    }

    /// Treats packets differently from now on; those on their way arrive as they would have.
    pub fn set_shape(&mut self, shape: Shape) {
        self.shape = shape;
    }

    /// What became of the packets so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// A packet of `len` bytes enters the line.
    pub fn offer(&mut self, now: Duration, len: usize, packet: P) {
        self.stats.offered += 1;
        self.stats.offered_bytes += len as u64;
        if self.shape.cut {
            self.stats.cut += 1;
            return;
        }
        let Some(sent) = self.send(now, len) else {
            self.stats.overflowed += 1;
            return;
        };
        // A line loses what it has spent its time on.
        if self.is_lost() {
            self.stats.lost += 1;
            return;
        }
        let due = self.arrival(sent);
        if self.shape.duplicate > 0.0 && self.rng.random_bool(self.shape.duplicate) {
            self.stats.duplicated += 1;
            self.put(due, len, packet.clone());
        }
        self.put(due, len, packet);
    }

    /// The next packet that is due, and when it was.
    pub fn due(&mut self, now: Duration) -> Option<(Duration, P)> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse(next) = self.on_way.pop()?;
        self.on_way_len -= next.len;
        self.stats.delivered += 1;
        self.stats.delivered_bytes += next.len as u64;
        Some((next.due, next.packet))
    }

    /// When the next packet is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.on_way.peek().map(|Reverse(next)| next.due)
    }

    /// When a packet will have been sent, behind those that wait; `None` if there is no room.
    fn send(&mut self, now: Duration, len: usize) -> Option<Duration> {
        if self.on_way_len + len > MAX_ON_WAY {
            return None;
        }
        let Some(rate) = self.shape.rate else {
            return Some(now);
        };
        let start = self.free_at.max(now);
        let waits = start - now;
        let has_room = match self.shape.queue {
            Queue::Time(most) => waits <= most,
            Queue::Bytes(most) => waits.as_secs_f64() * rate as f64 / 8.0 <= most as f64,
        };
        if !has_room {
            return None;
        }
        let bits = (len + HEADERS_LEN) as f64 * 8.0;
        self.free_at = start + Duration::from_secs_f64(bits / rate as f64);
        Some(self.free_at)
    }

    fn is_lost(&mut self) -> bool {
        let alone = self.shape.loss > 0.0 && self.rng.random_bool(self.shape.loss);
        let Some(burst) = self.shape.burst else {
            return alone;
        };
        let turns = if self.bad { burst.leave } else { burst.enter };
        self.bad ^= self.rng.random_bool(turns);
        alone || (self.bad && self.rng.random_bool(burst.loss))
    }

    fn arrival(&mut self, sent: Duration) -> Duration {
        let jitter = if self.shape.jitter.is_zero() {
            Duration::ZERO
        } else {
            self.shape.jitter.mul_f64(self.rng.random::<f64>())
        };
        let due = sent + self.shape.delay + jitter;
        if let Some(reorder) = self.shape.reorder
            && self.rng.random_bool(reorder.share)
        {
            self.stats.reordered += 1;
            return due + reorder.by;
        }
        // Jitter alone, or a delay that has shrunk, lets no packet overtake another.
        self.ordered_at = self.ordered_at.max(due);
        self.ordered_at
    }

    fn put(&mut self, due: Duration, len: usize, packet: P) {
        self.on_way_len += len;
        let number = self.next_number;
        self.next_number += 1;
        self.on_way.push(Reverse(OnWay {
            due,
            number,
            len,
            packet,
        }));
    }
}
