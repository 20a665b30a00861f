//! The current group of pictures of a source, kept so that a new viewer sees something at once.

use std::sync::Arc;

use crate::frame::Frame;

/// Most frames kept.
pub const MAX_FRAMES: usize = 300;
/// Most payload bytes kept.
pub const MAX_BYTES: usize = 8 << 20;
/// Longest span kept, RTP ticks of the video clock: 4 s and a frame's slack.
pub const MAX_SPAN: u32 = 90_000 * 43 / 10;

/// The frames since the last key frame, or only that key frame once they grow past a bound.
#[derive(Debug, Default)]
pub struct Gop {
    frames: Vec<Arc<Frame>>,
    bytes: usize,
    cut: bool,
}

impl Gop {
    /// Takes the next video frame of the source.
    pub fn push(&mut self, frame: &Arc<Frame>) {
        if frame.key {
            self.frames.clear();
            self.bytes = frame.bytes();
            self.cut = false;
            self.frames.push(Arc::clone(frame));
            return;
        }
        let (Some(first), Some(last)) = (self.frames.first(), self.frames.last()) else {
            return;
        };
        let follows = frame.index == last.index + 1 && frame.epoch == last.epoch;
        let span = frame.timestamp.wrapping_sub(first.timestamp);
        let bytes = self.bytes + frame.bytes();
        if self.cut {
            return;
        }
        if !follows || span > MAX_SPAN || bytes > MAX_BYTES || self.frames.len() == MAX_FRAMES {
            // Deltas after a hole would be garbage, and a long burst would fill the viewer's
            // queue. The key frame alone still gives a picture until the next one comes.
            self.frames.truncate(1);
            self.bytes = self.frames.first().map_or(0, |frame| frame.bytes());
            self.cut = true;
            return;
        }
        self.bytes = bytes;
        self.frames.push(Arc::clone(frame));
    }

    /// Forgets everything; the source was interrupted and old pictures would mislead.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.bytes = 0;
        self.cut = false;
    }

    /// The kept frames, oldest first; the first is a key frame.
    pub fn frames(&self) -> &[Arc<Frame>] {
        &self.frames
    }

    /// Whether a viewer that is given the frames can go on with the live ones at once.
    pub fn is_whole(&self) -> bool {
        !self.frames.is_empty() && !self.cut
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::frame::{Codec, Packet};

    fn frame(index: u64, key: bool, timestamp: u32, size: usize) -> Arc<Frame> {
        Arc::new(Frame {
            codec: Codec::H264,
            epoch: 0,
            index,
            key,
            catch_up: false,
            timestamp,
            packets: vec![Packet {
                payload: Bytes::from(vec![0; size]),
                marker: true,
            }],
        })
    }

    #[test]
    fn a_key_frame_begins_a_new_group() {
        let mut gop = Gop::default();
        gop.push(&frame(0, false, 0, 10));
        assert!(
            gop.frames().is_empty(),
            "nothing is kept before the first key frame"
        );
        for index in 1..5 {
            gop.push(&frame(index, index == 1, 0, 10));
        }
        assert_eq!(gop.frames().len(), 4);
        gop.push(&frame(5, true, 0, 10));
        assert_eq!(gop.frames().len(), 1);
        assert!(gop.is_whole());
    }

    #[test]
    fn a_camera_with_a_four_second_group_is_kept_whole() {
        let mut gop = Gop::default();
        for index in 0..40 {
            gop.push(&frame(
                index,
                index == 0,
                u32::try_from(index).expect("small") * 9_000,
                10,
            ));
        }
        assert!(gop.is_whole());
        assert_eq!(gop.frames().len(), 40);
    }

    #[test]
    fn a_longer_group_shrinks_to_its_key_frame() {
        let mut gop = Gop::default();
        gop.push(&frame(0, true, 0, 10));
        gop.push(&frame(1, false, MAX_SPAN + 1, 10));
        gop.push(&frame(2, false, MAX_SPAN + 2, 10));
        assert_eq!(gop.frames().len(), 1);
        assert!(!gop.is_whole());
    }

    #[test]
    fn bytes_and_frames_are_bounded_and_a_hole_cuts() {
        let mut gop = Gop::default();
        gop.push(&frame(0, true, 0, MAX_BYTES));
        gop.push(&frame(1, false, 0, 1));
        assert!(!gop.is_whole());
        let mut gop = Gop::default();
        for index in 0..=u64::try_from(MAX_FRAMES).expect("small") {
            gop.push(&frame(index, index == 0, 0, 1));
        }
        assert_eq!((gop.frames().len(), gop.is_whole()), (1, false));
        let mut gop = Gop::default();
        gop.push(&frame(0, true, 0, 1));
        gop.push(&frame(2, false, 0, 1));
        assert!(!gop.is_whole());
    }
}
