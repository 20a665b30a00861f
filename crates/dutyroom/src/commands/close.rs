//! `dutyroom close`: ends a journal of a site in the institution's name, and adopts what was
//! written in it on both sides of a fork. The hub must be stopped.

use crate::{cli, site};
use anyhow::{Context as _, bail};
use records::id::{JournalId, SiteId};
use server::clock::Clock;
use server::random::Random;
use std::process::ExitCode;
use store::Store;
use sync::decree::{self, DecreeError};

pub(crate) async fn run(args: cli::Close) -> anyhow::Result<ExitCode> {
    let (identity, store) = site::open(&args.data, &Random::system()).await?;
    if identity.authority.is_none() {
        bail!(DecreeError::NotHub);
    }
    let site = site_of(&store, &args.site)?;
    let journal = match args.incarnation {
        Some(incarnation) => JournalId { site, incarnation },
        None => forked(&store, site)?,
    };
    let heads = decree::ends(&store, journal)?;
    println!("journal {} incarnation {}", args.site, journal.incarnation);
    for (number, head) in heads.iter().enumerate() {
        let part = if number == 0 {
            "the journal"
        } else {
            "adopted"
        };
        println!("  {part} up to bundle {}, {}", head.seq, head.hash);
    }
    if !args.yes {
        println!("Nothing else in it will count. Say --yes to close it.");
        return Ok(ExitCode::FAILURE);
    }
    let now = Clock::system().now_ms();
    decree::close(&store, &identity, journal, heads, now).await?;
    println!("closed; every site follows once it is linked");
    Ok(ExitCode::SUCCESS)
}

/// The site whose record numbers begin with `code`.
pub(crate) fn site_of(store: &Store, code: &str) -> anyhow::Result<SiteId> {
    let trust = store.trust();
    let mut enrolments = trust.enrolments();
    let found = enrolments.find(|enrolment| enrolment.code.eq_ignore_ascii_case(code));
    let found = found.with_context(|| format!("no site has the code {code}"))?;
    Ok(found.journal.site)
}

/// The one journal of the site with branches.
fn forked(store: &Store, site: SiteId) -> anyhow::Result<JournalId> {
    let ends = store.branches();
    let mut journals: Vec<JournalId> = ends.iter().map(|head| head.journal).collect();
    journals.retain(|journal| journal.site == site);
    journals.sort();
    journals.dedup();
    match journals[..] {
        [journal] => Ok(journal),
        [] => bail!("no journal of this site has forked; name the one to end with --incarnation"),
        _ => bail!("several journals of this site have forked; name one with --incarnation"),
    }
}
