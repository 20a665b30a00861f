//! The payload of a bundle: salted sections, so that one can be erased and the rest still proved.
//!
//! A payload is a CBOR array of sections. A present section is `[0, salt, body]`, an erased one
//! `[1, hash]`. The payload root in the header is a hash over the section hashes, which an erased
//! section still supplies (DESIGN.md section 4, *Erasure*).

use crate::bundle::{Head, Header};
use crate::id::{Hash, JournalId, RecordId, ScopeId, SiteId};
use minicbor::{Decoder, Encoder};

/// How many sections a payload may have.
pub const MAX_SECTIONS: usize = 256;
/// Upper bound of one raw Automerge change in bytes.
pub const MAX_CHANGE_LEN: usize = 256 * 1024;

/// One section of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Section {
    /// A section with its salt and exact body bytes.
    Present {
        /// Random, so that an erased section cannot be guessed from its hash.
        salt: [u8; 16],
        /// CBOR of a [`Body`].
        body: Vec<u8>,
    },
    /// A section whose content was erased by authority of the institution journal.
    Erased(Hash),
}

impl Section {
    /// The hash that the payload root covers.
    #[must_use]
    pub fn hash(&self) -> Hash {
        match self {
            Section::Erased(hash) => *hash,
            Section::Present { salt, body } => {
                let mut hasher = blake3::Hasher::new_derive_key("dutyroom 2026 payload section v1");
                hasher.update(salt);
                hasher.update(body);
                Hash(*hasher.finalize().as_bytes())
            }
        }
    }
}

/// What a section says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Automerge changes of one record.
    Record(RecordChanges),
    /// A decision of the institution (institution journal only).
    Institution(InstitutionOp),
    /// A section type of a later version: the bundle is held.
    Unknown(u32),
}

/// Raw Automerge changes of one record, in the order they apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordChanges {
    /// Which record.
    pub record: RecordId,
    /// Its kind, as in the field table.
    pub kind: String,
    /// The version of the kind's table the writer used.
    pub table_version: u16,
    /// Uncompressed change chunks.
    pub changes: Vec<Vec<u8>>,
}

/// A decision of the institution.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub enum InstitutionOp {
    /// First bundle: who we are.
    #[n(0)]
    Found {
        /// Name of the institution.
        #[n(0)]
        name: String,
        /// Root public key (Ed25519); hashes to the institution id.
        #[cbor(n(1), with = "minicbor::bytes")]
        root_key: [u8; 32],
    },
    /// Makes a site's key valid for one incarnation.
    #[n(1)]
    Enrol(#[n(0)] Enrolment),
    /// Ends a site key's validity after a cut.
    #[n(2)]
    Revoke {
        /// Which journal.
        #[n(0)]
        journal: JournalId,
        /// Last sequence number that counts (0: none).
        #[n(1)]
        cut_seq: u64,
        /// Hash of that bundle, all zero with `cut_seq` 0.
        #[n(2)]
        cut_hash: Hash,
    },
    /// Activates a rule set for every bundle that has this one in its past.
    #[n(3)]
    ActivateRules(#[n(0)] u32),
    /// Reserves a confidentiality scope limited to some sites.
    #[n(4)]
    DefineScope {
        /// The scope.
        #[n(0)]
        scope: ScopeId,
        /// Sites that may read it.
        #[n(1)]
        sites: Vec<SiteId>,
    },
    /// Ends a journal. The chains that end in these heads count, the first being the main one;
    /// whatever else was signed in it does not. A later one may adopt more chains.
    #[n(5)]
    Close {
        /// Which journal.
        #[n(0)]
        journal: JournalId,
        /// The last bundle of each chain.
        #[n(1)]
        heads: Vec<Head>,
    },
    /// Erases a record at every site ([`crate::erasure`]).
    #[n(6)]
    Erase {
        /// The record.
        #[n(0)]
        record: RecordId,
        /// Hashes of its sections whose content goes, ascending.
        #[n(1)]
        sections: Vec<Hash>,
        /// The record's number, which stays known; may be empty.
        #[n(2)]
        number: String,
        /// Why. It is kept for ever: no personal data.
        #[n(3)]
        reason: String,
    },
}

/// The role of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(index_only)]
pub enum SiteRole {
    /// 总值班室: the others dial it.
    #[n(0)]
    Hub,
    /// 校区值班室.
    #[n(1)]
    Campus,
}

/// A site's entry in the institution journal.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub struct Enrolment {
    /// Which journal the key may sign.
    #[n(0)]
    pub journal: JournalId,
    /// Name on screens, at most 100 characters.
    #[n(1)]
    pub name: String,
    /// 1–8 characters used in record numbers.
    #[n(2)]
    pub code: String,
    /// Hub or campus.
    #[n(3)]
    pub role: SiteRole,
    /// Ed25519 key that signs the journal.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub sign_key: [u8; 32],
    /// X25519 key that scope keys are wrapped to.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub seal_key: [u8; 32],
}

