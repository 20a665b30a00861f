//! `dutyroom revoke`: ends the validity of a site's key. The hub must be stopped.
//!
//! What the hub holds of the site's journals counts, or only what comes up to a given place;
//! later incarnations of the same key count nowhere. What other sites built upon beyond the cut
//! counts too ([`records::trust`]).

use super::close::site_of;
use crate::{cli, site};
use anyhow::{Context as _, bail};
use records::id::{Hash, JournalId};
use records::payload::InstitutionOp;
use server::clock::Clock;
use server::random::Random;
use std::process::ExitCode;
use store::Store;

pub(crate) async fn run(args: cli::Revoke) -> anyhow::Result<ExitCode> {
    let (identity, store) = site::open(&args.data, &Random::system()).await?;
    let authority = identity.authority.as_ref();
    let authority = authority.context("only the hub revokes a site")?;
    let site = site_of(&store, &args.site)?;
    if site == identity.site() {
        bail!("the hub cannot revoke itself");
    }
    let cuts = cuts(&store, &args, site).await?;
    for (journal, seq, _) in &cuts {
        let incarnation = journal.incarnation;
        println!("incarnation {incarnation} counts up to bundle {seq}");
    }
    if !args.yes {
        println!(
            "Nothing later that {} signs will count. Say --yes to revoke it.",
            args.site
        );
        return Ok(ExitCode::FAILURE);
    }
    for (journal, cut_seq, cut_hash) in cuts {
        let op = InstitutionOp::Revoke {
            journal,
            cut_seq,
            cut_hash,
        };
        let (institution, now) = (identity.institution, Clock::system().now_ms());
        store
            .commit_institution(op, &authority.root, institution, now)
            .await?;
    }
    println!("revoked; the site cannot link any more");
    Ok(ExitCode::SUCCESS)
}

/// The newest journal first: a cut is inherited by later journals that have none of their own.
async fn cuts(
    store: &Store,
    args: &cli::Revoke,
    site: records::id::SiteId,
) -> anyhow::Result<Vec<(JournalId, u64, Hash)>> {
    let trust = store.trust();
    let enrolled = trust
        .enrolment(site)
        .context("the site is not enrolled")?
        .journal;
    let mut heads = store.frontier();
    heads.retain(|head| head.journal.site == site && head.journal >= enrolled);
    heads.reverse();
    let mut cuts = Vec::new();
    for (number, head) in heads.iter().enumerate() {
        match args.cut.filter(|cut| number == 0 && *cut < head.seq) {
            None => cuts.push((head.journal, head.seq, head.hash)),
            Some(0) => cuts.push((head.journal, 0, Hash::default())),
            Some(cut) => {
                let bundles = store.bundles_after(head.journal, cut - 1, 1).await?;
                let bundle = bundles.first().context("the journal has a gap there")?;
                cuts.push((head.journal, cut, bundle.hash()));
            }
        }
    }
    if heads.iter().all(|head| head.journal != enrolled) {
        cuts.push((enrolled, 0, Hash::default()));
    }
    cuts.retain(|(journal, ..)| trust.cut(*journal).is_none());
    Ok(cuts)
}
