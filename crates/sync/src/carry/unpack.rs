//! What the chunks of a file hold: one zstd stream of `u32` length and CBOR [`Item`]. Takes any
//! bytes; never panics; holds what is pushed, one step of it decompressed, and one item.

use super::{CarryError, Item, ZSTD_WINDOW_LOG, number};
use crate::wire::MAX_MESSAGE_LEN;
use zstd::stream::raw::{Decoder, InBuffer, Operation as _, OutBuffer};

/// Decompressed at once.
const STEP: usize = 128 * 1024;

/// Takes the items out of the stream.
pub struct Unpacker {
    /// Not yet decompressed, from `from` on.
    packed: Vec<u8>,
    from: usize,
    decoder: Decoder<'static>,
    /// Decompressed, not yet an item, from `begin` on.
    plain: Vec<u8>,
    begin: usize,
    /// Of all items before the end.
    items: blake3::Hasher,
    ended: bool,
}

impl Unpacker {
    /// At the beginning of the stream.
    #[must_use]
    pub fn new() -> Self {
        let mut decoder = Decoder::new().expect("the decompressor has memory");
        decoder
            .set_parameter(zstd::zstd_safe::DParameter::WindowLogMax(ZSTD_WINDOW_LOG))
            .expect("a window within the decompressor's limits");
        Self {
            packed: Vec::new(),
            from: 0,
            decoder,
            plain: Vec::new(),
            begin: 0,
            items: blake3::Hasher::new(),
            ended: false,
        }
    }

    /// Takes the next bytes of the stream. To be called when [`Unpacker::next_item`] has no more,
    /// so that little is held.
    pub fn push(&mut self, packed: Vec<u8>) {
        self.packed.drain(..self.from);
        self.from = 0;
        match self.packed.is_empty() {
            true => self.packed = packed,
            false => self.packed.extend(packed),
        }
    }

    /// The next item; `None` when more bytes are needed, and after the end.
    ///
    /// # Errors
    /// [`CarryError::Malformed`]; the stream is of no further use.
    pub fn next_item(&mut self) -> Result<Option<Item>, CarryError> {
        loop {
            if let Some(item) = self.item()? {
                return Ok(Some(item));
            }
            if !self.unpack()? {
                return Ok(None);
            }
        }
    }

    /// The hash of all items before the end.
    pub(super) fn items(&self) -> &blake3::Hasher {
        &self.items
    }

    /// Decompresses a step; false when there is nothing left to decompress.
    fn unpack(&mut self) -> Result<bool, CarryError> {
        if self.ended {
            // What the stream ends with is the compressor's own.
            self.from = self.packed.len();
        }
        if self.from >= self.packed.len() {
            return Ok(false);
        }
        self.plain.drain(..self.begin);
        self.begin = 0;
        let mut space = vec![0; STEP];
        let mut input = InBuffer::around(&self.packed[self.from..]);
        let mut output = OutBuffer::around(space.as_mut_slice());
        self.decoder
            .run(&mut input, &mut output)
            .map_err(|_| CarryError::Malformed)?;
        let (read, written) = (input.pos(), output.pos());
        if read == 0 && written == 0 {
            return Err(CarryError::Malformed);
        }
        self.from += read;
        self.plain.extend_from_slice(&space[..written]);
        Ok(true)
    }

    fn item(&mut self) -> Result<Option<Item>, CarryError> {
        let rest = &self.plain[self.begin..];
        let Some(length) = number(rest, 0) else {
            return Ok(None);
        };
        let length = length as usize;
        if length > MAX_MESSAGE_LEN || self.ended {
            return Err(CarryError::Malformed);
        }
        let Some(bytes) = rest.get(4..4 + length) else {
            return Ok(None);
        };
        let item: Item = minicbor::decode(bytes).map_err(|_| CarryError::Malformed)?;
        match &item {
            Item::End { .. } => self.ended = true,
            // Nobody writes nothing, and there could be millions of it in a small file.
            Item::Bundles(none) | Item::Evidence(none) if none.is_empty() => {
                return Err(CarryError::Malformed);
            }
            _ => {
                self.items.update(&rest[..4 + length]);
            }
        }
        self.begin += 4 + length;
        Ok(Some(item))
    }
}

impl Default for Unpacker {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker").finish_non_exhaustive()
    }
}
