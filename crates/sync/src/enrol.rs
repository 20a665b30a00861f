//! Founding an institution and letting a campus join it with a one-time code.
//!
//! A code carries a secret, by which the hub knows the campus, and a fingerprint, by which the
//! campus knows the hub. The hub keeps only a hash of the secret and uses it up in the same
//! transaction that finds it. Nothing is changed on either side by a code that is refused.

mod code;
mod hub;
pub mod message;

pub use code::Code;
pub(crate) use hub::{Throttle, serve_join};
pub use message::Refusal;

use crate::identity::{
    HubNames, Identity, IdentityError, TlsRequest, ensure_absent, random, site_of_certificate,
};
use crate::stream::{StreamError, read_message, write_message};
use crate::tls::{self, Fingerprint, Found, fingerprint};
use crate::wire;
use ed25519_dalek::{Signer as _, SigningKey};
use message::{Answer, Request, Welcome};
use rand::RngCore;
use records::bundle::Bundle;
use records::payload::{InstitutionOp, SiteRole};
use records::trust::{MAX_CODE_LEN, MAX_NAME_LEN};
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use store::{JoinCode, Store};
use x25519_dalek::StaticSecret;

const PATIENCE: Duration = Duration::from_secs(20);
/// Longest institution journal a joining campus takes, in bytes: some 100,000 decisions.
const MAX_JOURNAL_LEN: usize = 64 * 1024 * 1024;
const EXPORT_LABEL: &[u8] = b"EXPORTER-dutyroom-join";

/// Why an institution cannot be founded.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// A name is empty or too long, or the code is not 1–8 ASCII letters and digits.
    #[error("a name or code is out of bounds")]
    Names,
    /// Keys or files.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The data directory.
    #[error("the store cannot be opened")]
    Open(#[from] store::OpenError),
    /// The first entries of the institution journal.
    #[error("the institution journal cannot be written")]
    Store(#[from] store::StoreError),
}

/// Makes an institution and its hub in `data`: keys, certificates and the first three entries of
/// the institution journal.
///
/// # Errors
/// [`FoundError`]; an existing identity is never touched.
pub async fn found(
    data: &Path,
    names: &HubNames,
    wall_ms: i64,
    rng: &mut impl RngCore,
) -> Result<Identity, FoundError> {
    let valid = valid_name(&names.institution) && valid_name(&names.site);
    if !valid || !valid_code(&names.code) {
        return Err(FoundError::Names);
    }
    ensure_absent(data)?;
    let identity = Identity::new_hub(names, rng)?;
    let authority = identity.authority.as_ref().expect("a new hub has one");
    let store = Store::open(data).await?;
    store.set_institution(identity.institution).await?;
    let ops = [
        InstitutionOp::Found {
            name: identity.institution_name.clone(),
            root_key: authority.root.verifying_key().to_bytes(),
        },
        InstitutionOp::Enrol(identity.enrolment()),
        InstitutionOp::ActivateRules(records::gate::RULES),
    ];
    for op in ops {
        let institution = identity.institution;
        store
            .commit_institution(op, &authority.root, institution, wall_ms)
            .await?;
    }
    drop(store);
    identity.save(data)?;
    Ok(identity)
}

/// The campus a code is for.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Name on screens, at most 100 characters.
    pub site_name: String,
    /// 1–8 ASCII letters and digits used in record numbers.
    pub site_code: String,
    /// How long the code can be used, ms.
    pub valid_ms: i64,
}

/// Why no code is handed out.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The hub was restored and has not been linked with a campus since.
    #[error("this hub was restored: link it with a campus first")]
    Unconfirmed,
    /// This site has no authority keys.
    #[error("only the hub can invite a site")]
    NotHub,
    /// The name is empty or too long, or the code is not 1–8 ASCII letters and digits.
    #[error("the name or code of the site is out of bounds")]
    Names,
    /// Another site has this code.
    #[error("another site has this code")]
    CodeTaken,
    /// The code could not be kept.
    #[error("the join code cannot be kept")]
    Store(#[from] store::StoreError),
}

