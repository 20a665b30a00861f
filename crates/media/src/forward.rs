//! What a viewer is sent: the decision for each frame, with sequence numbers and timestamps of
//! the viewer's own stream. Pure; one [`Forward`] for each viewer and track.

use std::time::{Duration, Instant};

use crate::frame::{Frame, Kind};

/// How far a source's timestamp may run ahead of the elapsed time before it is distrusted.
const MAX_AHEAD: Duration = Duration::from_secs(2);
/// Shortest time between two key-frame requests to one source.
pub const KEY_REQUEST_INTERVAL: Duration = Duration::from_millis(300);

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: the viewer has it already.
    Skip,
    /// Nothing, and a key frame is needed before anything can be sent.
    NeedKey,
    /// Send each packet of the frame, numbered from `sequence`.
    Send {
        /// Sequence number of the first packet.
        sequence: u16,
        /// Timestamp of all of them.
        timestamp: u32,
    },
}

#[derive(Debug, Clone, Copy)]
struct Last {
    epoch: u32,
    index: u64,
    source_timestamp: u32,
    at: Instant,
}

/// One viewer's stream of one track.
#[derive(Debug)]
pub struct Forward {
    sequence: u16,
    timestamp: u32,
    last: Option<Last>,
    broken: bool,
}

impl Forward {
    /// A stream beginning at these (random) numbers.
    pub fn new(sequence: u16, timestamp: u32) -> Self {
        Self {
            sequence,
            timestamp,
            last: None,
            broken: true,
        }
    }

    /// Decides one frame, cached or live. Cached frames keep their distances although they leave
    /// together: measured with Chromium, frames squeezed together count as a freeze and double
    /// the latency of what follows.
    pub fn frame(&mut self, frame: &Frame, now: Instant) -> Decision {
        if self.last.is_some_and(|last| frame.index <= last.index) {
            return Decision::Skip;
        }
        if frame.codec.kind() == Kind::Video {
            let follows = self
                .last
                .is_some_and(|last| frame.index == last.index + 1 && frame.epoch == last.epoch);
            if (self.broken || !follows) && !frame.key {
                self.broken = true;
                return Decision::NeedKey;
            }
            self.broken = false;
        }
        self.timestamp = self.next_timestamp(frame, now);
        self.last = Some(Last {
            epoch: frame.epoch,
            index: frame.index,
            source_timestamp: frame.timestamp,
            at: now,
        });
        let sequence = self.sequence;
        let count = u16::try_from(frame.packets.len() % 65_536).expect("reduced modulo 65,536");
        self.sequence = sequence.wrapping_add(count);
        Decision::Send {
            sequence,
            timestamp: self.timestamp,
        }
    }

    /// The viewer lost its picture: cached frames it already had may be sent again.
    pub fn rewind(&mut self) {
        if let Some(last) = &mut self.last {
            last.index = 0;
        }
        self.broken = true;
    }

    fn next_timestamp(&self, frame: &Frame, now: Instant) -> u32 {
        let Some(last) = self.last else {
            return self.timestamp;
        };
        let clock = frame.codec.clock();
        let elapsed = now.saturating_duration_since(last.at);
        let step = frame.timestamp.wrapping_sub(last.source_timestamp);
        let trusted = ticks(elapsed + MAX_AHEAD, clock);
        let advance = if frame.epoch == last.epoch && step != 0 && step <= trusted {
            step
        } else {
            // The source restarted or its clock jumped: go on by the time that really passed.
            ticks(elapsed, clock).max(clock / 50)
        };
        self.timestamp.wrapping_add(advance)
    }
}

