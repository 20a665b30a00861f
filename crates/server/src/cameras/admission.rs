//! Which site may pull which of our pictures.
//!
//! The owner admits sites, the viewer's site admits people (DESIGN.md section 6). Every enrolled
//! site of the institution is admitted; a revoked one is not, even while its link still stands.

use crate::app::App;
use media::AdmissionFn;
use records::id::SiteId;
use records::trust::Trust;
use std::sync::Arc;

/// The decision the media engine asks for.
#[must_use]
pub fn admission(app: &App) -> AdmissionFn {
    let store = app.store().clone();
    Arc::new(move |request| {
        let asking = SiteId(request.asking);
        let admitted = is_admitted(&store.trust(), asking);
        if !admitted {
            tracing::warn!(site.id = %asking, "a site that is not enrolled asked for a picture");
        }
        admitted
    })
}

fn is_admitted(trust: &Trust, site: SiteId) -> bool {
    trust.enrolment(site).is_some() && !trust.is_revoked(site)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;
    use records::bundle::Header;
    use records::id::{Hash, InstitutionId, JournalId};
    use records::payload::{Enrolment, InstitutionOp, SiteRole};

    const CAMPUS: JournalId = JournalId {
        site: SiteId([2; 8]),
        incarnation: 1,
    };

    fn trust(decisions: &[InstitutionOp]) -> Trust {
        let root = SigningKey::from_bytes(&[7; 32]).verifying_key();
        let institution = InstitutionId::of_root_key(root.as_bytes());
        let found = InstitutionOp::Found {
            name: "测试学院".to_owned(),
            root_key: root.to_bytes(),
        };
        let mut trust = Trust::new(institution);
        for (op, seq) in std::iter::once(&found).chain(decisions).zip(1..) {
            trust
                .apply(&header(institution, seq), op)
                .expect("the decision may stand");
        }
        trust
    }

    fn header(institution: InstitutionId, seq: u64) -> Header {
        Header {
            institution,
            hlc: seq,
            ..Header::blank(JournalId::INSTITUTION, seq)
        }
    }

    fn enrol() -> InstitutionOp {
        InstitutionOp::Enrol(Enrolment {
            journal: CAMPUS,
            name: "东校区值班室".to_owned(),
            code: "E".to_owned(),
            role: SiteRole::Campus,
            sign_key: SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes(),
            seal_key: [0; 32],
        })
    }

    #[test]
    fn an_enrolled_site_is_admitted_and_a_stranger_is_not() {
        let trust = trust(&[enrol()]);
        assert!(is_admitted(&trust, CAMPUS.site));
        assert!(!is_admitted(&trust, SiteId([3; 8])));
    }

    #[test]
    fn a_revoked_site_is_admitted_no_more() {
        let revoke = InstitutionOp::Revoke {
            journal: CAMPUS,
            cut_seq: 0,
            cut_hash: Hash::default(),
        };
        assert!(!is_admitted(&trust(&[enrol(), revoke]), CAMPUS.site));
    }
}