/// Hands out a one-time join code.
///
/// # Errors
/// [`InviteError`].
pub async fn invite(
    store: &Store,
    identity: &Identity,
    invitation: &Invitation,
    now_ms: i64,
    rng: &mut impl RngCore,
) -> Result<String, InviteError> {
    if identity.authority.is_none() {
        return Err(InviteError::NotHub);
    }
    if store.is_unconfirmed() {
        return Err(InviteError::Unconfirmed);
    }
    if !valid_name(&invitation.site_name) || !valid_code(&invitation.site_code) {
        return Err(InviteError::Names);
    }
    let trust = store.trust();
    if trust
        .enrolments()
        .any(|site| site.code == invitation.site_code)
    {
        return Err(InviteError::CodeTaken);
    }
    let code = Code {
        secret: random(rng),
        fingerprint: fingerprint(&identity.ca),
    };
    let kept = JoinCode {
        hash: Code::hash(&code.secret),
        site_name: invitation.site_name.clone(),
        site_code: invitation.site_code.clone(),
        expires_ms: now_ms.saturating_add(invitation.valid_ms),
    };
    store.add_join_code(kept).await?;
    Ok(code.format())
}

fn valid_name(name: &str) -> bool {
    let len = name.chars().count();
    !name.trim().is_empty() && len <= MAX_NAME_LEN && !name.chars().any(char::is_control)
}

fn valid_code(code: &str) -> bool {
    (1..=MAX_CODE_LEN).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Why a site could not join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Not `quic://host:port`.
    #[error("the address must look like quic://host:port")]
    Address,
    /// A character is wrong or missing; nothing was dialled.
    #[error("the join code is mistyped")]
    Mistyped,
    /// Nobody answered.
    #[error("the hub cannot be reached")]
    Unreachable,
    /// Whoever answered is not the hub that made the code.
    #[error("the site at this address is not the hub that made the join code")]
    WrongHub,
    /// The hub said no.
    #[error("the hub refused")]
    Refused(#[source] Refusal),
    /// The answer contradicts itself, or the connection broke after the code was sent. The code
    /// may be used up; ask for a new one.
    #[error("the hub's answer was broken off or makes no sense")]
    Answer,
    /// Keys or files.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The data directory.
    #[error("the store cannot be opened")]
    Open(#[from] store::OpenError),
    /// The institution journal could not be kept.
    #[error("the institution journal cannot be kept")]
    Store(#[from] store::StoreError),
}

struct Keys {
    sign: SigningKey,
    seal: StaticSecret,
    tls: TlsRequest,
}

/// Joins the institution of the hub at `url` with a one-time code, and keeps the identity and
/// the institution journal under `data`.
///
/// # Errors
/// [`JoinError`]; the data directory has no identity then.
pub async fn join(
    url: &str,
    code: &str,
    data: &Path,
    wall_ms: i64,
    rng: &mut impl RngCore,
) -> Result<Identity, JoinError> {
    let host = url.strip_prefix("quic://").ok_or(JoinError::Address)?;
    let host = host.trim_end_matches('/');
    let code = Code::parse(code).ok_or(JoinError::Mistyped)?;
    ensure_absent(data)?;
    let keys = Keys {
        sign: SigningKey::from_bytes(&random(rng)),
        seal: StaticSecret::from(random::<32>(rng)),
        tls: TlsRequest::generate().map_err(IdentityError::from)?,
    };
    let asked = tokio::time::timeout(PATIENCE, ask(host, &code, &keys)).await;
    let (welcome, bundles, ca) = asked.map_err(|_| JoinError::Unreachable)??;
    let identity = Identity {
        institution: welcome.institution,
        institution_name: welcome.institution_name,
        journal: welcome.journal,
        name: welcome.name,
        code: welcome.code,
        role: SiteRole::Campus,
        hub: welcome.hub,
        sign: keys.sign,
        seal: keys.seal,
        certificate: CertificateDer::from(welcome.certificate),
        tls_key: keys.tls.key,
        ca,
        authority: None,
    };
    if site_of_certificate(&identity.certificate) != Some(identity.site()) {
        return Err(JoinError::Answer);
    }
    let store = Store::open(data).await?;
    store.set_institution(identity.institution).await?;
    store.admit(bundles, wall_ms).await?;
    if store.trust().enrolment(identity.site()) != Some(&identity.enrolment()) {
        return Err(JoinError::Answer);
    }
    drop(store);
    identity.save(data)?;
    Ok(identity)
}

async fn ask(
    host: &str,
    code: &Code,
    keys: &Keys,
) -> Result<(Welcome, Vec<Bundle>, CertificateDer<'static>), JoinError> {
    let mut addresses =
        tokio::net::lookup_host(host)
            .await
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::InvalidInput => JoinError::Address,
                _ => JoinError::Unreachable,
            })?;
    let address = addresses.next().ok_or(JoinError::Unreachable)?;
    let local: SocketAddr = if address.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0u16; 8], 0).into()
    };
    let endpoint = quinn::Endpoint::client(local).map_err(|_| JoinError::Unreachable)?;
    let verifier = Fingerprint::new(code.fingerprint);
    let config = tls::join_client(verifier.clone()).map_err(IdentityError::from)?;
    let connecting = endpoint
        .connect_with(config, address, crate::identity::LINK_NAME)
        .map_err(|_| JoinError::Unreachable)?;
    let connection = match (connecting.await, verifier.found()) {
        (Ok(connection), _) => connection,
        (Err(_), Found::Another) => return Err(JoinError::WrongHub),
        (Err(_), _) => return Err(JoinError::Unreachable),
    };
    let Found::Authority(ca) = verifier.found() else {
        return Err(JoinError::WrongHub);
    };
    let answer = converse(&connection, code, keys).await;
    connection.close(0u32.into(), b"");
    endpoint.wait_idle().await;
    let (welcome, bundles) = answer?;
    Ok((welcome, bundles, ca))
}

