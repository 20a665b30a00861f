//! Which SRTP ciphers a DTLS client offers, read from its ClientHello.
//!
//! The library takes the client's first choice, and browsers name AES-CM before AES-GCM although
//! GCM costs both sides less. Peers are therefore built with GCM alone, and built again without
//! it for the rare client (Chromium before 115) whose hello does not offer GCM.

/// `SRTP_AEAD_AES_128_GCM` (RFC 7714, 14.2).
const AEAD_AES_128_GCM: u16 = 0x0007;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const USE_SRTP: u16 = 14;
/// Record header (13) and handshake header (12), bytes.
const HEADERS: usize = 25;
/// Version and random of the hello, bytes.
const VERSION_AND_RANDOM: usize = 34;

/// Whether the hello offers AES-128-GCM for SRTP. `None` when the datagram is not a whole
/// ClientHello with a use_srtp extension (RFC 6347, 4.2.2; RFC 5764, 4.1.1).
pub fn offers_gcm(datagram: &[u8]) -> Option<bool> {
    let headers = datagram.get(..HEADERS)?;
    if headers[0] != HANDSHAKE || headers[13] != CLIENT_HELLO {
        return None;
    }
    let mut rest = datagram.get(HEADERS + VERSION_AND_RANDOM..)?;
    let _session = take(&mut rest, 1)?;
    let _cookie = take(&mut rest, 1)?;
    let _suites = take(&mut rest, 2)?;
    let _compression = take(&mut rest, 1)?;
    let mut extensions = take(&mut rest, 2)?;
    loop {
        let (kind, after) = extensions.split_first_chunk::<2>()?;
        extensions = after;
        let mut body = take(&mut extensions, 2)?;
        if u16::from_be_bytes(*kind) == USE_SRTP {
            let profiles = take(&mut body, 2)?;
            let gcm = AEAD_AES_128_GCM.to_be_bytes();
            return Some(profiles.chunks_exact(2).any(|profile| profile == gcm));
        }
    }
}

/// The next vector, whose length takes `width` bytes.
fn take<'a>(rest: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let length = rest
        .get(..width)?
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let value = rest.get(width..width + length)?;
    *rest = &rest[width + length..];
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hello(profiles: &[u16]) -> Vec<u8> {
        let mut bytes = vec![0; HEADERS + VERSION_AND_RANDOM];
        (bytes[0], bytes[13]) = (HANDSHAKE, CLIENT_HELLO);
        bytes.extend([0, 0]);
        bytes.extend([0, 2, 0xc0, 0x2b]);
        bytes.extend([1, 0]);
        let list: Vec<u8> = profiles
            .iter()
            .flat_map(|profile| profile.to_be_bytes())
            .collect();
        let count = u8::try_from(list.len()).expect("short");
        bytes.extend([0, 4 + 4 + 3 + count]);
        bytes.extend([0, 23, 0, 0]);
        bytes.extend([0, 14, 0, 3 + count, 0, count]);
        bytes.extend(list);
        bytes.push(0);
        bytes
    }

    #[test]
    fn a_client_with_and_one_without_gcm_are_told_apart() {
        assert_eq!(offers_gcm(&hello(&[1, 7, 8])), Some(true));
        assert_eq!(offers_gcm(&hello(&[1, 2])), Some(false));
        assert_eq!(offers_gcm(&hello(&[1])[..70]), None, "cut short");
        assert_eq!(offers_gcm(&[20; 80]), None);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), hello: bool) {
            if hello && bytes.len() > 13 {
                (bytes[0], bytes[13]) = (HANDSHAKE, CLIENT_HELLO);
            }
            let _ = offers_gcm(&bytes);
        }
    }
}
