//! Join codes: what an administrator reads out or types.
//!
//! 35 characters of Crockford's base 32 in seven groups: 80 bits of secret, 80 bits of the
//! authority's fingerprint, 15 bits that catch typing errors before anything is dialled.

use crate::tls::FINGERPRINT_LEN;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SECRET_LEN: usize = 10;
const BODY_LEN: usize = SECRET_LEN + FINGERPRINT_LEN;
const CHARS: usize = 35;
const GROUP: usize = 5;

/// A one-time secret and the authority it is good for.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    pub(crate) secret: [u8; SECRET_LEN],
    pub(crate) fingerprint: [u8; FINGERPRINT_LEN],
}

impl Code {
    /// What the hub keeps of a code.
    pub(crate) fn hash(secret: &[u8; SECRET_LEN]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("dutyroom 2026 join code secret v1");
        hasher.update(secret);
        *hasher.finalize().as_bytes()
    }

    /// The code as it is printed.
    #[must_use]
    pub fn format(&self) -> String {
        let mut text = String::new();
        for (at, digit) in self.digits().into_iter().enumerate() {
            if at > 0 && at % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(digit)]));
        }
        text
    }

    /// Reads a code as people type it: any case, any grouping, O for 0, I and L for 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let typed = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let digits: Vec<u8> = typed.map(digit).collect::<Option<_>>()?;
        if digits.len() != CHARS {
            return None;
        }
        let mut body = [0; BODY_LEN];
        for bit in 0..BODY_LEN * 8 {
            let set = digits[bit / 5] >> (4 - bit % 5) & 1;
            body[bit / 8] |= set << (7 - bit % 8);
        }
        let (secret, fingerprint) = body.split_at(SECRET_LEN);
        let code = Self {
            secret: secret.try_into().ok()?,
            fingerprint: fingerprint.try_into().ok()?,
        };
        (code.digits()[..] == digits[..]).then_some(code)
    }

    fn digits(&self) -> [u8; CHARS] {
        let mut bytes = [0; BODY_LEN + 2];
        bytes[..SECRET_LEN].copy_from_slice(&self.secret);
        bytes[SECRET_LEN..BODY_LEN].copy_from_slice(&self.fingerprint);
        let mut hasher = blake3::Hasher::new_derive_key("dutyroom 2026 join code check v1");
        hasher.update(&bytes[..BODY_LEN]);
        bytes[BODY_LEN..].copy_from_slice(&hasher.finalize().as_bytes()[..2]);
        let bit = |at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
        std::array::from_fn(|digit| (0..5).fold(0, |value, at| value << 1 | bit(digit * 5 + at)))
    }
}

fn digit(typed: char) -> Option<u8> {
    let typed = match typed.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let at = ALPHABET.iter().position(|c| char::from(*c) == typed)?;
    u8::try_from(at).ok()
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code() -> Code {
        Code {
            secret: *b"secret 80b",
            fingerprint: *b"authority!",
        }
    }

    #[test]
    fn a_code_is_seven_groups_of_five() {
        let text = code().format();
        let groups: Vec<usize> = text.split('-').map(str::len).collect();
        assert_eq!(groups, [5; 7]);
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let text = code().format();
        let typed = [
            text.to_lowercase(),
            text.replace('-', ""),
            text.replace('-', " "),
            text.replace('0', "O").replace('1', "l"),
        ];
        for typed in typed {
            assert!(Code::parse(&typed) == Some(code()), "{typed}");
        }
    }

    #[test]
    fn one_wrong_or_missing_character_is_noticed() {
        let text = code().format().replace('-', "");
        assert!(Code::parse(&text[1..]).is_none());
        let mut unnoticed = 0;
        for at in 0..text.len() {
            let mut typed = text.clone().into_bytes();
            typed[at] = if typed[at] == b'7' { b'8' } else { b'7' };
            let typed = String::from_utf8(typed).unwrap();
            unnoticed += usize::from(Code::parse(&typed).is_some());
        }
        assert_eq!(unnoticed, 0);
    }

    proptest! {
        #[test]
        fn every_code_survives_its_text(secret: [u8; 10], fingerprint: [u8; 10]) {
            let code = Code { secret, fingerprint };
            prop_assert!(Code::parse(&code.format()) == Some(code));
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = Code::parse(&text);
        }
    }
}
