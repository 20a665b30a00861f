//! Identifiers: fixed byte strings shown as lower-case hex.

use std::fmt;
use std::str::FromStr;

/// A string is not the hex form of the wanted identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hexadecimal digits")]
pub struct ParseIdError {
    /// How many hex digits the identifier has.
    pub expected: usize,
}

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The identifier in `bytes`, if they have exactly the right length.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let error = ParseIdError { expected: $len * 2 };
                if text.len() != $len * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(error);
                }
                let mut bytes = [0u8; $len];
                for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
                    let digits = std::str::from_utf8(digits).map_err(|_| error.clone())?;
                    *byte = u8::from_str_radix(digits, 16).map_err(|_| error.clone())?;
                }
                Ok(Self(bytes))
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                Self::from_slice(d.bytes()?)
                    .ok_or_else(|| minicbor::decode::Error::message("identifier length"))
            }
        }
    };
}

byte_id!(
    /// One running Dutyroom, campus or hub. [`SiteId::INSTITUTION`] stands for the institution.
    SiteId, 8
);
byte_id!(
    /// The institution: the first 16 bytes of the BLAKE3 hash of its root public key.
    InstitutionId, 16
);
byte_id!(
    /// A record, that is, one Automerge document: the site that created it (8 B) and 8 bytes of
    /// that site's choosing ([`RecordId::new`]).
    RecordId, 16
);
byte_id!(
    /// A person's account; equal to the [`RecordId`] of the person record.
    AccountId, 16
);
byte_id!(
    /// The desk PC, phone or program an action came from; opaque.
    TerminalId, 16
);
byte_id!(
    /// One user action; chosen by the client so that a repeated request is recognised.
    ActionId, 16
);
byte_id!(
    /// One item of an entries field inside a record.
    EntryId, 16
);
byte_id!(
    /// A confidentiality scope; all zero is the whole institution.
    ScopeId, 16
);
byte_id!(
    /// A BLAKE3 hash.
    Hash, 32
);

impl SiteId {
    /// The pseudo-site whose journal is the institution journal (DESIGN.md section 4).
    pub const INSTITUTION: SiteId = SiteId([0; 8]);
}

impl RecordId {
    /// The id of a record that `home` creates; `unique` is random, or derived from what makes
    /// the record one of its kind.
    ///
    /// The home site is part of the id so that no site can create a record under an id that
    /// another site uses: the gate refuses that whether or not the other record has arrived
    /// ([`crate::gate::Refusal::ForeignRecordId`]). With free ids each site would keep whichever
    /// came first, and sites would disagree for good.
    #[must_use]
    pub fn new(home: SiteId, unique: [u8; 8]) -> Self {
        let mut id = [0; 16];
        id[..SiteId::LEN].copy_from_slice(&home.0);
        id[SiteId::LEN..].copy_from_slice(&unique);
        Self(id)
    }

    /// The only site that may create the record.
    #[must_use]
    pub fn home(&self) -> SiteId {
        let mut site = SiteId::default();
        site.0.copy_from_slice(&self.0[..SiteId::LEN]);
        site
    }
}

impl InstitutionId {
    /// Derives the identifier from the root public key, so that the id is a trust anchor.
    #[must_use]
    pub fn of_root_key(root_public_key: &[u8; 32]) -> Self {
        let hash = blake3::hash(root_public_key);
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_bytes()[..16]);
        Self(id)
    }
}

/// One journal: a site in one incarnation.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode,
)]
#[cbor(array)]
pub struct JournalId {
    /// The site that writes it, or [`SiteId::INSTITUTION`].
    #[n(0)]
    pub site: SiteId,
    /// Raised whenever a site is restored or re-keyed; 0 for the institution journal.
    #[n(1)]
    pub incarnation: u32,
}

impl JournalId {
    /// The institution journal.
    pub const INSTITUTION: JournalId = JournalId {
        site: SiteId::INSTITUTION,
        incarnation: 0,
    };
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.site, self.incarnation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_survives_its_hex_form() {
        let id = SiteId([1, 2, 0xab, 4, 5, 6, 7, 0xff]);
        assert_eq!(id.to_string(), "0102ab04050607ff");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_record_id_names_the_site_that_creates_it() {
        let site = SiteId([1, 2, 3, 4, 5, 6, 7, 8]);
        let id = RecordId::new(site, [9; 8]);
        assert_eq!(id.to_string(), "01020304050607080909090909090909");
        assert_eq!(id.home(), site);
    }

    #[test]
    fn a_wrong_length_or_digit_is_no_identifier() {
        for text in ["", "0102ab04050607f", "0102ab04050607fg", "值班值班"] {
            assert_eq!(text.parse::<SiteId>(), Err(ParseIdError { expected: 16 }));
        }
    }
}
