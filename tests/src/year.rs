//! The data directory of a site that has been in use: everything `dutyroom` needs to serve it,
//! with a [`history`] in its journals and caches.

use crate::history::{self, History, Plan};
use anyhow::{Context as _, Result, ensure};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use records::bundle::Bundle;
use records::payload::SiteRole;
use rustls::pki_types::CertificateDer;
use std::path::Path;
use std::sync::OnceLock;
use store::{Admission, Options, Store, Synchronous};
use sync::identity::{Authority, HubNames, Identity, LINK_NAME};

/// Bundles offered in one transaction.
const BATCH: usize = 2_048;

/// Makes the data directory of a site of this history, whole or not at all: its identity, and
/// every bundle admitted as if a link had brought it, the gate and all projections included.
/// Only the pressing to disk is left to the system, once, at the end. `progress` is told the
/// bundles so far.
///
/// # Errors
/// When a file cannot be written or a bundle does not count.
pub async fn make(
    site: usize,
    data: &Path,
    plan: Plan,
    mut progress: impl FnMut(usize),
) -> Result<()> {
    let staging = data.with_extension("new");
    if staging.exists() {
        std::fs::remove_dir_all(&staging)?;
    }
    identity(site)?.save(&staging)?;
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

/// The certificate authority of every site of this process, and its key (PKCS #8 DER).
fn authority() -> Result<&'static (CertificateDer<'static>, Vec<u8>)> {
    static MADE: OnceLock<(CertificateDer<'static>, Vec<u8>)> = OnceLock::new();
    if let Some(made) = MADE.get() {
        return Ok(made);
    }
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(MADE.get_or_init(|| (certificate.der().clone(), key.serialize_der())))
}

/// Who a site of every history is. Sites made by one process take each other's certificates.
///
/// # Errors
/// When a certificate cannot be made.
pub fn identity(site: usize) -> Result<Identity> {
    let names = HubNames {
        institution: "测试学院".to_owned(),
        site: format!("第{site}值班室"),
        code: history::code(site),
    };
    let any = Identity::new_hub(&names, &mut StdRng::seed_from_u64(site as u64))?;
    let journal = history::journal(site);
    let (ca, ca_key) = authority()?;
    let issuer = Issuer::from_ca_cert_der(ca, KeyPair::try_from(ca_key.as_slice())?)?;
    let key = KeyPair::generate()?;
    let own = format!("{}.site.dutyroom", journal.site);
    let own = CertificateParams::new(vec![own, LINK_NAME.to_owned()])?;
    let hub = site == 0;
    Ok(Identity {
        institution: history::institution(),
        journal,
        role: [SiteRole::Campus, SiteRole::Hub][usize::from(hub)],
        hub: history::journal(0).site,
        sign: history::key(site),
        certificate: own.signed_by(&key, &issuer)?.der().clone(),
        tls_key: key.serialize_der(),
        ca: ca.clone(),
        authority: hub.then(|| Authority {
            root: history::root(),
            ca_key: ca_key.clone(),
        }),
        ..any
    })
}
