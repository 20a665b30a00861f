//! Everything that one bundle's own bytes and the institution tell. Pure, on every core.

use super::report::BadReason;
use super::source::Found;
use crate::cores::spread;
use crate::form::founding_key;
use crate::institution;
use crate::lane::stem;
use records::bundle::{Bundle, Header};
use records::erasure::Fate;
use records::payload;
use records::trust::Trust;
use std::sync::Arc;

/// What bundles are checked with: the institution journal as far as it was checked itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    pub(super) trust: Option<Arc<Trust>>,
}

impl Keys {
    /// Takes in a decision that holds. One that its own journal does not allow changes nothing,
    /// and sites keep it in quarantine.
    pub(super) fn learn(&mut self, decision: &Bundle) {
        let Ok(header) = decision.decode_header() else {
            return;
        };
        let Ok(sections) = payload::decode(&decision.payload) else {
            return;
        };
        let trust = self.trust.as_deref();
        let new = || Trust::new(header.institution);
        let trust = trust.map_or_else(new, Trust::clone);
        if let Ok(next) = institution::apply(&trust, &header, &sections) {
            self.trust = Some(Arc::new(next));
        }
    }
}

/// A bundle that holds by itself.
pub(super) struct Sound {
    pub(super) header: Header,
    /// For each section whose content is gone, the decision that says so.
    pub(super) erased: Vec<u64>,
}

/// Checks one bundle, but not its place in the chain.
pub(super) fn one(found: &Found, keys: &Keys) -> Result<Sound, BadReason> {
    let bundle = found.bundle.as_ref().ok_or(BadReason::Signature)?;
    let header = bundle.decode_header().map_err(|_| BadReason::Header)?;
    let trust = keys.trust.as_deref();
    let institution = trust.map_or(header.institution, Trust::institution);
    let place = (header.journal(), header.seq, header.institution);
    if place != (stem(found.head.journal), found.head.seq, institution) {
        return Err(BadReason::Misplaced);
    }
    let sections = payload::decode(&bundle.payload).map_err(|_| BadReason::Payload);
    let key = match (trust, &sections) {
        (Some(trust), _) => trust.sign_key(header.journal()),
        (None, Ok(sections)) => founding_key(&header, sections),
        (None, Err(_)) => None,
    };
    let key = key.ok_or(BadReason::UnknownSigner)?;
    if bundle.hash() != found.head.hash || !bundle.signed_by(&key) {
        return Err(BadReason::Signature);
    }
    let sections = sections?;
    if !payload::is_whole(&header, &sections, &bundle.payload) {
        return Err(BadReason::Payload);
    }
    let mut erased = Vec::new();
    if let Some(trust) = trust {
        for section in &sections {
            match trust.erasures().fate(section) {
                Fate::Erased(seq) => erased.push(seq),
                Fate::Unauthorised => return Err(BadReason::NotAuthorised),
                Fate::Named(seq) => return Err(BadReason::NotErased(seq)),
                Fate::Live | Fate::Void => {}
            }
        }
    }
    Ok(Sound { header, erased })
}

type Checked = Vec<(Found, Result<Sound, BadReason>)>;

/// Checks a page on every core, beside the caller; the order stays.
pub(super) async fn all(page: Vec<Found>, keys: Arc<Keys>) -> std::io::Result<Checked> {
    let check = move |found: Found| {
        let sound = one(&found, &keys);
        (found, sound)
    };
    let checked = tokio::task::spawn_blocking(move || spread(page, check)).await;
    checked.map_err(std::io::Error::other)
}
