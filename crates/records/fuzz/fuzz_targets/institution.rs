//! Section bodies as a peer sends them: decoding never panics, and no decision of a stranger is
//! taken into the institution's state.
#![no_main]

use libfuzzer_sys::fuzz_target;
use records::bundle::Header;
use records::id::{InstitutionId, JournalId};
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

fn header(institution: InstitutionId) -> Header {
    Header {
        institution,
        hlc: 1,
        ..Header::blank(JournalId::INSTITUTION, 1)
    }
}
