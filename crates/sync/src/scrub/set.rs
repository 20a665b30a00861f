//! The set that two sites compare, and the range-based comparison of `negentropy`. Pure.

use negentropy::{Bound, Error, Id, Item, Negentropy, NegentropyStorageBase};
use records::id::Hash;

/// Longest message of the comparison, in bytes.
pub const MAX_MESSAGE_LEN: usize = 60_000;
/// Hashes of one kind of difference that one comparison goes on with; the next takes the rest.
pub const MAX_DIFFERENCE: usize = 65_536;

/// Sorted hashes of bundles with their place in their journal: 40 bytes each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set {
    items: Vec<Item>,
}

/// The peer's message is no message of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes are not a message of the comparison")]
pub struct Garbage;

/// What one answer tells the asker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// What only we have.
    pub have: Vec<Hash>,
    /// What only the peer has.
    pub need: Vec<Hash>,
    /// What to ask next; `None` at the end.
    pub next: Option<Vec<u8>>,
}

impl Set {
    /// Takes further bundles in. Cheap for few: the sorted part is merged, not sorted again.
    pub fn extend(&mut self, bundles: impl IntoIterator<Item = (u64, Hash)>) {
        let item = |(seq, hash): (u64, Hash)| {
            Item::with_timestamp_and_id(seq, Id::from_byte_array(hash.0))
        };
        let before = self.items.len();
        self.items.extend(bundles.into_iter().map(item));
        if self.items.len() > before {
            self.items.sort();
            self.items.dedup();
        }
    }

    /// How many bundles it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The first message of a comparison.
    #[must_use]
    pub fn open(&self) -> Vec<u8> {
        let opened = self.negentropy().and_then(|mut asker| asker.initiate());
        opened.expect("a sorted set can be summed")
    }

    /// The answer to a message. Costs at most one pass over the set.
    ///
    /// # Errors
    /// [`Garbage`].
    pub fn answer(&self, message: &[u8]) -> Result<Vec<u8>, Garbage> {
        let mut answerer = self.negentropy().map_err(|_| Garbage)?;
        answerer.reconcile(message).map_err(|_| Garbage)
    }

    /// What an answer tells. Costs at most one pass over the set.
    ///
    /// # Errors
    /// [`Garbage`].
    pub fn compare(&self, message: &[u8]) -> Result<Compared, Garbage> {
        let mut asker = self.negentropy().map_err(|_| Garbage)?;
        asker.set_initiator();
        let (mut have, mut need) = (Vec::new(), Vec::new());
        let next = asker
            .reconcile_with_ids(message, &mut have, &mut need)
            .map_err(|_| Garbage)?;
        let hashes = |ids: Vec<Id>| ids.into_iter().map(|id| Hash(id.to_bytes())).collect();
        Ok(Compared {
            have: hashes(have),
            need: hashes(need),
            next,
        })
    }

    fn negentropy(&self) -> Result<Negentropy<'_, Self>, Error> {
        Negentropy::borrowed(self, MAX_MESSAGE_LEN as u64)
    }
}

impl NegentropyStorageBase for Set {
    fn size(&self) -> Result<usize, Error> {
        Ok(self.items.len())
    }

    fn get_item(&self, i: usize) -> Result<Option<Item>, Error> {
        Ok(self.items.get(i).copied())
    }

    fn iterate(
        &self,
        begin: usize,
        end: usize,
        cb: &mut dyn FnMut(Item, usize) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let items = self.items.get(begin..end).ok_or(Error::BadRange)?;
        for (index, item) in items.iter().enumerate() {
            if !cb(*item, begin + index)? {
                break;
            }
        }
        Ok(())
    }

    fn find_lower_bound(&self, first: usize, last: usize, value: &Bound) -> usize {
        let items = self.items.get(first..last).unwrap_or(&[]);
        first + items.partition_point(|item| *item < value.item)
    }
}