/// Payload bytes that no version can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a bundle payload")]
pub struct PayloadError;

impl Body {
    /// Encodes a body for [`Section::Present`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_into(&mut Encoder::new(&mut bytes))
            .expect("encoding into a Vec cannot fail");
        bytes
    }

    fn encode_into(
        &self,
        e: &mut Encoder<&mut Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        match self {
            Body::Record(section) => {
                e.array(5)?.u32(0)?.encode(section.record)?;
                e.str(&section.kind)?.u16(section.table_version)?;
                e.array(section.changes.len() as u64)?;
                for change in &section.changes {
                    e.bytes(change)?;
                }
            }
            Body::Institution(op) => {
                e.array(2)?.u32(1)?.encode(op)?;
            }
            Body::Unknown(kind) => {
                e.array(1)?.u32(*kind)?;
            }
        }
        Ok(())
    }

    /// Decodes a body.
    ///
    /// # Errors
    /// [`PayloadError`] when the bytes are not a section body.
    pub fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        let mut d = Decoder::new(bytes);
        let body = Self::decode_from(&mut d).map_err(|_| PayloadError)?;
        let complete = matches!(body, Body::Unknown(_)) || d.position() == bytes.len();
        if complete {
            Ok(body)
        } else {
            Err(PayloadError)
        }
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, minicbor::decode::Error> {
        let fields = d.array()?;
        match (fields, d.u32()?) {
            (Some(5), 0) => {
                let record = d.decode()?;
                let kind = d.str()?.to_owned();
                let table_version = d.u16()?;
                let changes = d
                    .array_iter::<&minicbor::bytes::ByteSlice>()?
                    .map(|change| change.map(|bytes| bytes.to_vec()))
                    .collect::<Result<_, _>>()?;
                Ok(Body::Record(RecordChanges {
                    record,
                    kind,
                    table_version,
                    changes,
                }))
            }
            (Some(2), 1) => Ok(Body::Institution(d.decode()?)),
            (_, kind) => Ok(Body::Unknown(kind)),
        }
    }
}

/// Encodes a payload.
#[must_use]
pub fn encode(sections: &[Section]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(sections, &mut Encoder::new(&mut bytes)).expect("encoding into a Vec cannot fail");
    bytes
}

fn encode_into(
    sections: &[Section],
    e: &mut Encoder<&mut Vec<u8>>,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    e.array(sections.len() as u64)?;
    for section in sections {
        match section {
            Section::Present { salt, body } => {
                e.array(3)?.u8(0)?.bytes(salt)?.bytes(body)?;
            }
            Section::Erased(hash) => {
                e.array(2)?.u8(1)?.encode(hash)?;
            }
        }
    }
    Ok(())
}

/// Decodes a payload.
///
/// # Errors
/// [`PayloadError`] when the bytes are not a payload or exceed [`MAX_SECTIONS`].
pub fn decode(bytes: &[u8]) -> Result<Vec<Section>, PayloadError> {
    let mut d = Decoder::new(bytes);
    let sections = decode_from(&mut d).map_err(|_| PayloadError)?;
    if d.position() == bytes.len() {
        Ok(sections)
    } else {
        Err(PayloadError)
    }
}

fn decode_from(d: &mut Decoder<'_>) -> Result<Vec<Section>, minicbor::decode::Error> {
    let count = d.array()?.unwrap_or(u64::MAX);
    if count > MAX_SECTIONS as u64 {
        return Err(minicbor::decode::Error::message("too many sections"));
    }
    (0..count)
        .map(|_| match (d.array()?, d.u8()?) {
            (Some(3), 0) => {
                let salt = d
                    .bytes()?
                    .try_into()
                    .map_err(|_| minicbor::decode::Error::message("salt length"))?;
                let body = d.bytes()?.to_vec();
                Ok(Section::Present { salt, body })
            }
            (Some(2), 1) => Ok(Section::Erased(d.decode()?)),
            _ => Err(minicbor::decode::Error::message("section")),
        })
        .collect()
}

/// Whether `bytes`, which decode to `sections`, are the payload that `header` names, in full or
/// with sections erased. Encoding again rules out that framing bytes were changed without
/// changing a section.
#[must_use]
pub fn is_whole(header: &Header, sections: &[Section], bytes: &[u8]) -> bool {
    let mut all = sections.iter();
    let erased = all.any(|section| matches!(section, Section::Erased(_)));
    root(sections) == header.payload_root
        && (erased || u32::try_from(bytes.len()) == Ok(header.payload_len))
        && encode(sections) == bytes
}

/// The root that a header carries for these sections.
#[must_use]
pub fn root(sections: &[Section]) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key("dutyroom 2026 payload root v1");
    hasher.update(&(sections.len() as u64).to_le_bytes());
    for section in sections {
        hasher.update(&section.hash().0);
    }
    Hash(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests;
