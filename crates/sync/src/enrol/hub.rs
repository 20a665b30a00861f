//! The hub's side of joining.

use super::code::Code;
use super::exported;
use super::message::{Answer, MAX_REQUEST_LEN, Refusal, Request, Welcome};
use crate::identity::{Authority, Identity, new_site_id};
use crate::stream::{StreamError, read_message, write_message};
use ed25519_dalek::{Signature, VerifyingKey};
use rand::RngCore;
use records::id::JournalId;
use records::payload::{Enrolment, InstitutionOp, SiteRole};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use store::{JoinCodeError, Store};

/// At most this many attempts a minute from one address.
const ATTEMPTS: usize = 10;
const MINUTE_MS: u64 = 60_000;
/// Addresses remembered; while there are more within a minute, nobody new joins.
const MAX_ADDRESSES: usize = 1_024;
const PART_LEN: usize = 256 * 1024;

/// Bounds how often secrets can be guessed, address by address: who guesses keeps nobody else
/// from joining.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    attempts: BTreeMap<IpAddr, VecDeque<u64>>,
}

impl Throttle {
    /// Counts an attempt; false when there were too many.
    pub(crate) fn allow(&mut self, address: IpAddr, mono_ms: u64) -> bool {
        let since = mono_ms.saturating_sub(MINUTE_MS);
        self.attempts.retain(|_, attempts| {
            attempts.retain(|at| *at >= since);
            !attempts.is_empty()
        });
        let is_full = self.attempts.len() >= MAX_ADDRESSES;
        if is_full && !self.attempts.contains_key(&address) {
            return false;
        }
        let attempts = self.attempts.entry(address).or_default();
        let allowed = attempts.len() < ATTEMPTS;
        if allowed {
            attempts.push_back(mono_ms);
        }
        allowed
    }
}

/// Answers one site that wants to join; returns why it was refused, if it was.
pub(crate) async fn serve_join(
    connection: &quinn::Connection,
    identity: &Identity,
    store: &Store,
    allowed: bool,
    wall_ms: i64,
    rng: &mut (impl RngCore + Send),
) -> Result<Option<Refusal>, StreamError> {
    let accepted = connection.accept_bi().await;
    let (mut send, mut receive) = accepted.map_err(|_| StreamError::Ended)?;
    let request: Request = read_message(&mut receive, MAX_REQUEST_LEN).await?;
    let enrolled = if allowed {
        enrol(connection, identity, store, &request, wall_ms, rng).await
    } else {
        Err(Refusal::Throttled)
    };
    let refusal = match enrolled {
        Ok(welcome) => {
            write_message(&mut send, &Answer::Welcome(welcome)).await?;
            let mut after = 0;
            loop {
                let part = store
                    .bundles_after(JournalId::INSTITUTION, after, PART_LEN)
                    .await
                    .map_err(|_| StreamError::Ended)?;
                after += part.len() as u64;
                let is_last = part.is_empty();
                write_message(&mut send, &Answer::Journal(part)).await?;
                if is_last {
                    break None;
                }
            }
        }
        Err(refusal) => {
            write_message(&mut send, &Answer::Refused(refusal)).await?;
            Some(refusal)
        }
    };
    let _ = send.finish();
    // The joiner closes once it has read everything.
    connection.closed().await;
    Ok(refusal)
}

async fn enrol(
    connection: &quinn::Connection,
    identity: &Identity,
    store: &Store,
    request: &Request,
    wall_ms: i64,
    rng: &mut (impl RngCore + Send),
) -> Result<Welcome, Refusal> {
    let authority = identity.authority.as_ref().ok_or(Refusal::Malformed)?;
    let key = VerifyingKey::from_bytes(&request.sign_key).map_err(|_| Refusal::Malformed)?;
    let proof = Signature::from_bytes(&request.proof);
    key.verify_strict(&exported(connection), &proof)
        .map_err(|_| Refusal::Malformed)?;
    let redeemed = store
        .redeem_join_code(Code::hash(&request.secret), wall_ms)
        .await
        .map_err(|error| match error {
            JoinCodeError::Unknown => Refusal::Unknown,
            JoinCodeError::Used => Refusal::Used,
            JoinCodeError::Expired => Refusal::Expired,
            JoinCodeError::Store(error) => failed(&error),
        })?;
    let enrolment = Enrolment {
        journal: JournalId {
            site: new_site_id(rng),
            incarnation: 1,
        },
        name: redeemed.site_name,
        code: redeemed.site_code,
        role: SiteRole::Campus,
        sign_key: request.sign_key,
        seal_key: request.seal_key,
    };
    commit(identity, authority, store, request, enrolment, wall_ms, rng).await
}

async fn commit(
    identity: &Identity,
    authority: &Authority,
    store: &Store,
    request: &Request,
    enrolment: Enrolment,
    wall_ms: i64,
    rng: &mut (impl RngCore + Send),
) -> Result<Welcome, Refusal> {
    let certificate = authority
        .issue(&identity.ca, enrolment.journal.site, &request.csr, rng)
        .map_err(|error| failed(&error))?;
    let op = InstitutionOp::Enrol(enrolment.clone());
    store
        .commit_institution(op, &authority.root, identity.institution, wall_ms)
        .await
        .map_err(|error| failed(&error))?;
    Ok(Welcome {
        institution: identity.institution,
        institution_name: identity.institution_name.clone(),
        journal: enrolment.journal,
        name: enrolment.name,
        code: enrolment.code,
        hub: identity.site(),
        certificate: certificate.to_vec(),
    })
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Refusal {
    tracing::error!(error, "a site could not be enrolled");
    Refusal::Failed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_bounded_per_minute_and_address() {
        let mut throttle = Throttle::default();
        let allowed = |throttle: &mut Throttle, from: u8, at| {
            let attempts = std::iter::repeat_with(|| throttle.allow([10, 0, 0, from].into(), at));
            attempts.take(50).filter(|allowed| *allowed).count()
        };
        assert_eq!(allowed(&mut throttle, 1, 5), ATTEMPTS);
        assert_eq!(allowed(&mut throttle, 1, MINUTE_MS), 0);
        assert_eq!(allowed(&mut throttle, 2, MINUTE_MS), ATTEMPTS);
        assert_eq!(allowed(&mut throttle, 1, 6 + MINUTE_MS), ATTEMPTS);
    }

    #[test]
    fn attempts_from_everywhere_take_bounded_room_and_pass() {
        let mut throttle = Throttle::default();
        for number in 0..100_000u32 {
            throttle.allow(IpAddr::from(number.to_be_bytes()), 5);
        }
        assert_eq!(throttle.attempts.len(), MAX_ADDRESSES);
        assert!(throttle.allow([10, 0, 0, 1].into(), 6 + MINUTE_MS));
    }
}
