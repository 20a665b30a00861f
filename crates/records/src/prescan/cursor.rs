//! Bytes read front to back, with Automerge's number encodings.

use super::PrescanError;

/// What is left of some bytes.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn byte(&mut self) -> Result<u8, PrescanError> {
        let (first, rest) = self.bytes.split_first().ok_or(PrescanError::Truncated)?;
        self.bytes = rest;
        Ok(*first)
    }

    pub(super) fn take(&mut self, len: u64) -> Result<&'a [u8], PrescanError> {
        let taken = usize::try_from(len)
            .ok()
            .and_then(|len| self.bytes.split_at_checked(len));
        let (taken, rest) = taken.ok_or(PrescanError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// A count of items; `None` above `max`.
    pub(super) fn count(&mut self, max: usize) -> Option<Result<u64, PrescanError>> {
        match self.uint() {
            Ok(count) if count > max as u64 => None,
            count => Some(count),
        }
    }

    /// Unsigned LEB128 in its shortest form.
    pub(super) fn uint(&mut self) -> Result<u64, PrescanError> {
        let mut value = 0u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(PrescanError::Number);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let overlong = shift > 0 && byte == 0;
                return if overlong {
                    Err(PrescanError::Number)
                } else {
                    Ok(value)
                };
            }
        }
        Err(PrescanError::Number)
    }

    /// Signed LEB128 in its shortest form.
    pub(super) fn int(&mut self) -> Result<i64, PrescanError> {
        let mut value = 0i128;
        let mut before = 0u8;
        for shift in (0..=63).step_by(7) {
            let byte = self.byte()?;
            value |= i128::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let negative = byte & 0x40 != 0;
                let overlong = shift > 0
                    && ((byte == 0 && before & 0x40 == 0) || (byte == 0x7f && before & 0x40 != 0));
                if overlong {
                    return Err(PrescanError::Number);
                }
                if negative {
                    value -= 1i128 << (shift + 7);
                }
                return i64::try_from(value).map_err(|_| PrescanError::Number);
            }
            before = byte;
        }
        Err(PrescanError::Number)
    }
}
