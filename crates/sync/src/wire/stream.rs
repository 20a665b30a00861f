//! What the frames of a link's streams build on.
//!
//! Bundles name each other by 32 random bytes. Those of a bundle that this very stream carried
//! last of its journal, or that its receiver named in its frontier, both ends know already. So
//! each end keeps them for each stream, both learn the same from the same frames in the same
//! order, and a new link begins anew.

use super::{Frame, Lane, Run, WireError};
use records::bundle::Head;
use records::id::{Hash, JournalId, SiteId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// Journals of which one stream remembers a bundle.
const MAX_REMEMBERED: usize = 2 * super::MAX_HEADS;

type Heads = BTreeMap<JournalId, Head>;

/// One stream in one direction, at either of its ends.
#[derive(Debug, Default)]
pub struct Carried {
    /// The frontier of the end that sends here, once it has passed.
    sender: Arc<OnceLock<Heads>>,
    /// The frontier of the end that receives here, once it has passed the other way.
    receiver: Arc<OnceLock<Heads>>,
    /// The last bundle of each journal that was carried.
    last: Heads,
}

impl Carried {
    /// Encodes the next frame, length-prefixed.
    ///
    /// # Errors
    /// As [`super::encode_frame`].
    pub fn encode(&mut self, frame: &Frame) -> Result<Vec<u8>, WireError> {
        let bytes = super::encode_on(frame, Some(self))?;
        self.passed(frame);
        Ok(bytes)
    }

    /// Decodes the next body. Takes any bytes; never panics, and never holds more than
    /// twice [`super::MAX_MESSAGE_LEN`] for them.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn decode(&mut self, body: &[u8]) -> Result<Frame, WireError> {
        let (frame, stands_alone) = super::decode_on(body, Some(self))?;
        if !stands_alone {
            self.passed(&frame);
        }
        Ok(frame)
    }

    fn passed(&mut self, frame: &Frame) {
        match frame {
            Frame::Frontier(heads) => {
                let heads = heads.iter().map(|head| (head.journal, *head)).collect();
                // A second one ends the session.
                let _ = self.sender.set(heads);
            }
            Frame::Bundles { runs, .. } => {
                for head in runs.iter().filter_map(Run::head) {
                    let is_known = self.last.contains_key(&head.journal);
                    if is_known || self.last.len() < MAX_REMEMBERED {
                        self.last.insert(head.journal, head);
                    }
                }
            }
            _ => {}
        }
    }

    /// The sites of the journals that both ends know.
    pub(super) fn sites(&self) -> BTreeSet<SiteId> {
        let held = self.receiver.get().into_iter().flat_map(Heads::keys);
        let journals = held.chain(self.last.keys());
        journals.map(|journal| journal.site).collect()
    }

    /// Where a journal was when it was carried last, or the receiver named it.
    pub(super) fn last_of(&self, journal: JournalId) -> Option<Head> {
        let held = || self.receiver.get()?.get(&journal);
        self.last.get(&journal).or_else(held).copied()
    }

    /// The hash of a bundle that both ends know.
    pub(super) fn hash_of(&self, journal: JournalId, seq: u64) -> Option<Hash> {
        let held = self.receiver.get().and_then(|held| held.get(&journal));
        let known = [self.last.get(&journal), held].into_iter().flatten();
        known
            .filter(|head| head.seq == seq)
            .map(|head| head.hash)
            .next()
    }
}

/// All streams of a link at one of its ends.
#[derive(Debug)]
pub struct Streams {
    /// Live and bulk, from here to the peer.
    pub outgoing: [Carried; 2],
    /// Live and bulk, from the peer to here.
    pub incoming: [Carried; 2],
}

impl Default for Streams {
    fn default() -> Self {
        let (ours, theirs) = (Arc::default(), Arc::default());
        let way = |sender: &Arc<OnceLock<Heads>>, receiver: &Arc<OnceLock<Heads>>| Carried {
            sender: sender.clone(),
            receiver: receiver.clone(),
            last: Heads::new(),
        };
        Self {
            outgoing: [way(&ours, &theirs), way(&ours, &theirs)],
            incoming: [way(&theirs, &ours), way(&theirs, &ours)],
        }
    }
}

impl Streams {
    /// Encodes the next frame of its lane.
    ///
    /// # Errors
    /// As [`Carried::encode`].
    pub fn encode(&mut self, frame: &Frame) -> Result<Vec<u8>, WireError> {
        self.outgoing[frame.lane() as usize].encode(frame)
    }

    /// Decodes the next body of a lane.
    ///
    /// # Errors
    /// As [`Carried::decode`].
    pub fn decode(&mut self, lane: Lane, body: &[u8]) -> Result<Frame, WireError> {
        self.incoming[lane as usize].decode(body)
    }
}

#[cfg(test)]
mod tests;
