//! The certificates of an institution's sites, and of its authority.

use super::{Authority, IdentityError, random};
use rand::RngCore;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    SerialNumber, date_time_ymd,
};
use records::id::{InstitutionId, SiteId};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivatePkcs8KeyDer};

/// The name every site's certificate carries beside its own, so that a site can be dialled
/// before one knows which site answers at an address.
pub const LINK_NAME: &str = "link.site.dutyroom";
const SITE_SUFFIX: &str = ".site.dutyroom";

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

/// What the authority's own certificate says.
pub(super) fn ca_params(institution: InstitutionId, rng: &mut impl RngCore) -> CertificateParams {
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
fn site_name(site: SiteId) -> String {
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
