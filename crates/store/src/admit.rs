//! Bundles from elsewhere: signature, place, dependencies, then judgement.

use crate::action::Admission;
use crate::branch;
use crate::chain::hash_at;
use crate::deps::{self, Deps};
use crate::erase;
use crate::error::StoreError;
use crate::hole;
use crate::job::Job;
use crate::judge::{self, Case, Judgement, Stop};
use crate::settle::{self, Signed};
use crate::store::Store;
use crate::tx::Tx;
use crate::waiting;
use ed25519_dalek::VerifyingKey;
use records::bundle::{Bundle, Head, Header, HeaderError, MAX_HEADER_LEN, MAX_PAYLOAD_LEN};
use records::id::{Hash, InstitutionId, JournalId};
use records::journal::{self, Place, place};
use records::payload::{self, Body, InstitutionOp, Section};
use std::borrow::Cow;

impl Store {
    /// Offers bundles, all in one transaction; the answers are in the order of the bundles.
    /// Bundles that were waiting and are released by these are settled in the same transaction.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was admitted then.
    pub async fn admit(
        &self,
        bundles: Vec<Bundle>,
        received_ms: i64,
    ) -> Result<Vec<Admission>, StoreError> {
        self.ask(|reply| Job::Admit(bundles, received_ms, reply))
            .await?
    }
}

/// Offers one bundle and settles what it releases.
pub(crate) async fn offer(
    tx: &mut Tx<'_>,
    bundle: &Bundle,
    received_ms: i64,
) -> Result<Admission, StoreError> {
    let checked = match check(tx, bundle).await? {
        Ok(checked) => checked,
        Err(answer) => return Ok(answer),
    };
    let (journal, hash) = (checked.header.journal(), checked.hash);
    if !erase::is_unauthorised(tx.state.trust.erasures(), &checked.sections) {
        let Checked { header, bundle, .. } = &checked;
        let mended = hole::fill(tx, header, hash, bundle, received_ms).await?;
        if let Some(answer) = mended {
            release(tx, journal).await?;
            return Ok(answer);
        }
    }
    let known = waiting::contains(tx, hash).await?;
    let answer = match take(tx, checked, received_ms).await? {
        Taken::Waits { .. } if known => return Ok(Admission::Duplicate),
        Taken::Waits { journal, seq, kept } => {
            return Ok(Admission::Waiting { journal, seq, kept });
        }
        Taken::Done(answer) => answer,
    };
    if known {
        waiting::forget(tx, hash).await?;
    }
    release(tx, journal).await?;
    if let Admission::Fork { head } = &answer {
        release_from_branch(tx, head).await?;
    }
    Ok(answer)
}

/// What is known of a bundle before its place is.
struct Checked<'a> {
    header: Header,
    hash: Hash,
    sections: Vec<Section>,
    /// Without what the institution has erased.
    bundle: Cow<'a, Bundle>,
}

/// The code of a bundle whose header only a later version reads. Nothing of it can be trusted, not
/// even whose it is, so it is neither kept nor relayed: whoever sent it keeps it, the journal stops
/// here before it, and it comes again after an upgrade. A later header is written only under a
/// rule set that has it, which the hub knows before it activates it, so the hub's relaying never
/// stops; a campus that was not upgraded falls behind, and its status page says so.
pub const LATER_VERSION: &str = "later_version";

