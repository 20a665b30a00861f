//! What of a bundle from elsewhere needs no place: form, institution, signer, signature.

use crate::action::Admission;
use crate::chain::hash_at;
use crate::erase;
use crate::error::StoreError;
use crate::hole;
use crate::offered::{Offered, Unread};
use crate::tx::Tx;
use ed25519_dalek::VerifyingKey;
use records::bundle::{Bundle, Header, HeaderError};
use records::id::{Hash, InstitutionId, JournalId};
use records::payload::{Body, InstitutionOp, Section};
use std::borrow::Cow;

/// What is known of a bundle before its place is.
pub(crate) struct Checked<'a> {
    pub(crate) header: Header,
    pub(crate) hash: Hash,
    pub(crate) sections: Vec<Section>,
    /// Without what the institution has erased.
    pub(crate) bundle: Cow<'a, Bundle>,
}

/// The code of a bundle whose header only a later version reads. Nothing of it can be trusted, not
/// even whose it is, so it is neither kept nor relayed: whoever sent it keeps it, the journal stops
/// here before it, and it comes again after an upgrade. A later header is written only under a
/// rule set that has it, which the hub knows before it activates it, so the hub's relaying never
/// stops; a campus that was not upgraded falls behind, and its status page says so.
pub const LATER_VERSION: &str = "later_version";

/// Everything that needs no place: form, institution, signer, signature, payload.
pub(crate) async fn check<'a>(
    tx: &mut Tx<'_>,
    offered: &'a Offered,
) -> Result<Result<Checked<'a>, Admission>, StoreError> {
    let no = |code| Ok(Err(Admission::NotOurs { code }));
    let (bundle, hash) = (&offered.bundle, offered.hash);
    let (journal, seq) = match &offered.read {
        Ok((header, _)) => (header.journal(), header.seq),
        Err(Unread::Payload(journal, seq, _)) => (*journal, *seq),
        Err(Unread::Size) => return no("size"),
        Err(Unread::Header(HeaderError::Malformed)) => return no("malformed_header"),
        // Its place cannot be trusted before a version that knows it reads it.
        Err(Unread::Header(HeaderError::Unknown)) => return no(LATER_VERSION),
    };
    let here = stored_hash(tx, journal, seq).await? == Some(hash);
    if here && !hole::is_at(tx, journal, seq).await? {
        return Ok(Err(Admission::Duplicate));
    }
    let (header, mut sections) = match &offered.read {
        Ok(read) => read.clone(),
        Err(Unread::Payload(_, _, code)) => return no(code),
        Err(Unread::Size | Unread::Header(_)) => return no("size"),
    };
    match tx.state.institution {
        Some(ours) if ours != header.institution => return no("other_institution"),
        Some(_) => {}
        None => {
            let Some(institution) = founding(&header, &sections, bundle) else {
                return no("unknown_institution");
            };
            tx.written = true;
            tx.pin(institution).await?;
        }
    }
    let key = match tx.state.trust.sign_key(header.journal()) {
        Some(key) => key,
        None => match founding_key(&header, &sections) {
            Some(key) => key,
            None => return no("unknown_signer"),
        },
    };
    if !offered.is_signed_by(&key) {
        return no("bad_signature");
    }
    let trust = tx.state.trust.clone();
    let bundle = erase::kept(trust.erasures(), bundle, &mut sections);
    Ok(Ok(Checked {
        header,
        hash,
        sections,
        bundle,
    }))
}

/// The institution a founding bundle proves: its root key hashes to the id and signed it.
fn founding(header: &Header, sections: &[Section], bundle: &Bundle) -> Option<InstitutionId> {
    let key = founding_key(header, sections)?;
    bundle.signed_by(&key).then_some(header.institution)
}

/// The key a founding bundle names, if it hashes to the institution's id.
pub(crate) fn founding_key(header: &Header, sections: &[Section]) -> Option<VerifyingKey> {
    if header.journal() != JournalId::INSTITUTION || header.seq != 1 {
        return None;
    }
    let [Section::Present { body, .. }, ..] = sections else {
        return None;
    };
    let Ok(Body::Institution(InstitutionOp::Found { root_key, .. })) = Body::decode(body) else {
        return None;
    };
    let hashes = InstitutionId::of_root_key(&root_key) == header.institution;
    let key = VerifyingKey::from_bytes(&root_key).ok()?;
    hashes.then_some(key)
}

pub(crate) async fn stored_hash(
    tx: &mut Tx<'_>,
    journal: JournalId,
    seq: u64,
) -> Result<Option<Hash>, StoreError> {
    match tx.state.head(journal) {
        Some(head) if seq == head.seq => return Ok(Some(head.hash)),
        Some(head) if seq < head.seq => {}
        _ => return Ok(None),
    }
    if let Some(row) = tx.pile.bundle_at(journal, seq) {
        return Ok(Some(row.hash));
    }
    hash_at(tx.raw(), journal, seq).await
}
