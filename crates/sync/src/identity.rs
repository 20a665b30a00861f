//! Who a site is: keys, certificates and names, kept under `<data>/identity`.
//!
//! The institution's root key (Ed25519) signs the institution journal; its hash is the
//! institution's id. A small certificate authority (ECDSA P-256, so that browsers can trust it
//! too) issues each site's TLS certificate, whose names hold the site id. Certificates carry no
//! useful expiry: a duty room must not go dark because a date passed or a clock stepped, and
//! revocation is the institution journal's business.

pub(crate) mod validity;

pub use validity::CertificateFault;

use ed25519_dalek::SigningKey;
use rand::RngCore;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    SerialNumber, date_time_ymd,
};
use records::id::{InstitutionId, JournalId, SiteId};
use records::payload::{Enrolment, SiteRole};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivatePkcs8KeyDer};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use x25519_dalek::{PublicKey, StaticSecret};

/// The name every site's certificate carries beside its own, so that a site can be dialled
/// before one knows which site answers at an address.
pub const LINK_NAME: &str = "link.site.dutyroom";
const SITE_SUFFIX: &str = ".site.dutyroom";
const DIRECTORY: &str = "identity";
const SITE: &str = "site.cbor";
const SIGN_KEY: &str = "sign.key";
const SEAL_KEY: &str = "seal.key";
const TLS_KEY: &str = "tls.key";
const TLS_CERT: &str = "tls.crt";
const CA_CERT: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
const ROOT_KEY: &str = "root.key";
const MAX_FILE_LEN: u64 = 64 * 1024;

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

#[derive(minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
struct SiteFile {
    #[n(0)]
    institution: InstitutionId,
    #[n(1)]
    institution_name: String,
    #[n(2)]
    journal: JournalId,
    #[n(3)]
    name: String,
    #[n(4)]
    code: String,
    #[n(5)]
    role: SiteRole,
    #[n(6)]
    hub: SiteId,
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

    /// Reads the identity under `data`.
    ///
    /// # Errors
    /// [`IdentityError`]: missing, damaged, or readable by others.
    pub fn load(data: &Path) -> Result<Self, IdentityError> {
        let dir = data.join(DIRECTORY);
        if !dir.exists() {
            return Err(IdentityError::Missing(dir));
        }
        let path = dir.join(SITE);
        let site: SiteFile =
            minicbor::decode(&read(&path)?).map_err(|_| IdentityError::Damaged(path.clone()))?;
        let authority = if site.role == SiteRole::Hub {
            Some(Authority {
                root: SigningKey::from_bytes(&read_key(&dir.join(ROOT_KEY))?),
                ca_key: read(&dir.join(CA_KEY))?,
            })
        } else {
            None
        };
        let identity = Self {
            institution: site.institution,
            institution_name: site.institution_name,
            journal: site.journal,
            name: site.name,
            code: site.code,
            role: site.role,
            hub: site.hub,
            sign: SigningKey::from_bytes(&read_key(&dir.join(SIGN_KEY))?),
            seal: StaticSecret::from(read_key(&dir.join(SEAL_KEY))?),
            certificate: read(&dir.join(TLS_CERT))?.into(),
            tls_key: read(&dir.join(TLS_KEY))?,
            ca: read(&dir.join(CA_CERT))?.into(),
            authority,
        };
        identity.check(&dir)?;
        Ok(identity)
    }

    /// Whether the parts fit together, so that damage is named at start and not at a handshake.
    fn check(&self, dir: &Path) -> Result<(), IdentityError> {
        let damaged = |file: &str| IdentityError::Damaged(dir.join(file));
        if site_of_certificate(&self.certificate) != Some(self.site()) {
            return Err(damaged(TLS_CERT));
        }
        webpki::EndEntityCert::try_from(&self.ca).map_err(|_| damaged(CA_CERT))?;
        KeyPair::try_from(self.tls_key.as_slice()).map_err(|_| damaged(TLS_KEY))?;
        if let Some(authority) = &self.authority {
            let root = authority.root.verifying_key().to_bytes();
            if InstitutionId::of_root_key(&root) != self.institution {
                return Err(damaged(ROOT_KEY));
            }
            KeyPair::try_from(authority.ca_key.as_slice()).map_err(|_| damaged(CA_KEY))?;
        }
        Ok(())
    }

    /// Writes the identity under `data`, whole or not at all. An existing one is never replaced.
    ///
    /// # Errors
    /// [`IdentityError::Exists`] or [`IdentityError::Io`].
    pub fn save(&self, data: &Path) -> Result<(), IdentityError> {
        let dir = data.join(DIRECTORY);
        ensure_absent(data)?;
        let staging = data.join(format!("{DIRECTORY}.new"));
        match std::fs::remove_dir_all(&staging) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(&staging)(error)),
            _ => {}
        }
        let mut private = std::fs::DirBuilder::new();
        private.recursive(true).mode(0o700);
        private.create(data).map_err(io(data))?;
        private.create(&staging).map_err(io(&staging))?;
        for (name, bytes) in self.files() {
            write_private(&staging.join(name), &bytes)?;
        }
        sync_dir(&staging)?;
        std::fs::rename(&staging, &dir).map_err(io(&dir))?;
        sync_dir(data)
    }

    fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let site = SiteFile {
            institution: self.institution,
            institution_name: self.institution_name.clone(),
            journal: self.journal,
            name: self.name.clone(),
            code: self.code.clone(),
            role: self.role,
            hub: self.hub,
        };
        let site = minicbor::to_vec(site).expect("encoding into a Vec cannot fail");
        let mut files = vec![
            (SITE, site),
            (SIGN_KEY, self.sign.to_bytes().to_vec()),
            (SEAL_KEY, self.seal.to_bytes().to_vec()),
            (TLS_KEY, self.tls_key.clone()),
            (TLS_CERT, self.certificate.to_vec()),
            (CA_CERT, self.ca.to_vec()),
        ];
        if let Some(authority) = &self.authority {
            files.push((ROOT_KEY, authority.root.to_bytes().to_vec()));
            files.push((CA_KEY, authority.ca_key.clone()));
        }
        files
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

