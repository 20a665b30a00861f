//! TLS of links: our own authority, TLS 1.3 only, one provider named explicitly.

use crate::identity::{Identity, IdentityError, LINK_NAME};
use crate::links::{Congestion, paced};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The sync connection.
pub(crate) const ALPN_SYNC: &[u8] = b"dutyroom-sync/1";
/// The media connection.
pub(crate) const ALPN_MEDIA: &[u8] = b"dutyroom-media/1";
/// A site that wants to join.
pub(crate) const ALPN_JOIN: &[u8] = b"dutyroom-join/1";

/// Bytes of a certificate's hash that a join code carries.
pub(crate) const FINGERPRINT_LEN: usize = 10;

/// Shortest and longest silence after which a link may be held to be lost.
pub const IDLE_BOUNDS: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(120));
/// Shortest and longest pause between probes; at most half the silence.
pub const KEEP_ALIVE_BOUNDS: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(60));

/// How connections of links behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    /// Silence after which a link is held to be lost; the shorter of both sides' counts. A killed
    /// peer says nothing, so its silence has to be noticed: idle + keep-alive = 10 s at most.
    pub idle: Duration,
    /// Pause between probes: by default four must be lost in a row before a living link is given
    /// up.
    pub keep_alive: Duration,
    /// What is done about loss.
    pub congestion: Congestion,
}

impl Default for Transport {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(8),
            keep_alive: Duration::from_secs(2),
            congestion: Congestion::Cubic,
        }
    }
}

/// About 100 ms of 20 Mbit/s: older media is better dropped than sent.
const DATAGRAM_SEND_LEN: usize = 256 * 1024;
const DATAGRAM_RECEIVE_LEN: usize = 1024 * 1024;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn roots(identity: &Identity) -> Result<Arc<RootCertStore>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(identity.ca.clone())?;
    Ok(Arc::new(roots))
}

fn chain(identity: &Identity) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    // The authority's own certificate goes along for sites that only know its fingerprint.
    let chain = vec![identity.certificate.clone(), identity.ca.clone()];
    (chain, PrivateKeyDer::Pkcs8(identity.tls_key.clone().into()))
}

fn quic_transport(config: &Transport) -> Arc<quinn::TransportConfig> {
    let mut transport = quinn::TransportConfig::default();
    let idle = config.idle.clamp(IDLE_BOUNDS.0, IDLE_BOUNDS.1);
    let keep_alive = config.keep_alive.min(idle / 2);
    let idle = quinn::IdleTimeout::try_from(idle).expect("two minutes fit a QUIC time-out");
    transport
        .max_idle_timeout(Some(idle))
        .keep_alive_interval(Some(keep_alive))
        .congestion_controller_factory(paced(config.congestion))
        .max_concurrent_bidi_streams((1 + crate::links::request::MAX_STREAMS).into())
        // The peer's bulk lane.
        .max_concurrent_uni_streams(1u32.into())
        // One stream that is not read for a while leaves room for the others.
        .stream_receive_window((2u32 << 20).into())
        .receive_window((8u32 << 20).into())
        .send_window(8 << 20)
        .datagram_receive_buffer_size(Some(DATAGRAM_RECEIVE_LEN))
        .datagram_send_buffer_size(DATAGRAM_SEND_LEN);
    Arc::new(transport)
}

/// Accepts links of the institution, and joins where there is an authority to grant them.
///
/// A client without a certificate passes TLS, since one that joins has none yet; the driver
/// refuses it for every other protocol.
pub(crate) fn server(
    identity: &Identity,
    transport: &Transport,
) -> Result<quinn::ServerConfig, rustls::Error> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(identity)?, provider())
        .allow_unauthenticated()
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let (certificates, key) = chain(identity);
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![ALPN_SYNC.to_vec(), ALPN_MEDIA.to_vec()];
    if identity.authority.is_some() {
        config.alpn_protocols.push(ALPN_JOIN.to_vec());
    }
    let config = QuicServerConfig::try_from(config)
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(config));
    config.transport_config(quic_transport(transport));
    Ok(config)
}

