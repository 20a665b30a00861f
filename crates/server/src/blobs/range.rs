//! The one range of bytes a request asks for (RFC 9110 section 14).

/// What to send of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// From `first` to `last`, both sent.
    Part {
        /// First byte.
        first: u64,
        /// Last byte.
        last: u64,
    },
    /// The range begins behind the end.
    Outside,
}

/// Reads a `Range` header for a blob of `size` bytes. Several ranges, other units and what is not
/// understood are answered with the whole, as the RFC allows.
#[must_use]
pub fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some(spec) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = spec.split_once('-') else {
        return Wanted::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match (first.trim().is_empty(), number(first), number(last)) {
        (true, _, Some(0)) => Wanted::Outside,
        (true, _, Some(len)) if size > 0 => Wanted::Part {
            first: size.saturating_sub(len),
            last: size - 1,
        },
        (false, Some(first), _) if first >= size => Wanted::Outside,
        (false, Some(first), None) if last.trim().is_empty() => Wanted::Part {
            first,
            last: size - 1,
        },
        (false, Some(first), Some(last)) if first <= last => Wanted::Part {
            first,
            last: last.min(size - 1),
        },
        _ => Wanted::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_cut_to_the_blob() {
        let part = |first, last| Wanted::Part { first, last };
        for (header, found) in [
            ("bytes=0-9", part(0, 9)),
            ("bytes=90-", part(90, 99)),
            ("bytes=90-900", part(90, 99)),
            ("bytes=-10", part(90, 99)),
            ("bytes=-900", part(0, 99)),
            ("bytes=100-", Wanted::Outside),
            ("bytes=-0", Wanted::Outside),
            ("bytes=9-3", Wanted::Whole),
            ("bytes=0-1,5-9", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
            ("bytes=x-y", Wanted::Whole),
            ("bytes=18446744073709551616-", Wanted::Whole),
        ] {
            assert_eq!(wanted(Some(header), 100), found, "{header}");
        }
        assert_eq!(wanted(None, 100), Wanted::Whole);
    }
}
