//! `dutyroom revoke`: ends the validity of a site's key. The hub must be stopped.
//!
//! What the hub holds of the site's journals counts, or only what comes up to a given place;
//! later incarnations of the same key count nowhere. What other sites built upon beyond the cut
//! counts too ([`records::trust`]).

use super::close::site_of;
use crate::{cli, site};
use anyhow::bail;
use server::clock::Clock;
use server::random::Random;
use std::process::ExitCode;
use sync::decree::{self, DecreeError};

pub(crate) async fn run(args: cli::Revoke) -> anyhow::Result<ExitCode> {
    let (identity, store) = site::open(&args.data, &Random::system()).await?;
    if identity.authority.is_none() {
        bail!(DecreeError::NotHub);
    }
    let site = site_of(&store, &args.site)?;
    if site == identity.site() {
        bail!(DecreeError::Itself);
    }
    let cuts = decree::cuts(&store, site, args.cut).await?;
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
    let now = Clock::system().now_ms();
    decree::revoke(&store, &identity, cuts, now).await?;
    println!("revoked; the site cannot link any more");
    Ok(ExitCode::SUCCESS)
}
