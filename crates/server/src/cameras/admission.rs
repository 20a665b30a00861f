//! Which site may pull which of our pictures.
//!
//! The owner admits sites, the viewer's site admits people (DESIGN.md section 6). Every enrolled
//! site of the institution is admitted; a revoked one is not, even while its link still stands.

use crate::app::App;
use media::AdmissionFn;
use records::id::SiteId;
use std::sync::Arc;

/// The decision the media engine asks for.
#[must_use]
pub fn admission(app: &App) -> AdmissionFn {
    let store = app.store().clone();
    Arc::new(move |request| {
        let trust = store.trust();
        let asking = trust.enrolment(SiteId(request.asking));
        let admitted = asking.is_some_and(|site| trust.sign_key(site.journal).is_some());
        if !admitted {
            tracing::warn!(
                site.id = %SiteId(request.asking),
                "a site that is not enrolled asked for a picture"
            );
        }
        admitted
    })
}
