//! `dutyroom close`: ends a journal of a site in the institution's name, and adopts what was
//! written in it on both sides of a fork. The hub must be stopped.

use crate::{cli, site};
use anyhow::{Context as _, bail};
use records::bundle::Head;
use records::id::{JournalId, SiteId};
use records::payload::InstitutionOp;
use records::trust::MAX_CLOSING_HEADS;
use server::clock::Clock;
use server::random::Random;
use std::process::ExitCode;
use store::Store;

pub(crate) async fn run(args: cli::Close) -> anyhow::Result<ExitCode> {
    let (identity, store) = site::open(&args.data, &Random::system()).await?;
    let authority = identity.authority.as_ref();
    let authority = authority.context("only the hub closes a journal")?;
    let site = site_of(&store, &args.site)?;
    let journal = match args.incarnation {
        Some(incarnation) => JournalId { site, incarnation },
        None => forked(&store, site)?,
    };
    let heads = heads(&store, journal).await?;
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
    let op = InstitutionOp::Close { journal, heads };
    let (institution, now) = (identity.institution, Clock::system().now_ms());
    store
        .commit_institution(op, &authority.root, institution, now)
        .await?;
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

/// What is held of the journal: its own end or those a closure named, then the other branches.
async fn heads(store: &Store, journal: JournalId) -> anyhow::Result<Vec<Head>> {
    let frontier = store.frontier();
    let main = frontier.iter().find(|head| head.journal == journal);
    let main = main.context("the hub holds nothing of this journal")?;
    let trust = store.trust();
    let mut heads = trust.closed(journal).map_or(vec![*main], <[Head]>::to_vec);
    for end in store.branches() {
        let known = end.journal != journal || heads.contains(&end) || end == *main;
        // A branch with a gap cannot be adopted.
        if !known && store.missing(&[end]).await?.is_empty() {
            heads.push(end);
        }
    }
    if heads.len() > MAX_CLOSING_HEADS {
        bail!("more than {MAX_CLOSING_HEADS} branches: adopt them one restore at a time");
    }
    Ok(heads)
}