/// Everything that needs no place: form, institution, signer, signature, payload.
async fn check<'a>(
    tx: &mut Tx<'_>,
    bundle: &'a Bundle,
) -> Result<Result<Checked<'a>, Admission>, StoreError> {
    let no = |code| Ok(Err(Admission::NotOurs { code }));
    if bundle.header.len() > MAX_HEADER_LEN || bundle.payload.len() > MAX_PAYLOAD_LEN {
        return no("size");
    }
    let header = match bundle.decode_header() {
        Ok(header) => header,
        Err(HeaderError::Malformed) => return no("malformed_header"),
        // Its place cannot be trusted before a version that knows it reads it.
        Err(HeaderError::Unknown) => return no(LATER_VERSION),
    };
    let hash = bundle.hash();
    let here = stored_hash(tx, header.journal(), header.seq).await? == Some(hash);
    if here && !hole::is_at(tx, header.journal(), header.seq).await? {
        return Ok(Err(Admission::Duplicate));
    }
    let Ok(mut sections) = payload::decode(&bundle.payload) else {
        return no("malformed_payload");
    };
    if !payload::is_whole(&header, &sections, &bundle.payload) {
        return no("payload_root");
    }
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
    if !bundle.signed_by(&key) {
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

/// What became of a checked bundle.
enum Taken {
    /// In its journal, set aside, or here already: nothing to wait for.
    Done(Admission),
    /// Kept until this is here, or not kept for want of room.
    Waits {
        journal: JournalId,
        seq: u64,
        kept: bool,
    },
}

/// Places a checked bundle and settles it, keeps it, or sets it aside.
async fn take(
    tx: &mut Tx<'_>,
    checked: Checked<'_>,
    received_ms: i64,
) -> Result<Taken, StoreError> {
    let Checked {
        header,
        hash,
        sections,
        bundle,
    } = checked;
    let bundle = bundle.as_ref();
    let own = header.journal();
    let stored = stored_hash(tx, own, header.seq).await?;
    let (journal, seq) = match place(tx.state.head(own), stored, &header, hash) {
        Place::Duplicate => return Ok(Taken::Done(Admission::Duplicate)),
        // Content is missing, and no decision held here says why: one of the next ones may.
        _ if erase::is_unauthorised(tx.state.trust.erasures(), &sections) => {
            let held = tx.state.head(JournalId::INSTITUTION);
            (JournalId::INSTITUTION, held.map_or(0, |head| head.seq) + 1)
        }
        Place::Fork => {
            return aside(tx, &header, hash, bundle, stored, received_ms).await;
        }
        Place::Gap if branch::continues(tx, &header).await? => {
            return aside(tx, &header, hash, bundle, stored, received_ms).await;
        }
        Place::Gap => (own, header.seq - 1),
        // A closed journal is complete; whatever was signed in it since is set aside.
        Place::Next if is_complete(tx, own) => {
            return aside(tx, &header, hash, bundle, stored, received_ms).await;
        }
        Place::Next => match deps::deps(tx, &header).await? {
            Deps::Missing { journal, seq } => (journal, seq),
            // Not kept: what is waited for by its number would seem to be here.
            Deps::Lost { journal, seq } => {
                let kept = false;
                return Ok(Taken::Waits { journal, seq, kept });
            }
            Deps::Judged { past, contradicts } => {
                let case = Case {
                    journal: own,
                    header,
                    hash,
                    past,
                    sections,
                    contradicts,
                    received_ms,
                };
                return settle_case(tx, bundle, &case).await.map(Taken::Done);
            }
        },
    };
    let missing = (journal, seq);
    let kept = waiting::keep(tx, &header, hash, bundle, missing, received_ms).await?;
    Ok(Taken::Waits { journal, seq, kept })
}

/// Keeps a bundle as part of a branch.
async fn aside(
    tx: &mut Tx<'_>,
    header: &Header,
    hash: Hash,
    bundle: &Bundle,
    stored: Option<Hash>,
    received_ms: i64,
) -> Result<Taken, StoreError> {
    let kept = branch::keep(tx, header, hash, bundle, stored, received_ms).await?;
    Ok(Taken::Done(kept))
}

/// Whether a closure's main chain is here to its end.
fn is_complete(tx: &Tx<'_>, journal: JournalId) -> bool {
    let closed = tx.state.trust.closed(journal);
    let last = closed.and_then(<[Head]>::first);
    last.is_some_and(|last| tx.state.head(journal) == Some(last))
}

async fn settle_case(
    tx: &mut Tx<'_>,
    bundle: &Bundle,
    case: &Case,
) -> Result<Admission, StoreError> {
    let judgement = judge::judge(tx, case).await?;
    let stop = match &judgement {
        Judgement::Quarantine(failed) => Some(failed.stop),
        Judgement::Records(_) | Judgement::Institution(_) => None,
    };
    let head = settle::settle(tx, case, Some(Signed::of(bundle)), judgement).await?;
    // Signed with our key, in a journal we write or one after it, and not by this directory.
    let ours = |own: JournalId| own.site == head.journal.site && own <= head.journal;
    if tx.state.own.is_some_and(ours) {
        tx.must_leave(head.journal).await?;
    }
    observe_clock(tx, case);
    Ok(match stop {
        None => Admission::Admitted { head },
        Some(Stop::Refused(code)) => Admission::Refused { head, code },
        Some(Stop::Held(code)) => Admission::Held { head, code },
    })
}

/// Our clock follows foreign ones a little way; what is beyond is flagged, and nothing else.
fn observe_clock(tx: &mut Tx<'_>, case: &Case) {
    let (hlc, wall) = (case.header.hlc, case.received_ms);
    let excess = journal::hlc_excess_ms(hlc, wall);
    if excess > 0 {
        tracing::warn!(site.id = %case.header.site, excess_ms = excess, "a site's clock is ahead");
    }
    tx.state.hlc = journal::observe_hlc(tx.state.hlc, hlc, wall);
}

/// Settles everything that what `journal` holds by now has released, and so on.
async fn release(tx: &mut Tx<'_>, journal: JournalId) -> Result<(), StoreError> {
    let mut grown = vec![journal];
    while let Some(journal) = grown.pop() {
        while let Some(released) = waiting::next(tx, journal).await? {
            let Ok(checked) = check(tx, &released.bundle).await? else {
                waiting::forget(tx, released.hash).await?;
                continue;
            };
            let own = checked.header.journal();
            match take(tx, checked, released.received_ms).await? {
                // It waits for something else now, and its row says so.
                Taken::Waits { kept: true, .. } => {}
                Taken::Waits { kept: false, .. } | Taken::Done(_) => {
                    waiting::forget(tx, released.hash).await?;
                    grown.push(own);
                }
            }
        }
    }
    Ok(())
}

/// Judges anew what waits for a place that only branches have reached. Once round: what goes on
/// waiting stays in the room.
async fn release_from_branch(tx: &mut Tx<'_>, head: &Head) -> Result<(), StoreError> {
    for released in waiting::upto(tx, head.journal, head.seq).await? {
        let Ok(checked) = check(tx, &released.bundle).await? else {
            waiting::forget(tx, released.hash).await?;
            continue;
        };
        let own = checked.header.journal();
        if let Taken::Done(_) = take(tx, checked, released.received_ms).await? {
            waiting::forget(tx, released.hash).await?;
            release(tx, own).await?;
        }
    }
    Ok(())
}

async fn stored_hash(
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
