//! A flow's sending half: frames of a hub into RTP packets of the link. Pure.

use crate::frame::{Frame, Kind};
use crate::rtp::Rtp;

/// What to do with a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// Nothing: it is known over there.
    Skip,
    /// Nothing, and a key frame is needed before anything can be sent.
    NeedKey,
    /// Send these.
    Packets(Vec<Rtp>),
}

/// One track crossing one link.
#[derive(Debug, Default)]
pub struct FlowSender {
    sequence: u16,
    /// Carried as the synchronization source: it changes wherever the flow has a hole, so that
    /// the other side begins anew at once and does not wait for packets that never left.
    generation: u32,
    last: Option<(u32, u64)>,
    broken: bool,
}

impl FlowSender {
    /// Decides one frame.
    pub fn frame(&mut self, frame: &Frame) -> Outgoing {
        if self.last.is_some_and(|(_, index)| frame.index <= index) {
            return Outgoing::Skip;
        }
        let follows = self
            .last
            .is_some_and(|(epoch, index)| (frame.epoch, frame.index) == (epoch, index + 1));
        if !follows || self.broken {
            self.broken = true;
            if frame.codec.kind() == Kind::Video && !frame.key {
                return Outgoing::NeedKey;
            }
            self.generation = self.generation.wrapping_add(1);
            self.broken = false;
        }
        self.last = Some((frame.epoch, frame.index));
        let last_packet = frame.packets.len().saturating_sub(1);
        let packets = frame.packets.iter().enumerate();
        let packets = packets
            .map(|(at, packet)| {
                let sequence = self.sequence;
                self.sequence = sequence.wrapping_add(1);
                Rtp {
                    // Every frame ends with a marker here, whatever its origin did.
                    marker: at == last_packet,
                    sequence,
                    timestamp: frame.timestamp,
                    ssrc: self.generation,
                    payload: packet.payload.clone(),
                }
            })
            .collect();
        Outgoing::Packets(packets)
    }

    /// The other side lost its picture: cached frames may be sent again.
    pub fn rewind(&mut self) {
        if let Some((_, index)) = &mut self.last {
            *index = 0;
        }
        self.broken = true;
    }

    /// A frame could not be sent; the flow goes on with the next key frame.
    pub fn interrupt(&mut self) {
        self.broken = true;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use bytes::Bytes;

    use super::*;
    use crate::assemble::{Assembler, Patience};
    use crate::frame::{Codec, Packet};

    fn frame(index: u64, key: bool) -> Frame {
        let nal = if key { 0x65 } else { 0x41 };
        let packet = Packet {
            payload: Bytes::from(vec![nal, 1]),
            marker: false,
        };
        Frame {
            codec: Codec::H264,
            epoch: 1,
            index,
            key,
            catch_up: false,
            timestamp: u32::try_from(index).expect("small") * 3_000,
            packets: vec![packet; 3],
        }
    }

    fn packets(outgoing: Outgoing) -> Vec<Rtp> {
        match outgoing {
            Outgoing::Packets(packets) => packets,
            Outgoing::Skip | Outgoing::NeedKey => Vec::new(),
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
    fn frames_come_out_of_the_other_end_as_they_went_in() {
        let (mut flow, now) = (FlowSender::default(), origin());
        let mut assembler = Assembler::new(Codec::H264, Patience::LINK);
        let mut frames = Vec::new();
        // Frame 3 is lost before the flow, frame 4 needs it, frame 5 does not.
        for index in [1, 2, 4, 5, 6] {
            for rtp in packets(flow.frame(&frame(index, index == 1 || index == 5))) {
                assembler.push(rtp, false, now);
            }
            frames.extend(std::iter::from_fn(|| assembler.poll(now)));
        }
        let seen: Vec<_> = frames
            .iter()
            .map(|f| (f.timestamp / 3_000, f.key, f.restarted, f.packets.len()))
            .collect();
        let expected = [
            (1, true, true, 3),
            (2, false, false, 3),
            (5, true, true, 3),
            (6, false, false, 3),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_known_frame_is_not_sent_twice_unless_asked() {
        let mut flow = FlowSender::default();
        assert_eq!(packets(flow.frame(&frame(1, true))).len(), 3);
        assert_eq!(flow.frame(&frame(1, true)), Outgoing::Skip);
        assert_eq!(flow.frame(&frame(3, false)), Outgoing::NeedKey);
        flow.rewind();
        assert_eq!(packets(flow.frame(&frame(1, true))).len(), 3);
    }
}
