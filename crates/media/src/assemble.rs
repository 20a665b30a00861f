//! Frames from RTP packets that may be late, lost, doubled or hostile. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::frame::{Codec, Kind, Packet, is_key};
use crate::rtp::Rtp;

/// How an [`Assembler`] treats missing packets.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long later packets wait for a missing one.
    pub wait: Duration,
    /// Most packets that wait.
    pub packets: usize,
}

impl Patience {
    /// A browser on the local network that resends what we ask for.
    pub const PUBLISHER: Self = Self {
        wait: Duration::from_millis(150),
        packets: 1_024,
    };
    /// Sound, which nobody resends and which is better lost than late.
    pub const SOUND: Self = Self {
        wait: Duration::from_millis(30),
        packets: 64,
    };
    /// A link, where key frames come by the reliable and deltas by the quick path.
    pub const LINK: Self = Self {
        wait: Duration::from_secs(1),
        packets: 4_096,
    };
}

/// A frame as its origin sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembled {
    /// RTP timestamp.
    pub timestamp: u32,
    /// Its payloads in order.
    pub packets: Vec<Packet>,
    /// Decodable alone.
    pub key: bool,
    /// Something between the previous frame and this one never came.
    pub after_loss: bool,
    /// The stream began anew (another synchronization source) with this frame.
    pub restarted: bool,
    /// Sent to catch up.
    pub catch_up: bool,
}

#[derive(Debug)]
struct Waiting {
    timestamp: u32,
    packet: Packet,
    catch_up: bool,
    at: Instant,
}

/// Puts one track's packets in order and cuts them into frames.
#[derive(Debug)]
pub struct Assembler {
    codec: Codec,
    patience: Patience,
    ssrc: Option<u32>,
    /// Sequence numbers extended to 64 bits, so that order survives the wrap.
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    after_loss: bool,
    restarted: bool,
}

impl Assembler {
    /// An assembler for one track.
    pub fn new(codec: Codec, patience: Patience) -> Self {
        Self {
            codec,
            patience,
            ssrc: None,
            next: 0,
            waiting: BTreeMap::new(),
            after_loss: false,
            restarted: false,
        }
    }

    /// Takes a packet. One of an earlier position than what was already given out is dropped.
    pub fn push(&mut self, rtp: Rtp, catch_up: bool, now: Instant) {
        if rtp.payload.is_empty() {
            // Padding or a probe: it takes a sequence number but carries nothing.
            self.skip_padding(&rtp);
            return;
        }
        let position = self.position(&rtp);
        if position < self.next {
            return;
        }
        self.waiting.entry(position).or_insert_with(|| Waiting {
            timestamp: rtp.timestamp,
            packet: Packet {
                payload: rtp.payload,
                marker: rtp.marker,
            },
            catch_up,
            at: now,
        });
    }

    /// The next frame that is whole and in order, if there is one.
    pub fn poll(&mut self, now: Instant) -> Option<Assembled> {
        loop {
            if let Some(end) = self.frame_end() {
                return Some(self.take(end));
            }
            if !self.give_up(now) {
                return None;
            }
        }
    }

