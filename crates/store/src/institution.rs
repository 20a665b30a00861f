//! Decisions of the institution, signed with its root key.

use crate::error::StoreError;
use crate::job::Job;
use crate::judge::{Case, Judgement, Stop};
use crate::past::Past;
use crate::settle::{self, Signed};
use crate::store::Store;
use crate::tx::Tx;
use ed25519_dalek::SigningKey;
use records::bundle::{self, Bundle, Head, Header};
use records::id::{ActionId, Hash, InstitutionId, JournalId};
use records::journal;
use records::payload::{self, Body, InstitutionOp, Section};
use records::trust::Trust;

impl Store {
    /// Appends one decision to the institution journal.
    ///
    /// # Errors
    /// [`StoreError::Institution`] when the journal does not allow it,
    /// [`StoreError::OtherInstitution`], or what the database says; nothing was written then.
    pub async fn commit_institution(
        &self,
        op: InstitutionOp,
        root: &SigningKey,
        institution: InstitutionId,
        wall_ms: i64,
    ) -> Result<Head, StoreError> {
        let (op, root) = (Box::new(op), Box::new(root.clone()));
        self.ask(|reply| Job::Institution {
            op,
            root,
            institution,
            wall_ms,
            reply,
        })
        .await?
    }
}

/// Applies every operation of an institution bundle, or none.
pub(crate) fn apply(trust: &Trust, header: &Header, sections: &[Section]) -> Result<Trust, Stop> {
    if header.seq != trust.seq() + 1 {
        return Err(Stop::Held("after_held"));
    }
    let mut next = trust.clone();
    for section in sections {
        let Section::Present { body, .. } = section else {
            return Err(Stop::Held("erased"));
        };
        match Body::decode(body) {
            Ok(Body::Institution(op)) => next
                .apply(header, &op)
                .map_err(|error| Stop::Refused(error.code()))?,
            Ok(Body::Record(_)) => return Err(Stop::Refused("record_of_the_institution")),
            // An operation of a later version may not decode here.
            Ok(Body::Unknown(_)) | Err(_) => return Err(Stop::Held("unknown_section")),
        }
    }
    if next.seq() != header.seq {
        return Err(Stop::Refused("empty"));
    }
    Ok(next)
}

/// The operations of an institution bundle that this version can read.
pub(crate) fn operations(sections: &[Section]) -> impl Iterator<Item = InstitutionOp> {
    sections.iter().filter_map(|section| match section {
        Section::Present { body, .. } => match Body::decode(body) {
            Ok(Body::Institution(op)) => Some(op),
            _ => None,
        },
        Section::Erased(_) => None,
    })
}

/// Signs and settles one decision. It depends on no site's journal, so that a new site can
/// judge this journal before it holds any other.
pub(crate) async fn commit(
    tx: &mut Tx<'_>,
    op: InstitutionOp,
    root: &SigningKey,
    institution: InstitutionId,
    wall_ms: i64,
) -> Result<Head, StoreError> {
    if InstitutionId::of_root_key(root.verifying_key().as_bytes()) != institution
        || tx.state.institution.is_some_and(|ours| ours != institution)
    {
        return Err(StoreError::OtherInstitution);
    }
    // A second decision at a place where there is one would fork the institution itself.
    if tx.state.is_unconfirmed() {
        return Err(StoreError::Unconfirmed);
    }
    if tx.state.awaits_mend {
        return Err(StoreError::InstitutionDamaged);
    }
    let tip = tx.state.tips.get(&JournalId::INSTITUTION);
    let (seq, prev) = tip.map_or((1, Hash::default()), |tip| {
        (tip.head.seq + 1, tip.head.hash)
    });
    let hlc = journal::next_hlc(tip.map_or(0, |tip| tip.hlc), wall_ms);
    let mut past = Past::default();
    let body = Body::Institution(op.clone()).encode();
    let sections = vec![Section::Present {
        salt: salt(root, &prev, &body),
        body,
    }];
    let payload = payload::encode(&sections);
    let header = header(institution, seq, prev, hlc, wall_ms, &sections, &payload);
    let trust = match tx.state.institution {
        Some(_) => (*tx.state.trust).clone(),
        None => Trust::new(institution),
    };
    let mut next = trust;
    next.apply(&header, &op).map_err(StoreError::Institution)?;
    let bundle = Bundle::sign(&header, payload, root);
    past.set_own(&header);
    let case = Case {
        journal: JournalId::INSTITUTION,
        hash: bundle.hash(),
        header,
        past,
        sections,
        contradicts: false,
        received_ms: wall_ms,
    };
    tx.written = true;
    tx.pin(institution).await?;
    let judgement = Judgement::Institution(Box::new(next));
    settle::settle(tx, &case, &Signed::of(&bundle), judgement).await
}

fn header(
    institution: InstitutionId,
    seq: u64,
    prev: Hash,
    hlc: u64,
    wall_ms: i64,
    sections: &[Section],
    payload: &[u8],
) -> Header {
    Header {
        version: bundle::VERSION,
        suite: bundle::SUITE,
        institution,
        site: JournalId::INSTITUTION.site,
        incarnation: JournalId::INSTITUTION.incarnation,
        seq,
        prev,
        deps: Vec::new(),
        hlc,
        wall_ms,
        uptime_ms: 0,
        hub_offset_ms: None,
        account: Default::default(),
        terminal: Default::default(),
        assurance: Vec::new(),
        action: ActionId::default(),
        part: 1,
        parts: 1,
        scope: Default::default(),
        key_id: 0,
        payload_root: payload::root(sections),
        payload_len: u32::try_from(payload.len()).expect("a decision is small"),
    }
}

/// Nobody without the root key can guess it, and no randomness has to be handed in.
fn salt(root: &SigningKey, prev: &Hash, body: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("dutyroom 2026 institution salt v1");
    hasher.update(root.as_bytes());
    hasher.update(&prev.0);
    hasher.update(body);
    let mut salt = [0; 16];
    hasher.finalize_xof().fill(&mut salt);
    salt
}
