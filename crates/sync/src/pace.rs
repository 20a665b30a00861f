//! How much a sync connection may have on its way, so that the queue of the line stays short and
//! live bundles and media keep their delay. Pure.
//!
//! The queue shows as round trips longer than the shortest of the last ten minutes. Once a round
//! trip the window moves towards the size at which the line is full and its queue is [`QUEUE`]
//! long: by Little's law that is the present window times `(base + QUEUE) / now`. So it grows
//! quickly on an empty line, stops before a queue overflows, and gives way to whoever else makes
//! the queue longer. It says nothing of loss: that is left to the congestion control it caps.
//!
//! The connection is what is paced, so every stream on it is: live lane, bulk lane and
//! attachments share the window in the order of their priorities, and none needs a pacer of its
//! own.

use std::time::Duration;

/// How long the queue of the line may stand because of us.
pub const QUEUE: Duration = Duration::from_millis(10);
/// In packets: what even a line full of others' traffic is used for, or nothing would arrive.
const LEAST_PACKETS: u64 = 4;
const LARGEST: f64 = 64.0 * 1024.0 * 1024.0;
const SHORTEST_ROUND: Duration = Duration::from_millis(10);
const MOST_GROWTH: f64 = 1.5;
const MOST_FALL: f64 = 0.5;
/// A line that has been empty for longer is filled as quickly as at the start.
const EMPTY_ROUNDS: u32 = 8;
/// The base is the shortest round trip of as many minutes.
const MINUTES: usize = 10;
const MINUTE: u64 = 60;

/// The state of one connection.
#[derive(Debug, Clone)]
pub struct Pace {
    window: f64,
    packet: u64,
    base: [Option<Duration>; MINUTES],
    minute: u64,
    round: Option<Round>,
    /// No queue was seen yet.
    starting: bool,
    empty_rounds: u32,
}

#[derive(Debug, Clone, Copy)]
struct Round {
    end: Duration,
    shortest: Duration,
    /// The window, not the sender, set the pace at some moment of it.
    full: bool,
}

impl Pace {
    /// Begins with `window` bytes, for packets of up to `packet` bytes.
    #[must_use]
    pub fn new(window: u64, packet: u64) -> Self {
        Self {
            window: window as f64,
            packet,
            base: [None; MINUTES],
            minute: 0,
            round: None,
            starting: true,
            empty_rounds: 0,
        }
    }

    /// The path carries packets of this size now, in bytes.
    pub fn set_packet(&mut self, packet: u64) {
        self.packet = packet;
    }

    /// Bytes that may be on their way.
    #[must_use]
    pub fn window(&self) -> u64 {
        (self.window as u64).max(LEAST_PACKETS * self.packet)
    }

    /// A packet was acknowledged `rtt` after it was sent; `idle` when the sender had nothing more
    /// to send. `now` counts from any fixed moment.
    pub fn acked(&mut self, now: Duration, rtt: Duration, idle: bool) {
        self.note_base(now, rtt);
        let round = self.round.get_or_insert(Round {
            end: now + rtt.max(SHORTEST_ROUND),
            shortest: rtt,
            full: false,
        });
        round.shortest = round.shortest.min(rtt);
        round.full |= !idle;
        let round = *round;
        if now >= round.end {
            self.round = None;
            self.turn(round);
        }
    }

    fn note_base(&mut self, now: Duration, rtt: Duration) {
        let minute = now.as_secs() / MINUTE;
        // After a long silence all that was known is old.
        for passed in self.minute + 1..=minute.min(self.minute + MINUTES as u64) {
            self.base[passed as usize % MINUTES] = None;
        }
        self.minute = minute;
        let known = &mut self.base[minute as usize % MINUTES];
        *known = Some(known.map_or(rtt, |known| known.min(rtt)));
    }

