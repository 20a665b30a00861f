//! What a reader of the feed knows already.

use std::fmt;
use std::str::FromStr;

/// Opaque to clients: `store.boot.live`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Cursor of the store; survives restarts.
    pub store: u64,
    /// The run of the program that `live` counts in.
    pub boot: u32,
    /// Number of the last change of links and cameras.
    pub live: u64,
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not valid")]
pub struct ParseCursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:08x}.{}", self.store, self.boot, self.live)
    }
}

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(ParseCursorError);
        let (store, boot, live) = (next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(ParseCursorError);
        }
        Ok(Self {
            store: store.parse().map_err(|_| ParseCursorError)?,
            boot: u32::from_str_radix(boot, 16).map_err(|_| ParseCursorError)?,
            live: live.parse().map_err(|_| ParseCursorError)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text() {
        let cursor = Cursor {
            store: 12,
            boot: 0xbeef,
            live: 7,
        };
        assert_eq!(cursor.to_string(), "12.0000beef.7");
        assert_eq!("12.0000beef.7".parse(), Ok(cursor));
    }

    #[test]
    fn other_text_is_no_cursor() {
        for text in ["", "12", "12.0", "a.0.0", "1.2.3.4", "-1.0.0"] {
            assert_eq!(text.parse::<Cursor>(), Err(ParseCursorError), "{text}");
        }
    }
}
