//! The data directory of a campus that has been in use: everything `dutyroom` needs to serve it,
//! with a [`history`] of two campuses in its journals and caches.

use crate::history::{self, History, Plan};
use anyhow::{Context as _, Result, ensure};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use records::bundle::Bundle;
use records::payload::SiteRole;
use std::path::Path;
use store::{Admission, Options, Store, Synchronous};
use sync::identity::{HubNames, Identity};

/// Bundles offered in one transaction.
const BATCH: usize = 2_048;

/// Makes the data directory of site 1 of this history, whole or not at all: its identity, and
/// every bundle admitted as if a link had brought it, the gate and all projections included.
/// Only the pressing to disk is left to the system, once, at the end. `progress` is told the
/// bundles so far.
///
/// # Errors
/// When a file cannot be written or a bundle does not count.
pub async fn make(data: &Path, plan: Plan, mut progress: impl FnMut(usize)) -> Result<()> {
    let staging = data.with_extension("new");
    if staging.exists() {
        std::fs::remove_dir_all(&staging)?;
    }
    identity(1)?.save(&staging)?;
    let options = Options {
        synchronous: Synchronous::Off,
        ..Options::default()
    };
    let store = Store::open_with(&staging, options).await?;
    store.admit(history::founding(), history::BEGIN_MS).await?;
    let (mut batch, mut done) = (Vec::with_capacity(BATCH), 0);
    for bundle in History::new(plan) {
        batch.push(bundle);
        if batch.len() == BATCH {
            done += admit(&store, std::mem::take(&mut batch)).await?;
            progress(done);
        }
    }
    admit(&store, batch).await?;
    drop(store);
    std::fs::rename(&staging, data).context("the finished directory cannot be moved")
}

async fn admit(store: &Store, bundles: Vec<Bundle>) -> Result<usize> {
    let Some(last) = bundles.last() else {
        return Ok(0);
    };
    let now_ms = last.decode_header()?.wall_ms;
    let count = bundles.len();
    for admission in store.admit(bundles, now_ms).await? {
        let counts = matches!(admission, Admission::Admitted { .. });
        ensure!(counts, "a bundle of the history: {admission:?}");
    }
    Ok(count)
}

/// Who a campus of every history is, with certificates of an authority of its own.
///
/// # Errors
/// When a certificate cannot be made.
pub fn identity(site: usize) -> Result<Identity> {
    let names = HubNames {
        institution: "测试学院".to_owned(),
        site: format!("第{site}值班室"),
        code: history::code(site),
    };
    let any = Identity::new_hub(&names, &mut StdRng::seed_from_u64(1))?;
    let journal = history::journal(site);
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let own = CertificateParams::new(vec![format!("{}.site.dutyroom", journal.site)])?;
    let certificate = own.signed_by(&key, &authority)?;
    Ok(Identity {
        institution: history::institution(),
        journal,
        role: SiteRole::Campus,
        hub: history::journal(0).site,
        sign: history::key(site),
        certificate: certificate.der().clone(),
        tls_key: key.serialize_der(),
        ca: authority.der().clone(),
        authority: None,
        ..any
    })
}