    /// When [`Assembler::poll`] should be called again although nothing arrived.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting
            .values()
            .map(|waiting| waiting.at)
            .min()
            .map(|at| at + self.patience.wait)
    }

    fn position(&mut self, rtp: &Rtp) -> u64 {
        if self.ssrc != Some(rtp.ssrc) {
            self.restarted = true;
            self.ssrc = Some(rtp.ssrc);
            self.waiting.clear();
            // Room below, so that packets that overtook the first one still have a position.
            self.next = (1 << 32) + u64::from(rtp.sequence);
            return self.next;
        }
        let low = u16::try_from(self.next & 0xffff).expect("masked to 16 bits");
        let ahead = rtp.sequence.wrapping_sub(low);
        if ahead < 0x8000 {
            self.next + u64::from(ahead)
        } else {
            self.next.saturating_sub(u64::from(ahead.wrapping_neg()))
        }
    }

    fn skip_padding(&mut self, rtp: &Rtp) {
        if self.ssrc == Some(rtp.ssrc) && self.position(rtp) == self.next {
            self.next += 1;
        }
    }

    /// Position of the last packet of the frame that begins at `next`, when all of it is here.
    fn frame_end(&self) -> Option<u64> {
        let first = self.waiting.get(&self.next)?;
        if self.codec.kind() == Kind::Audio {
            return Some(self.next);
        }
        let mut at = self.next;
        loop {
            let waiting = self.waiting.get(&at)?;
            if waiting.timestamp != first.timestamp {
                return Some(at - 1);
            }
            if waiting.packet.marker {
                return Some(at);
            }
            at += 1;
        }
    }

    fn take(&mut self, end: u64) -> Assembled {
        let mut packets = Vec::new();
        let (mut timestamp, mut catch_up) = (0, false);
        for position in self.next..=end {
            let waiting = self
                .waiting
                .remove(&position)
                .expect("frame_end saw each of them");
            timestamp = waiting.timestamp;
            catch_up |= waiting.catch_up;
            packets.push(waiting.packet);
        }
        self.next = end + 1;
        Assembled {
            timestamp,
            key: is_key(self.codec, &packets),
            packets,
            after_loss: std::mem::take(&mut self.after_loss),
            restarted: std::mem::take(&mut self.restarted),
            catch_up,
        }
    }

    /// Steps over what is missing once patience ends. True when it stepped.
    fn give_up(&mut self, now: Instant) -> bool {
        let due = self.deadline().is_some_and(|deadline| now >= deadline);
        if !due && self.waiting.len() <= self.patience.packets {
            return false;
        }
        let mut hole = self.next;
        let mut broken = None;
        while let Some(waiting) = self.waiting.get(&hole) {
            broken = Some(waiting.timestamp);
            hole += 1;
        }
        let Some((&after, _)) = self.waiting.range(hole..).next() else {
            // No hole: the frame's end is merely not here yet. Only an overlong frame is given up.
            if self.waiting.len() <= self.patience.packets {
                return false;
            }
            self.waiting.clear();
            self.next = hole;
            self.after_loss = true;
            return true;
        };
        self.waiting = self.waiting.split_off(&after);
        self.next = after;
        self.after_loss = true;
        // The rest of the frame whose beginning was lost is of no use.
        while let Some(waiting) = self.waiting.get(&self.next) {
            if Some(waiting.timestamp) != broken {
                break;
            }
            self.waiting.remove(&self.next);
            self.next += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "an arbitrary origin for relative times"
    )]
    fn origin() -> Instant {
        Instant::now()
    }

    fn packet(sequence: u16, timestamp: u32, marker: bool) -> Rtp {
        Rtp {
            marker,
            sequence,
            timestamp,
            ssrc: 1,
            payload: Bytes::from_static(&[0x00, 0x01]),
        }
    }

    fn video() -> Assembler {
        Assembler::new(Codec::Vp8, Patience::PUBLISHER)
    }

    fn drain(assembler: &mut Assembler, now: Instant) -> Vec<(u32, usize, bool)> {
        std::iter::from_fn(|| assembler.poll(now))
            .map(|frame| (frame.timestamp, frame.packets.len(), frame.after_loss))
            .collect()
    }

    #[test]
    fn packets_out_of_order_make_whole_frames_across_the_wrap() {
        let (mut assembler, now) = (video(), origin());
        for rtp in [
            packet(65_534, 10, false),
            packet(0, 20, false),
            packet(65_535, 10, true),
            packet(0, 20, false),
            packet(1, 20, true),
        ] {
            assembler.push(rtp, false, now);
        }
        assert_eq!(
            drain(&mut assembler, now),
            vec![(10, 2, false), (20, 2, false)]
        );
    }

    #[test]
    fn a_frame_with_a_hole_is_given_up_after_a_while_and_the_loss_is_told() {
        let (mut assembler, now) = (video(), origin());
        for rtp in [
            packet(1, 10, true),
            packet(2, 20, false),
            packet(4, 20, true),
            packet(5, 30, true),
        ] {
            assembler.push(rtp, false, now);
        }
        assert_eq!(drain(&mut assembler, now), vec![(10, 1, false)]);
        let deadline = assembler.deadline().expect("something waits");
        assert_eq!(drain(&mut assembler, deadline), vec![(30, 1, true)]);
    }

    #[test]
    fn a_resent_packet_in_time_loses_nothing() {
        let (mut assembler, now) = (video(), origin());
        assembler.push(packet(1, 10, true), false, now);
        assembler.push(packet(3, 30, true), false, now);
        assert_eq!(drain(&mut assembler, now).len(), 1);
        assembler.push(packet(2, 20, true), false, now + Duration::from_millis(60));
        let late = now + Duration::from_millis(60);
        assert_eq!(
            drain(&mut assembler, late),
            vec![(20, 1, false), (30, 1, false)]
        );
    }

    #[test]
    fn another_synchronization_source_restarts_the_stream() {
        let (mut assembler, now) = (video(), origin());
        assembler.push(packet(1, 10, true), false, now);
        assert!(assembler.poll(now).expect("whole").restarted);
        assembler.push(
            Rtp {
                ssrc: 2,
                ..packet(500, 9, true)
            },
            true,
            now,
        );
        let frame = assembler.poll(now).expect("whole");
        assert!(frame.restarted && frame.catch_up);
    }

    #[test]
    fn every_packet_of_sound_is_a_frame() {
        let (mut assembler, now) = (Assembler::new(Codec::Opus, Patience::PUBLISHER), origin());
        assembler.push(packet(1, 960, false), false, now);
        assembler.push(packet(2, 1_920, false), false, now);
        assert_eq!(
            drain(&mut assembler, now),
            vec![(960, 1, false), (1_920, 1, false)]
        );
    }

    proptest! {
        #[test]
        fn hostile_packets_never_panic_and_never_pile_up(
            packets in proptest::collection::vec((any::<u16>(), 0u32..4, 0u32..3, any::<bool>(), 0u64..200, 0usize..4), 0..400)
        ) {
            let (mut assembler, mut now) = (Assembler::new(Codec::H264, Patience { wait: Duration::from_secs(1), packets: 50 }), origin());
            for (sequence, timestamp, ssrc, marker, wait, length) in packets {
                now += Duration::from_millis(wait);
                let payload = Bytes::from(vec![0x65; length]);
                assembler.push(Rtp { marker, sequence, timestamp, ssrc, payload }, false, now);
                while assembler.poll(now).is_some() {}
                prop_assert!(assembler.waiting.len() <= 51);
            }
        }

        #[test]
        fn any_order_within_the_window_gives_the_frames_back(order in Just((0u16..60).collect::<Vec<_>>()).prop_shuffle()) {
            let (mut assembler, now) = (video(), origin());
            assembler.push(packet(9, 0, true), false, now);
            for at in order {
                assembler.push(packet(10 + at, u32::from(at / 3) + 1, at % 3 == 2), false, now);
            }
            let frames = drain(&mut assembler, now);
            prop_assert_eq!(frames.len(), 21);
            prop_assert!(frames.iter().all(|(_, _, lost)| !lost));
        }
    }
}