/// A TLS key with the request for its certificate.
pub(crate) struct TlsRequest {
    pub(crate) key: Vec<u8>,
    pub(crate) csr: Vec<u8>,
}

impl TlsRequest {
    pub(crate) fn generate() -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let csr = CertificateParams::default().serialize_request(&key)?;
        Ok(Self {
            key: key.serialize_der(),
            csr: csr.der().to_vec(),
        })
    }
}

impl Authority {
    /// Issues the certificate of `site`; of the request only its key is used.
    pub(crate) fn issue(
        &self,
        ca: &CertificateDer<'_>,
        site: SiteId,
        csr: &[u8],
        rng: &mut impl RngCore,
    ) -> Result<CertificateDer<'static>, IdentityError> {
        let key = PrivatePkcs8KeyDer::from(self.ca_key.as_slice());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256)?;
        let issuer = Issuer::from_ca_cert_der(ca, key)?;
        let csr: CertificateSigningRequestDer<'_> = csr.into();
        let request = CertificateSigningRequestParams::from_der(&csr)?;
        let mut params = CertificateParams::new(vec![
            site_name(site),
            LINK_NAME.to_owned(),
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
        ])?;
        set_common(&mut params, &format!("dutyroom site {site}"), rng);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&request.public_key, &issuer)?;
        Ok(certificate.der().clone())
    }
}

fn ca_params(institution: InstitutionId, rng: &mut impl RngCore) -> CertificateParams {
    let mut params = CertificateParams::default();
    set_common(&mut params, &format!("dutyroom {institution}"), rng);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn set_common(params: &mut CertificateParams, name: &str, rng: &mut impl RngCore) {
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from_slice(&random::<16>(rng)));
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
}

/// The DNS name that binds a certificate to a site.
pub(crate) fn site_name(site: SiteId) -> String {
    format!("{site}{SITE_SUFFIX}")
}

/// Which site a certificate names. Only to be asked of one whose chain was verified.
#[must_use]
pub fn site_of_certificate(certificate: &CertificateDer<'_>) -> Option<SiteId> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    certificate
        .valid_dns_names()
        .find_map(|name| name.strip_suffix(SITE_SUFFIX)?.parse().ok())
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

/// Refuses a data directory that has an identity.
pub(crate) fn ensure_absent(data: &Path) -> Result<(), IdentityError> {
    let dir = data.join(DIRECTORY);
    if dir.exists() {
        return Err(IdentityError::Exists(dir));
    }
    Ok(())
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> IdentityError + use<> {
    let path = path.to_owned();
    move |source| IdentityError::Io { path, source }
}

fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => IdentityError::Damaged(path.to_owned()),
        _ => io(path)(error),
    })?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(IdentityError::Permissions(path.to_owned()));
    }
    if metadata.len() > MAX_FILE_LEN {
        return Err(IdentityError::Damaged(path.to_owned()));
    }
    std::fs::read(path).map_err(io(path))
}

fn read_key(path: &Path) -> Result<[u8; 32], IdentityError> {
    read(path)?
        .try_into()
        .map_err(|_| IdentityError::Damaged(path.to_owned()))
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<(), IdentityError> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(io(path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(io(path))
}

fn sync_dir(path: &Path) -> Result<(), IdentityError> {
    std::fs::File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(io(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    fn hub() -> Identity {
        let names = HubNames {
            institution: "学院".to_owned(),
            site: "总值班室".to_owned(),
            code: "Z".to_owned(),
        };
        Identity::new_hub(&names, &mut StdRng::seed_from_u64(1)).unwrap()
    }

    #[test]
    fn an_identity_survives_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let hub = hub();
        hub.save(dir.path()).unwrap();
        let back = Identity::load(dir.path()).unwrap();
        assert_eq!(back.enrolment(), hub.enrolment());
        assert_eq!(back.institution, hub.institution);
        assert!(back.authority.is_some());
        assert_eq!(site_of_certificate(&back.certificate), Some(hub.site()));
    }

    #[test]
    fn an_identity_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        hub().save(dir.path()).unwrap();
        let again = hub().save(dir.path());
        assert!(matches!(again, Err(IdentityError::Exists(_))));
    }

    #[test]
    fn a_missing_identity_a_damaged_file_and_an_open_file_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let missing = Identity::load(dir.path());
        assert!(matches!(missing, Err(IdentityError::Missing(_))));
        hub().save(dir.path()).unwrap();
        let key = dir.path().join(DIRECTORY).join(SIGN_KEY);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let open = Identity::load(dir.path());
        assert!(matches!(open, Err(IdentityError::Permissions(path)) if path == key));
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&key, b"short").unwrap();
        let damaged = Identity::load(dir.path());
        assert!(matches!(damaged, Err(IdentityError::Damaged(path)) if path == key));
    }

    #[test]
    fn another_institutions_root_key_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        hub().save(dir.path()).unwrap();
        let root = dir.path().join(DIRECTORY).join(ROOT_KEY);
        std::fs::write(&root, [9; 32]).unwrap();
        let damaged = Identity::load(dir.path());
        assert!(matches!(damaged, Err(IdentityError::Damaged(path)) if path == root));
    }

    #[test]
    fn every_file_is_private() {
        let dir = tempfile::tempdir().unwrap();
        hub().save(dir.path()).unwrap();
        for file in std::fs::read_dir(dir.path().join(DIRECTORY)).unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
