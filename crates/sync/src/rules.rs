//! Activating a rule set, once the sites' programs know it.

use crate::identity::Identity;
use records::gate::RULES;
use records::id::SiteId;
use records::payload::{Enrolment, InstitutionOp};
use store::Store;

/// An enrolled site whose program is not known to know a rule set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Which site.
    pub site: SiteId,
    /// Its name.
    pub name: String,
    /// The newest rule set its program said it knows; `None` if it was never linked.
    pub knows: Option<u32>,
}

/// Why no rule set is activated.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// This site has no authority keys.
    #[error("only the hub can activate a rule set")]
    NotHub,
    /// This program does not know it.
    #[error("this program knows rule sets up to {RULES} only: upgrade it first")]
    Unknown,
    /// This rule set or a newer one is active.
    #[error("rule set {0} is active already")]
    Active(u32),
    /// Sites would not see what the new rule set adds until they are upgraded.
    #[error("{} site(s) are not known to run a program that knows the rule set", .0.len())]
    Behind(Vec<Behind>),
    /// The decision could not be written.
    #[error("the institution journal cannot be written")]
    Store(#[from] store::StoreError),
}

/// The sites whose program is not known to know rule set `rules`. They keep working after it is
/// activated, but hold what it adds until they are upgraded.
///
/// # Errors
/// [`store::StoreError`].
pub async fn behind(
    store: &Store,
    own: SiteId,
    rules: u32,
) -> Result<Vec<Behind>, store::StoreError> {
    let programs = store.programs().await?;
    let trust = store.trust();
    let newest = |enrolment: &&Enrolment| {
        let last = trust.enrolment(enrolment.journal.site);
        last == Some(*enrolment) && trust.cut(enrolment.journal).is_none()
    };
    let others = trust.enrolments().filter(newest);
    let others = others.filter(|enrolment| enrolment.journal.site != own);
    let behind = others.map(|enrolment| Behind {
        site: enrolment.journal.site,
        name: enrolment.name.clone(),
        knows: programs
            .get(&enrolment.journal.site)
            .map(|program| program.rules),
    });
    Ok(behind
        .filter(|site| site.knows.unwrap_or(0) < rules)
        .collect())
}

/// Activates `rules` for everything that is written from now on. `despite` activates it although
/// sites are [`Behind`].
///
/// # Errors
/// [`ActivateError`]; nothing was written then.
pub async fn activate(
    store: &Store,
    identity: &Identity,
    rules: u32,
    despite: bool,
    wall_ms: i64,
) -> Result<(), ActivateError> {
    let authority = identity.authority.as_ref().ok_or(ActivateError::NotHub)?;
    if rules == 0 || rules > RULES {
        return Err(ActivateError::Unknown);
    }
    let active = store.trust().rules_at(u64::MAX);
    if rules <= active {
        return Err(ActivateError::Active(active));
    }
    let behind = behind(store, identity.site(), rules).await?;
    if !despite && !behind.is_empty() {
        return Err(ActivateError::Behind(behind));
    }
    let op = InstitutionOp::ActivateRules(rules);
    let institution = identity.institution;
    store
        .commit_institution(op, &authority.root, institution, wall_ms)
        .await?;
    Ok(())
}