async fn converse(
    connection: &quinn::Connection,
    code: &Code,
    keys: &Keys,
) -> Result<(Welcome, Vec<Bundle>), JoinError> {
    let broken = |_: StreamError| JoinError::Answer;
    let max = wire::MAX_MESSAGE_LEN;
    let opened = connection.open_bi().await;
    let (mut send, mut receive) = opened.map_err(|_| JoinError::Answer)?;
    let request = Request {
        secret: code.secret,
        sign_key: keys.sign.verifying_key().to_bytes(),
        seal_key: x25519_dalek::PublicKey::from(&keys.seal).to_bytes(),
        csr: keys.tls.csr.clone(),
        proof: keys.sign.sign(&exported(connection)).to_bytes(),
    };
    write_message(&mut send, &request).await.map_err(broken)?;
    let welcome = match read_message(&mut receive, max).await.map_err(broken)? {
        Answer::Welcome(welcome) => welcome,
        Answer::Refused(refusal) => return Err(JoinError::Refused(refusal)),
        Answer::Journal(_) => return Err(JoinError::Answer),
    };
    let (mut bundles, mut len) = (Vec::new(), 0);
    loop {
        match read_message(&mut receive, max).await.map_err(broken)? {
            Answer::Journal(part) if part.is_empty() => return Ok((welcome, bundles)),
            Answer::Journal(part) => {
                len += wire::weight(&part);
                bundles.extend(part);
            }
            _ => return Err(JoinError::Answer),
        }
        if len > MAX_JOURNAL_LEN {
            return Err(JoinError::Answer);
        }
    }
}

/// Key material that only the two ends of this connection have.
fn exported(connection: &quinn::Connection) -> [u8; 32] {
    let mut bytes = [0; 32];
    connection
        .export_keying_material(&mut bytes, EXPORT_LABEL, b"")
        .expect("32 bytes can always be exported");
    bytes
}