    fn turn(&mut self, round: Round) {
        let base = self.base.iter().flatten().min();
        let Some(base) = base.filter(|_| round.full) else {
            return;
        };
        let (base, rtt) = (base.as_secs_f64(), round.shortest.as_secs_f64());
        let queue = QUEUE.as_secs_f64();
        let factor = (base + queue) / rtt.max(1e-6);
        let is_empty = rtt < base + queue / 4.0;
        self.empty_rounds = if is_empty { self.empty_rounds + 1 } else { 0 };
        self.starting &= is_empty;
        let factor = if is_empty && (self.starting || self.empty_rounds > EMPTY_ROUNDS) {
            MOST_GROWTH
        } else {
            factor.clamp(MOST_FALL, MOST_GROWTH)
        };
        // Half of the way, since what is measured is a round trip old; all of it while the line
        // is as good as empty.
        let share = if is_empty { 1.0 } else { 0.5 };
        let window = self.window * (1.0 + share * (factor - 1.0));
        self.window = window.clamp((LEAST_PACKETS * self.packet) as f64, LARGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const PACKET: u64 = 1_400;

    /// A line in virtual time, fed one packet at a time: its queue is what the window puts there.
    struct Line {
        rate: f64,
        base: Duration,
        others: f64,
        now: Duration,
    }

    impl Line {
        fn new(mbit: f64, base_ms: u32) -> Self {
            Self {
                rate: mbit * 1e6 / 8.0,
                base: base_ms * MS,
                others: 0.0,
                now: Duration::ZERO,
            }
        }

        /// The queue that a window leaves standing, with what others have in it.
        fn rtt(&self, window: u64) -> Duration {
            let held = window as f64 + self.others;
            let excess = held - self.rate * self.base.as_secs_f64();
            self.base + Duration::from_secs_f64(excess.max(0.0) / self.rate)
        }

        fn run(&mut self, pace: &mut Pace, seconds: u64) -> Duration {
            let end = self.now + Duration::from_secs(seconds);
            while self.now < end {
                let rtt = self.rtt(pace.window());
                self.now += rtt / 8;
                pace.acked(self.now, rtt, false);
            }
            self.rtt(pace.window()) - self.base
        }
    }

    #[test]
    fn the_line_is_filled_quickly_and_its_queue_stays_at_what_is_allowed() {
        for (mbit, base_ms) in [(2.0, 40), (20.0, 40), (50.0, 10), (1_000.0, 2), (20.0, 300)] {
            let mut line = Line::new(mbit, base_ms);
            let mut pace = Pace::new(10 * PACKET, PACKET);
            // The handshake finds the line empty.
            pace.acked(line.now, line.base, true);
            let queue = line.run(&mut pace, 8);
            assert!(queue > QUEUE / 2, "{mbit} Mbit/s {base_ms} ms: {queue:?}");
            assert!(queue < QUEUE * 2, "{mbit} Mbit/s {base_ms} ms: {queue:?}");
        }
    }

    #[test]
    fn it_gives_way_to_others_and_takes_the_line_back() {
        let mut line = Line::new(20.0, 40);
        let mut pace = Pace::new(10 * PACKET, PACKET);
        line.run(&mut pace, 3);
        let alone = pace.window();
        line.others = 200_000.0;
        line.run(&mut pace, 3);
        assert_eq!(pace.window(), LEAST_PACKETS * PACKET);
        line.others = 0.0;
        line.run(&mut pace, 3);
        assert!(pace.window() > alone / 2, "{} of {alone}", pace.window());
    }

    #[test]
    fn a_sender_with_little_to_say_leaves_the_window_as_it_is() {
        let mut pace = Pace::new(10 * PACKET, PACKET);
        for at in 0..1_000u32 {
            pace.acked(at * 10 * MS, 65 * MS, true);
        }
        assert_eq!(pace.window(), 10 * PACKET);
    }

    #[test]
    fn a_way_that_became_longer_is_believed_after_ten_minutes() {
        let mut line = Line::new(20.0, 20);
        let mut pace = Pace::new(10 * PACKET, PACKET);
        line.run(&mut pace, 5);
        line.base = 80 * MS;
        line.run(&mut pace, 30);
        let doubting = pace.window();
        line.run(&mut pace, 660);
        assert!(pace.window() > doubting * 4, "{} {doubting}", pace.window());
    }

    #[test]
    fn no_order_of_times_panics() {
        let mut pace = Pace::new(0, PACKET);
        pace.acked(Duration::from_secs(1 << 40), Duration::ZERO, false);
        pace.acked(Duration::ZERO, Duration::from_secs(1 << 30), false);
        pace.acked(Duration::from_secs(5), Duration::ZERO, false);
        assert!(pace.window() >= LEAST_PACKETS * PACKET);
    }
}