fn ticks(time: Duration, clock: u32) -> u32 {
    let ticks = time.as_micros().saturating_mul(u128::from(clock)) / 1_000_000;
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// Lets through at most one key-frame request in [`KEY_REQUEST_INTERVAL`].
#[derive(Debug, Default)]
pub struct KeyThrottle {
    last: Option<Instant>,
}

impl KeyThrottle {
    /// Whether a request made now should go to the source.
    pub fn ask(&mut self, now: Instant) -> bool {
        let due = self
            .last
            .is_none_or(|last| now.saturating_duration_since(last) >= KEY_REQUEST_INTERVAL);
        if due {
            self.last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{Codec, Packet};

    fn video(epoch: u32, index: u64, key: bool, timestamp: u32) -> Frame {
        let packet = Packet {
            payload: Bytes::from_static(b"x"),
            marker: false,
        };
        Frame {
            codec: Codec::H264,
            epoch,
            index,
            key,
            catch_up: false,
            timestamp,
            packets: vec![packet; 3],
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an arbitrary origin for relative times"
    )]
    fn origin() -> Instant {
        Instant::now()
    }

    #[test]
    fn nothing_is_sent_before_the_first_key_frame() {
        let (mut forward, now) = (Forward::new(10, 1_000), origin());
        assert_eq!(
            forward.frame(&video(0, 7, false, 0), now),
            Decision::NeedKey
        );
        assert_eq!(
            forward.frame(&video(0, 8, true, 0), now),
            Decision::Send {
                sequence: 10,
                timestamp: 1_000
            }
        );
        assert_eq!(
            forward.frame(&video(0, 9, false, 3_000), now + Duration::from_millis(33)),
            Decision::Send {
                sequence: 13,
                timestamp: 4_000
            }
        );
    }

    #[test]
    fn a_lost_frame_stops_the_stream_until_the_next_key_frame() {
        let (mut forward, now) = (Forward::new(65_534, 0), origin());
        forward.frame(&video(0, 0, true, 0), now);
        assert_eq!(
            forward.frame(&video(0, 2, false, 6_000), now),
            Decision::NeedKey
        );
        assert_eq!(
            forward.frame(&video(0, 3, false, 9_000), now),
            Decision::NeedKey
        );
        let at = now + Duration::from_millis(133);
        assert_eq!(
            forward.frame(&video(0, 4, true, 12_000), at),
            Decision::Send {
                sequence: 1,
                timestamp: 12_000
            },
            "sequence numbers go on without a hole"
        );
    }

    #[test]
    fn after_a_restart_the_timestamp_advances_by_the_time_that_passed() {
        let (mut forward, now) = (Forward::new(0, 500), origin());
        forward.frame(&video(0, 0, true, 77), now);
        let later = now + Duration::from_secs(3);
        assert_eq!(
            forward.frame(&video(1, 5, false, 1), later),
            Decision::NeedKey
        );
        assert_eq!(
            forward.frame(&video(1, 6, true, 9), later),
            Decision::Send {
                sequence: 3,
                timestamp: 500 + 270_000
            }
        );
    }

    #[test]
    fn a_cached_frame_keeps_its_distance_and_is_not_sent_twice() {
        let (mut forward, now) = (Forward::new(0, 0), origin());
        for index in 0..4u32 {
            let frame = video(0, u64::from(index), index == 0, index * 9_000);
            let Decision::Send { timestamp, .. } = forward.frame(&frame, now) else {
                panic!("the cache is sent");
            };
            assert_eq!(timestamp, index * 9_000);
        }
        assert_eq!(
            forward.frame(&video(0, 3, false, 27_000), now),
            Decision::Skip
        );
        let live = forward.frame(
            &video(0, 4, false, 36_000),
            now + Duration::from_millis(100),
        );
        assert_eq!(
            live,
            Decision::Send {
                sequence: 12,
                timestamp: 36_000
            }
        );
    }

    #[test]
    fn only_a_lone_key_frame_was_cached_so_the_next_one_is_awaited() {
        let (mut forward, now) = (Forward::new(0, 0), origin());
        assert!(matches!(
            forward.frame(&video(0, 0, true, 0), now),
            Decision::Send { .. }
        ));
        assert_eq!(
            forward.frame(&video(0, 60, false, 0), now),
            Decision::NeedKey
        );
    }

    #[test]
    fn a_viewer_that_lost_its_picture_can_be_sent_the_cache_again() {
        let (mut forward, now) = (Forward::new(0, 0), origin());
        forward.frame(&video(0, 5, true, 0), now);
        forward.frame(&video(0, 6, false, 3_000), now);
        forward.rewind();
        assert_eq!(
            forward.frame(&video(0, 5, true, 0), now),
            Decision::Send {
                sequence: 6,
                timestamp: 4_800
            }
        );
    }

    #[test]
    fn sound_goes_on_over_a_hole() {
        let (mut forward, now) = (Forward::new(0, 0), origin());
        let sound = |index: u64, timestamp| Frame {
            codec: Codec::Opus,
            key: true,
            ..video(0, index, true, timestamp)
        };
        forward.frame(&sound(0, 0), now);
        assert_eq!(
            forward.frame(&sound(2, 1_920), now + Duration::from_millis(40)),
            Decision::Send {
                sequence: 3,
                timestamp: 1_920
            }
        );
    }

    #[test]
    fn key_frame_requests_are_coalesced() {
        let (mut throttle, now) = (KeyThrottle::default(), origin());
        let asked = (0..100)
            .filter(|ms| throttle.ask(now + Duration::from_millis(ms * 10)))
            .count();
        assert_eq!(asked, 4, "one at once and one each 300 ms of the second");
    }

    proptest! {
        #[test]
        fn sequence_numbers_never_skip_whatever_the_source_does(
            frames in proptest::collection::vec((0u32..3, 0u64..50, any::<bool>(), any::<u32>(), 0u64..500), 1..80)
        ) {
            let (mut forward, mut now, mut expected) = (Forward::new(65_500, 0), origin(), 65_500u16);
            let mut previous: Option<u32> = None;
            for (epoch, index, key, timestamp, wait) in frames {
                now += Duration::from_millis(wait);
                if let Decision::Send { sequence, timestamp } =
                    forward.frame(&video(epoch, index, key, timestamp), now)
                {
                    prop_assert_eq!(sequence, expected);
                    expected = expected.wrapping_add(3);
                    if let Some(before) = previous {
                        let step = timestamp.wrapping_sub(before);
                        prop_assert!(step > 0 && step < u32::MAX / 2, "time runs forward");
                    }
                    previous = Some(timestamp);
                }
            }
        }
    }
}
