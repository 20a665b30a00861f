//! Whether a blob is here, and how far it is if it is coming.

use crate::app::App;
use crate::auth::person::Person;
use crate::duty::row::hides_from;
use crate::error::ApiError;
use records::id::Hash;
use serde::Serialize;
use store::BlobRef;
use sync::links::Links;
use sync::status::{BlobFetch, PeerState};
use utoipa::ToSchema;

/// What can be done with a blob now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlobPlace {
    /// It is here.
    Here,
    /// It is not here; asking for it fetches it.
    Elsewhere,
    /// It is being fetched.
    Coming,
    /// It is wanted and waits: no linked site has it yet, or others come first.
    Waiting,
    /// It is wanted and no other site can be reached.
    Unreachable,
    /// It is wanted and there is no room for it at this site.
    NoRoom,
}

/// A blob as screens show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct BlobState {
    /// Whether it is here.
    pub place: BlobPlace,
    /// Its length, bytes.
    pub size: u64,
    /// How much of it is here, bytes.
    pub here: u64,
}

/// The state of a blob to which a record gives this size.
///
/// # Errors
/// `internal` when the store fails.
pub async fn state(app: &App, hash: Hash, size: u64) -> Result<BlobState, ApiError> {
    let (mut here, size) = match app.store().blob_state(hash).await? {
        store::BlobState::Whole { size } => {
            let place = BlobPlace::Here;
            let here = size;
            return Ok(BlobState { place, size, here });
        }
        store::BlobState::Partial { size, here } => (here, size),
        store::BlobState::Absent => (0, size),
    };
    let progress = app.links().map(Links::blob_progress);
    let progress = progress.and_then(|all| all.borrow().get(&hash).copied());
    let place = match progress.map(|progress| progress.state) {
        None if app.store().is_blob_asked_for(hash).await? => waiting(app),
        None => BlobPlace::Elsewhere,
        Some(BlobFetch::Going) => BlobPlace::Coming,
        Some(BlobFetch::NoRoom) => BlobPlace::NoRoom,
        Some(BlobFetch::Waiting) => waiting(app),
    };
    here = here.max(progress.map_or(0, |progress| progress.here));
    Ok(BlobState { place, size, here })
}

fn waiting(app: &App) -> BlobPlace {
    let peers = app.links().map(Links::peers);
    let up = peers.is_some_and(|peers| {
        let peers = peers.borrow();
        peers.iter().any(|peer| peer.state == PeerState::Up)
    });
    if up {
        BlobPlace::Waiting
    } else {
        BlobPlace::Unreachable
    }
}

/// The entries that name the blob and that this person may see, newest first. Whoever may see
/// none of its records may not know that the blob exists.
///
/// # Errors
/// `not_found`.
pub async fn visible(app: &App, person: &Person, hash: Hash) -> Result<Vec<BlobRef>, ApiError> {
    let mut refs = app.store().blob_refs(hash).await?;
    refs.retain(|named| !hides_from(person.role, named.sensitive));
    if refs.is_empty() {
        return Err(ApiError::not_found());
    }
    Ok(refs)
}
