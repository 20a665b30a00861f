//! What an administrator decides at the hub about a site's journals: closing one that forked or
//! was left, and revoking a site's key.

use crate::identity::{Authority, Identity};
use records::bundle::Head;
use records::id::{Hash, JournalId, SiteId};
use records::payload::InstitutionOp;
use records::trust::MAX_CLOSING_HEADS;
use store::{Store, StoreError};

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
pub enum DecreeError {
    /// This site has no authority keys.
    #[error("only the hub decides about the journals of sites")]
    NotHub,
    /// The hub would end its own key.
    #[error("the hub cannot revoke itself")]
    Itself,
    /// No such site, or nothing is held of the journal.
    #[error("the hub holds nothing of this journal")]
    Unknown,
    /// The place of a cut is not held here.
    #[error("the journal has no bundle there")]
    NoSuchPlace,
    /// More branches than one closure takes.
    #[error("more than {MAX_CLOSING_HEADS} branches: adopt them one restore at a time")]
    TooMany,
    /// More came since the person looked.
    #[error("the journal is not as it was shown any more: look again")]
    Changed,
    /// The decision could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a closure of `journal` would name: the end that stays its head (or those an earlier
/// closure named), then the ends of the other branches that are held whole.
///
/// # Errors
/// [`DecreeError`].
pub fn ends(store: &Store, journal: JournalId) -> Result<Vec<Head>, DecreeError> {
    let frontier = store.frontier();
    let main = frontier.iter().find(|head| head.journal == journal);
    let main = main.ok_or(DecreeError::Unknown)?;
    let trust = store.trust();
    let mut heads = trust.closed(journal).map_or(vec![*main], <[Head]>::to_vec);
    for end in store.branches() {
        if end.journal == journal && end != *main && !heads.contains(&end) {
            heads.push(end);
        }
    }
    if heads.len() > MAX_CLOSING_HEADS {
        return Err(DecreeError::TooMany);
    }
    Ok(heads)
}

/// Closes a journal: nothing counts in it any more but the chains to `heads`, which a person has
/// seen. The first one is the journal; the others are adopted beside it.
///
/// # Errors
/// [`DecreeError`].
pub async fn close(
    store: &Store,
    identity: &Identity,
    journal: JournalId,
    heads: Vec<Head>,
    wall_ms: i64,
) -> Result<(), DecreeError> {
    if ends(store, journal)? != heads {
        return Err(DecreeError::Changed);
    }
    let op = InstitutionOp::Close { journal, heads };
    decide(store, identity, op, wall_ms).await
}

/// Where each journal of a site is cut.
///
/// The newest journal comes first: a cut is inherited by later journals that have none of their
/// own. It is cut at bundle `cut`, the others at what is held of them; what is cut is left out.
///
/// # Errors
/// [`DecreeError`].
pub async fn cuts(
    store: &Store,
    site: SiteId,
    cut: Option<u64>,
) -> Result<Vec<(JournalId, u64, Hash)>, DecreeError> {
    let trust = store.trust();
    let enrolled = trust.enrolment(site).ok_or(DecreeError::Unknown)?.journal;
    let mut heads = store.frontier();
    heads.retain(|head| head.journal.site == site && head.journal >= enrolled);
    heads.reverse();
    let mut cuts = Vec::new();
    for (number, head) in heads.iter().enumerate() {
        match cut.filter(|cut| number == 0 && *cut < head.seq) {
            None => cuts.push((head.journal, head.seq, head.hash)),
            Some(0) => cuts.push((head.journal, 0, Hash::default())),
            Some(cut) => {
                let bundles = store.bundles_after(head.journal, cut - 1, 1).await?;
                let bundle = bundles.first().ok_or(DecreeError::NoSuchPlace)?;
                cuts.push((head.journal, cut, bundle.hash()));
            }
        }
    }
    if heads.iter().all(|head| head.journal != enrolled) {
        cuts.push((enrolled, 0, Hash::default()));
    }
    cuts.retain(|(journal, ..)| trust.cut(*journal).is_none());
    Ok(cuts)
}

/// Ends the validity of a site's key at these [`cuts`]; the site cannot link any more.
///
/// # Errors
/// [`DecreeError`]; what was decided before it stays decided.
pub async fn revoke(
    store: &Store,
    identity: &Identity,
    cuts: Vec<(JournalId, u64, Hash)>,
    wall_ms: i64,
) -> Result<(), DecreeError> {
    if cuts
        .iter()
        .any(|(journal, ..)| journal.site == identity.site())
    {
        return Err(DecreeError::Itself);
    }
    for (journal, cut_seq, cut_hash) in cuts {
        let op = InstitutionOp::Revoke {
            journal,
            cut_seq,
            cut_hash,
        };
        decide(store, identity, op, wall_ms).await?;
    }
    Ok(())
}

async fn decide(
    store: &Store,
    identity: &Identity,
    op: InstitutionOp,
    wall_ms: i64,
) -> Result<(), DecreeError> {
    let Authority { root, .. } = identity.authority.as_ref().ok_or(DecreeError::NotHub)?;
    let institution = identity.institution;
    store
        .commit_institution(op, root, institution, wall_ms)
        .await?;
    Ok(())
}