/// Dials another site of the institution.
pub(crate) fn client(
    identity: &Identity,
    alpn: &[u8],
    transport: &Transport,
) -> Result<quinn::ClientConfig, rustls::Error> {
    let (certificates, key) = chain(identity);
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots(identity)?)
        .with_client_auth_cert(certificates, key)?;
    quic_client(config, alpn, transport)
}

fn quic_client(
    mut config: rustls::ClientConfig,
    alpn: &[u8],
    transport: &Transport,
) -> Result<quinn::ClientConfig, rustls::Error> {
    config.alpn_protocols = vec![alpn.to_vec()];
    let config = QuicClientConfig::try_from(config)
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = quinn::ClientConfig::new(Arc::new(config));
    config.transport_config(quic_transport(transport));
    Ok(config)
}

/// Dials a hub of which only its authority's fingerprint is known.
pub(crate) fn join_client(
    verifier: Arc<Fingerprint>,
) -> Result<quinn::ClientConfig, rustls::Error> {
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    quic_client(config, ALPN_JOIN, &Transport::default())
}

/// What a join code says of the authority's certificate.
pub(crate) fn fingerprint(ca: &CertificateDer<'_>) -> [u8; FINGERPRINT_LEN] {
    let mut hasher = blake3::Hasher::new_derive_key("dutyroom 2026 join code authority v1");
    hasher.update(ca);
    let mut bytes = [0; FINGERPRINT_LEN];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..FINGERPRINT_LEN]);
    bytes
}

/// Trusts the authority with a given fingerprint, which the hub has to send in its chain.
#[derive(Debug)]
pub(crate) struct Fingerprint {
    wanted: [u8; FINGERPRINT_LEN],
    provider: Arc<CryptoProvider>,
    found: Mutex<Found>,
}

#[derive(Debug, Clone, Default)]
pub(crate) enum Found {
    /// No certificate was seen yet.
    #[default]
    Nothing,
    /// The hub's chain ends elsewhere.
    Another,
    /// This authority's certificate.
    Authority(CertificateDer<'static>),
}

impl Fingerprint {
    pub(crate) fn new(wanted: [u8; FINGERPRINT_LEN]) -> Arc<Self> {
        Arc::new(Self {
            wanted,
            provider: provider(),
            found: Mutex::default(),
        })
    }

    pub(crate) fn found(&self) -> Found {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.clone()
    }

    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<CertificateDer<'static>, rustls::Error> {
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let ca = intermediates
            .iter()
            .find(|certificate| fingerprint(certificate) == self.wanted)
            .ok_or(unknown)?
            .clone()
            .into_owned();
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone())?;
        let name = ServerName::try_from(LINK_NAME).expect("a valid DNS name");
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?
            .verify_server_cert(end_entity, &[], &name, &[], now)?;
        Ok(ca)
    }
}

impl ServerCertVerifier for Fingerprint {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.verify(end_entity, intermediates, now);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        *found = match &verified {
            Ok(ca) => Found::Authority(ca.clone()),
            Err(_) => Found::Another,
        };
        verified.map(|_| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// The certificate a verified peer showed, if any.
pub(crate) fn peer_certificate(connection: &quinn::Connection) -> Option<CertificateDer<'static>> {
    let chain = connection.peer_identity()?;
    let chain = chain.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    chain.first().cloned()
}

/// The protocol a connection agreed on.
pub(crate) fn alpn(connection: &quinn::Connection) -> Option<Vec<u8>> {
    let data = connection.handshake_data()?;
    let data = data
        .downcast::<quinn::crypto::rustls::HandshakeData>()
        .ok()?;
    data.protocol
}

impl From<rustls::Error> for IdentityError {
    fn from(error: rustls::Error) -> Self {
        Self::Tls(error)
    }
}
