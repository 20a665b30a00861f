//! Who a site is: keys, certificates and names, kept under `<data>/identity`.
//!
//! The institution's root key (Ed25519) signs the institution journal; its hash is the
//! institution's id. A small certificate authority (ECDSA P-256, so that browsers can trust it
//! too) issues each site's TLS certificate, whose names hold the site id. Certificates carry no
//! useful expiry: a duty room must not go dark because a date passed or a clock stepped, and
//! revocation is the institution journal's business.

mod certificate;
mod files;
pub(crate) mod validity;

pub(crate) use certificate::TlsRequest;
pub use certificate::{LINK_NAME, site_of_certificate};
pub(crate) use files::ensure_absent;
pub use validity::CertificateFault;

use certificate::ca_params;
use ed25519_dalek::SigningKey;
use rand::RngCore;
use rcgen::{CertifiedIssuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use records::id::{InstitutionId, JournalId, SiteId};
use records::payload::{Enrolment, SiteRole};
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;
use x25519_dalek::{PublicKey, StaticSecret};

/// Everything a site knows about itself.
#[derive(Clone)]
pub struct Identity {
    /// The institution it belongs to.
    pub institution: InstitutionId,
    /// Its name on screens.
    pub institution_name: String,
    /// The journal this site writes.
    pub journal: JournalId,
    /// Name of the site on screens.
    pub name: String,
    /// 1–8 characters used in record numbers.
    pub code: String,
    /// Hub or campus.
    pub role: SiteRole,
    /// The hub's site id; the own one on the hub.
    pub hub: SiteId,
    /// Signs the journal.
    pub sign: SigningKey,
    /// Scope keys are wrapped to its public half.
    pub seal: StaticSecret,
    /// TLS certificate (DER) issued by the institution's authority.
    pub certificate: CertificateDer<'static>,
    /// Its private key (PKCS #8 DER).
    pub tls_key: Vec<u8>,
    /// The authority's certificate (DER).
    pub ca: CertificateDer<'static>,
    /// The institution's root and authority keys; on the hub only.
    pub authority: Option<Authority>,
}

/// The keys that speak for the institution.
#[derive(Clone)]
pub struct Authority {
    /// Signs the institution journal.
    pub root: SigningKey,
    /// Private key of the certificate authority (PKCS #8 DER).
    pub ca_key: Vec<u8>,
}

/// Why an identity cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The data directory holds no identity: the site was neither founded nor joined.
    #[error("no identity at {0}")]
    Missing(PathBuf),
    /// There is one already; it is never overwritten.
    #[error("an identity exists at {0}")]
    Exists(PathBuf),
    /// A file is absent or does not hold what it should.
    #[error("identity file {0} is damaged")]
    Damaged(PathBuf),
    /// Others than the owner may read or write a file.
    #[error("identity file {0} must be readable by its owner alone (mode 0600)")]
    Permissions(PathBuf),
    /// The file system refused.
    #[error("cannot use {path}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A certificate could not be made from the given names and keys.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificates cannot be used for TLS.
    #[error("the certificates cannot be used")]
    Tls(#[source] rustls::Error),
}

/// What [`Identity::new_hub`] is told.
#[derive(Debug, Clone)]
pub struct HubNames {
    /// Name of the institution.
    pub institution: String,
    /// Name of the hub's duty room.
    pub site: String,
    /// Code used in its record numbers.
    pub code: String,
}

impl Identity {
    /// This site's id.
    #[must_use]
    pub fn site(&self) -> SiteId {
        self.journal.site
    }

    /// What the institution journal says of this site.
    #[must_use]
    pub fn enrolment(&self) -> Enrolment {
        Enrolment {
            journal: self.journal,
            name: self.name.clone(),
            code: self.code.clone(),
            role: self.role,
            sign_key: self.sign.verifying_key().to_bytes(),
            seal_key: PublicKey::from(&self.seal).to_bytes(),
        }
    }

    /// Makes a new institution and its hub. TLS keys come from the system's own source, which
    /// `rcgen` does not let us choose; everything that names or signs comes from `rng`.
    ///
    /// # Errors
    /// [`IdentityError::Certificate`] when a name does not fit into a certificate.
    pub fn new_hub(names: &HubNames, rng: &mut impl RngCore) -> Result<Self, IdentityError> {
        let root = SigningKey::from_bytes(&random(rng));
        let ca_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let ca_key_der = ca_key.serialize_der();
        let institution = InstitutionId::of_root_key(&root.verifying_key().to_bytes());
        let ca = CertifiedIssuer::self_signed(ca_params(institution, rng), ca_key)?;
        let authority = Authority {
            root,
            ca_key: ca_key_der,
        };
        let site = new_site_id(rng);
        let request = TlsRequest::generate()?;
        let certificate = authority.issue(ca.der(), site, &request.csr, rng)?;
        Ok(Self {
            institution,
            institution_name: names.institution.clone(),
            journal: JournalId {
                site,
                incarnation: 1,
            },
            name: names.site.clone(),
            code: names.code.clone(),
            role: SiteRole::Hub,
            hub: site,
            sign: SigningKey::from_bytes(&random(rng)),
            seal: StaticSecret::from(random(rng)),
            certificate,
            tls_key: request.key,
            ca: ca.der().clone(),
            authority: Some(authority),
        })
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("institution", &self.institution)
            .field("journal", &self.journal)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// A fresh id of a site, never the institution's.
pub(crate) fn new_site_id(rng: &mut impl RngCore) -> SiteId {
    loop {
        let id = SiteId(random(rng));
        if id != SiteId::INSTITUTION {
            return id;
        }
    }
}

pub(crate) fn random<const N: usize>(rng: &mut impl RngCore) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}
