//! Values laid out by kind, so that those alike stand together and compress, and what is random
//! stands apart and is not tried.

use super::{MAX_MESSAGE_LEN, WireError};

/// Where a value goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// Which run the next bundle is of.
    Run,
    /// How the next thing is written.
    Form,
    /// Lengths and counts.
    Count,
    /// Which site, actor, terminal, institution and scope.
    Place,
    /// Which account.
    Account,
    /// Which record.
    Record,
    /// Which item in a record.
    Item,
    /// Which change a change depends on.
    Dep,
    /// Clocks.
    Clock,
    /// Everything else in headers and around changes.
    Head,
    /// What a change says before its operations.
    About,
    /// Which columns a change has.
    Spec,
    /// What is done in a change.
    Operations,
    /// Names of kinds and fields.
    Word,
    /// Values.
    Text,
}

impl Column {
    /// How many there are.
    pub(super) const COUNT: usize = Self::Text as usize + 1;
}

/// Bytes that a frame may be rebuilt to, with what the parts cost in memory: an honest batch
/// needs less than its own length and a little for each part.
const MAX_REBUILT: usize = 2 * MAX_MESSAGE_LEN;

/// One description of a thing serves both directions: writing takes the value, reading sets it.
pub(super) trait Pass {
    /// A number, the shorter the smaller.
    fn uint(&mut self, column: Column, value: &mut u64) -> Result<(), WireError>;
    /// Bytes of any length.
    fn bytes(&mut self, column: Column, value: &mut Vec<u8>) -> Result<(), WireError>;
    /// Random bytes of a length that both sides know.
    fn noise(&mut self, value: &mut [u8]) -> Result<(), WireError>;
    /// Counts memory that what is read takes.
    fn spend(&mut self, bytes: usize) -> Result<(), WireError>;

    /// How many things follow, at most `max`; each costs `each` bytes besides its own.
    fn count(&mut self, value: usize, max: usize, each: usize) -> Result<usize, WireError> {
        let mut count = value as u64;
        self.uint(Column::Count, &mut count)?;
        let count = usize::try_from(count).map_err(|_| WireError::TooLong)?;
        if count > max {
            return Err(WireError::TooLong);
        }
        self.spend(count.saturating_mul(each))?;
        Ok(count)
    }

    /// Yes or no.
    fn flag(&mut self, value: bool) -> Result<bool, WireError> {
        let mut flag = u64::from(value);
        self.uint(Column::Form, &mut flag)?;
        Ok(flag != 0)
    }

    /// A number near `guess`.
    fn near(&mut self, column: Column, value: &mut u64, guess: u64) -> Result<(), WireError> {
        let delta = value.wrapping_sub(guess).cast_signed();
        let mut zigzag = (delta << 1 ^ delta >> 63).cast_unsigned();
        self.uint(column, &mut zigzag)?;
        let delta = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        *value = guess.wrapping_add(delta.cast_unsigned());
        Ok(())
    }
}

/// Columns being written. It counts as the reader will, so that nothing is sent that the other
/// side refuses.
#[derive(Debug)]
pub(super) struct Writer {
    columns: [Vec<u8>; Column::COUNT],
    noise: Vec<u8>,
    left: usize,
}

impl Writer {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self {
            columns: Default::default(),
            noise: Vec::new(),
            left: MAX_REBUILT,
        }
    }

    /// What compresses, and what does not. Behind the lengths of the columns they follow.
    pub(super) fn finish(self) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut lens = Vec::new();
        for column in &self.columns {
            push(&mut lens, column.len() as u64);
        }
        let plain = std::iter::once(lens).chain(self.columns).collect();
        (plain, self.noise)
    }
}

fn push(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

impl Pass for Writer {
    fn uint(&mut self, column: Column, value: &mut u64) -> Result<(), WireError> {
        push(&mut self.columns[column as usize], *value);
        Ok(())
    }

    fn bytes(&mut self, column: Column, value: &mut Vec<u8>) -> Result<(), WireError> {
        push(
            &mut self.columns[Column::Count as usize],
            value.len() as u64,
        );
        self.columns[column as usize].extend(&*value);
        self.spend(value.len())
    }

    fn noise(&mut self, value: &mut [u8]) -> Result<(), WireError> {
        self.noise.extend(&*value);
        self.spend(value.len())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), WireError> {
        spend(&mut self.left, bytes)
    }
}

fn spend(left: &mut usize, bytes: usize) -> Result<(), WireError> {
    *left = left.checked_sub(bytes).ok_or(WireError::TooLong)?;
    Ok(())
}

/// Columns being read. Takes any bytes.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    columns: [&'a [u8]; Column::COUNT],
    noise: &'a [u8],
    left: usize,
}

impl<'a> Reader<'a> {
    /// Reads what [`Writer::finish`] gave.
    pub(super) fn new(mut plain: &'a [u8], noise: &'a [u8]) -> Result<Self, WireError> {
        let mut lens = [0; Column::COUNT];
        for len in &mut lens {
            *len = pull(&mut plain)?;
        }
        let mut columns = [&[][..]; Column::COUNT];
        for (column, len) in columns.iter_mut().zip(lens) {
            *column = take(&mut plain, len)?;
        }
        if !plain.is_empty() {
            return Err(WireError::Malformed);
        }
        Ok(Self {
            columns,
            noise,
            left: MAX_REBUILT,
        })
    }

    /// Everything has been read.
    pub(super) fn finish(self) -> Result<(), WireError> {
        let empty = self.noise.is_empty() && self.columns.iter().all(|column| column.is_empty());
        if empty {
            Ok(())
        } else {
            Err(WireError::Malformed)
        }
    }
}

fn take<'a>(bytes: &mut &'a [u8], len: u64) -> Result<&'a [u8], WireError> {
    let len = usize::try_from(len).map_err(|_| WireError::Malformed)?;
    let (taken, rest) = bytes.split_at_checked(len).ok_or(WireError::Malformed)?;
    *bytes = rest;
    Ok(taken)
}

fn pull(bytes: &mut &[u8]) -> Result<u64, WireError> {
    let mut value = 0u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(WireError::Malformed)?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return Err(WireError::Malformed);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(WireError::Malformed)
}

impl Pass for Reader<'_> {
    fn uint(&mut self, column: Column, value: &mut u64) -> Result<(), WireError> {
        *value = pull(&mut self.columns[column as usize])?;
        Ok(())
    }

    fn bytes(&mut self, column: Column, value: &mut Vec<u8>) -> Result<(), WireError> {
        let len = pull(&mut self.columns[Column::Count as usize])?;
        let bytes = take(&mut self.columns[column as usize], len)?;
        self.spend(bytes.len())?;
        *value = bytes.to_vec();
        Ok(())
    }

    fn noise(&mut self, value: &mut [u8]) -> Result<(), WireError> {
        value.copy_from_slice(take(&mut self.noise, value.len() as u64)?);
        self.spend(value.len())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), WireError> {
        spend(&mut self.left, bytes)
    }
}
