//! Which peer a datagram belongs to, read from its first bytes.

const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const USERNAME: u16 = 0x0006;

/// Our half of the USERNAME of a STUN message (RFC 8445, 7.2.2: "ours:theirs"), or `None` for
/// anything else.
pub fn ufrag(datagram: &[u8]) -> Option<&str> {
    let header = datagram.get(..20)?;
    if header[0] > 3 || header[4..8] != MAGIC_COOKIE {
        return None;
    }
    let mut rest = &datagram[20..];
    while let Some((head, after)) = rest.split_first_chunk::<4>() {
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = after.get(..length)?;
        if kind == USERNAME {
            return std::str::from_utf8(value).ok()?.split(':').next();
        }
        rest = after.get(length.next_multiple_of(4)..)?;
    }
    None
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
        }
    }
}
