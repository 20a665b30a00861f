//! Section bodies as a peer sends them: decoding never panics, and no decision of a stranger is
//! taken into the institution's state.
#![no_main]

use libfuzzer_sys::fuzz_target;
use records::bundle::{SUITE, VERSION};
use records::id::{Hash, InstitutionId, JournalId};
use records::payload::{Body, InstitutionOp};
use records::trust::Trust;

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = Body::decode(bytes) else {
        return;
    };
    match &body {
        Body::Institution(op) => {
            let institution = InstitutionId([1; 16]);
            let mut trust = Trust::new(institution);
            let taken = trust.apply(&header(institution), op);
            let founds = matches!(op, InstitutionOp::Found { .. });
            assert!(founds || taken.is_err(), "nothing comes before the founding");
        }
        Body::Record(_) => {
            assert_eq!(Body::decode(&body.encode()).as_ref(), Ok(&body));
        }
        Body::Unknown(_) => {}
    }
});

fn header(institution: InstitutionId) -> records::bundle::Header {
    records::bundle::Header {
        version: VERSION,
        suite: SUITE,
        institution,
        site: JournalId::INSTITUTION.site,
        incarnation: 0,
        seq: 1,
        prev: Hash::default(),
        deps: Vec::new(),
        hlc: 1,
        wall_ms: 0,
        uptime_ms: 0,
        hub_offset_ms: None,
        account: Default::default(),
        terminal: Default::default(),
        assurance: Vec::new(),
        action: Default::default(),
        part: 1,
        parts: 1,
        scope: Default::default(),
        key_id: 0,
        payload_root: Hash::default(),
        payload_len: 0,
    }
}
