//! The hub's side of joining.

use super::code::Code;
use super::{Answer, Refusal, Request, Welcome, exported};
use crate::identity::{Authority, Identity, new_site_id};
use crate::stream::{StreamError, read_message, write_message};
use ed25519_dalek::{Signature, VerifyingKey};
use rand::RngCore;
use records::id::JournalId;
use records::payload::{Enrolment, InstitutionOp, SiteRole};
use std::collections::VecDeque;
use store::{JoinCodeError, Store};

/// At most this many attempts a minute, whoever makes them.
const ATTEMPTS: usize = 10;
const MINUTE_MS: u64 = 60_000;
const PART_LEN: usize = 256 * 1024;

/// Bounds how often secrets can be guessed.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    attempts: VecDeque<u64>,
}

impl Throttle {
    /// Counts an attempt; false when there were too many.
    pub(crate) fn allow(&mut self, mono_ms: u64) -> bool {
        let since = mono_ms.saturating_sub(MINUTE_MS);
        while self.attempts.front().is_some_and(|at| *at < since) {
            self.attempts.pop_front();
        }
        let allowed = self.attempts.len() < ATTEMPTS;
        if allowed {
            self.attempts.push_back(mono_ms);
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
    let request: Request = read_message(&mut receive).await?;
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
    fn attempts_are_bounded_per_minute() {
        let mut throttle = Throttle::default();
        let allowed = |throttle: &mut Throttle, at| {
            let attempts = std::iter::repeat_with(|| throttle.allow(at));
            attempts.take(50).filter(|allowed| *allowed).count()
        };
        assert_eq!(allowed(&mut throttle, 5), ATTEMPTS);
        assert_eq!(allowed(&mut throttle, MINUTE_MS), 0);
        assert_eq!(allowed(&mut throttle, 6 + MINUTE_MS), ATTEMPTS);
    }
}
