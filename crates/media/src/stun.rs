//! Which peer a datagram belongs to, read from its first bytes.

const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const USERNAME: u16 = 0x0006;
const USE_CANDIDATE: u16 = 0x0025;

/// Our half of the USERNAME of a STUN message (RFC 8445, 7.2.2: "ours:theirs"), or `None` for
/// anything else.
pub fn ufrag(datagram: &[u8]) -> Option<&str> {
    let (_, username) = attributes(datagram)?.find(|(kind, _)| *kind == USERNAME)?;
    std::str::from_utf8(username).ok()?.split(':').next()
}

/// Whether the other side chooses this path by its check (RFC 8445, 7.1.2).
pub fn nominates(datagram: &[u8]) -> bool {
    let mut found = attributes(datagram).into_iter().flatten();
    found.any(|(kind, _)| kind == USE_CANDIDATE)
}

/// Whether it is the success response to a check of ours.
pub fn is_success(datagram: &[u8]) -> bool {
    datagram.starts_with(&[0x01, 0x01]) && attributes(datagram).is_some()
}

/// The attributes of a STUN message up to the first that does not fit.
fn attributes(datagram: &[u8]) -> Option<impl Iterator<Item = (u16, &[u8])>> {
    let header = datagram.get(..20)?;
    if header[0] > 3 || header[4..8] != MAGIC_COOKIE {
        return None;
    }
    let mut rest = &datagram[20..];
    Some(std::iter::from_fn(move || {
        let (head, after) = rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = after.get(..length)?;
        // The last attribute may come without its padding.
        rest = after.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_be_bytes([head[0], head[1]]), value))
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn binding_request(username: &str) -> Vec<u8> {
        let mut message = vec![0, 1, 0, 0];
        message.extend(MAGIC_COOKIE);
        message.extend([7; 12]);
        message.extend([0x80, 0x22, 0, 3, b'a', b'b', b'c', 0]);
        message.extend([0, 6, 0, u8::try_from(username.len()).expect("short")]);
        message.extend(username.as_bytes());
        message.extend([0; 3]);
        message
    }

    #[test]
    fn our_half_of_the_username_names_the_peer() {
        assert_eq!(ufrag(&binding_request("ours:theirs")), Some("ours"));
        assert_eq!(ufrag(&[0x16; 40]), None, "a DTLS record");
        assert!(!nominates(&binding_request("ours:theirs")));
        let mut nominating = binding_request("ours:theirs-");
        nominating.truncate(nominating.len() - 3);
        nominating.extend([0, 0x25, 0, 0]);
        assert!(nominates(&nominating));
        assert_eq!(
            ufrag(&binding_request("ours:theirs")[..30]),
            None,
            "cut short"
        );
    }

    proptest! {
        #[test]
        fn garbage_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), stun: bool) {
            if stun && bytes.len() > 8 {
                bytes[0] = 0;
                bytes[4..8].copy_from_slice(&MAGIC_COOKIE);
            }
            let _ = ufrag(&bytes);
            let _ = (nominates(&bytes), is_success(&bytes));
        }
    }
}
