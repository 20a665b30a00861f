//! Bundles as they come from elsewhere, with everything found out that needs no database: on
//! every core, beside the writer.

use crate::cores::spread;
use ed25519_dalek::VerifyingKey;
use records::bundle::{Bundle, Header, HeaderError, MAX_HEADER_LEN, MAX_PAYLOAD_LEN};
use records::id::{Hash, JournalId};
use records::payload::{self, Section};
use records::trust::Trust;
use std::sync::Arc;

/// Fewer bundles than this are looked at where they are.
const MIN_SPREAD: usize = 8;

/// A bundle and what its own bytes tell.
pub(crate) struct Offered {
    pub(crate) bundle: Bundle,
    pub(crate) hash: Hash,
    /// What it says, if it can be read.
    pub(crate) read: Result<(Header, Vec<Section>), Unread>,
    /// The key that signed it, if it was the one its journal had when it was looked at.
    signed_by: Option<VerifyingKey>,
}

/// Why a bundle tells nothing.
pub(crate) enum Unread {
    Size,
    Header(HeaderError),
    /// The payload is none, or not the one that the bundle at this place was signed with.
    Payload(JournalId, u64, &'static str),
}

impl Offered {
    pub(crate) fn of(bundle: Bundle, trust: &Trust) -> Self {
        let (hash, read) = (bundle.hash(), read(&bundle));
        let key = read
            .as_ref()
            .ok()
            .and_then(|(header, _)| trust.sign_key(header.journal()));
        Self {
            signed_by: key.filter(|key| bundle.signed_by(key)),
            bundle,
            hash,
            read,
        }
    }

    /// Whether `key` signed it (strictly).
    pub(crate) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        self.signed_by.as_ref() == Some(key) || self.bundle.signed_by(key)
    }
}

fn read(bundle: &Bundle) -> Result<(Header, Vec<Section>), Unread> {
    if bundle.header.len() > MAX_HEADER_LEN || bundle.payload.len() > MAX_PAYLOAD_LEN {
        return Err(Unread::Size);
    }
    let header = bundle.decode_header().map_err(Unread::Header)?;
    let unread = |code| Unread::Payload(header.journal(), header.seq, code);
    let sections = payload::decode(&bundle.payload).map_err(|_| unread("malformed_payload"))?;
    if !payload::is_whole(&header, &sections, &bundle.payload) {
        return Err(unread("payload_root"));
    }
    Ok((header, sections))
}

/// Looks at every bundle, in their order.
pub(crate) async fn look(bundles: Vec<Bundle>, trust: Arc<Trust>) -> Vec<Offered> {
    let few = bundles.len() < MIN_SPREAD;
    let all = move || spread(bundles, |bundle| Offered::of(bundle, &trust));
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) if !few => {
            let looked = runtime.spawn_blocking(all).await;
            looked.expect("looking at bundles does not panic, and is not cancelled")
        }
        _ => all(),
    }
}
