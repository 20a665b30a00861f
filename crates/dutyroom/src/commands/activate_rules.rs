//! `dutyroom activate-rules`: the hub must be stopped.

use crate::{cli, site};
use anyhow::{anyhow, bail};
use serde_json::json;
use server::clock::Clock;
use server::random::Random;
use std::fmt::Write as _;
use std::process::ExitCode;
use sync::rules::{ActivateError, Behind, activate};

pub(crate) async fn run(args: cli::ActivateRules) -> anyhow::Result<ExitCode> {
    let random = Random::system();
    let (identity, store) = site::open(&args.data, &random).await?;
    let now = Clock::system().now_ms();
    match activate(&store, &identity, args.rules, args.yes, now).await {
        Ok(()) => {}
        Err(ActivateError::Behind(sites)) => bail!(advice(&sites, args.rules)),
        Err(error) => return Err(anyhow!(error)),
    }
    let rules = args.rules;
    if args.json {
        println!("{}", json!({"rules": rules}));
    } else {
        println!("rule set {rules} is active; the other sites follow when they are next linked");
    }
    Ok(ExitCode::SUCCESS)
}

fn advice(sites: &[Behind], rules: u32) -> String {
    let mut text = format!("rule set {rules} is not activated: not every site can read it yet.\n");
    for site in sites {
        let knows = match site.knows {
            Some(rules) => format!("its program knows rule set {rules}"),
            None => "it was never linked with this hub".to_owned(),
        };
        writeln!(text, "  {} ({}): {knows}", site.name, site.site)
            .expect("writing into a String cannot fail");
    }
    text.push_str(
        "Upgrade them and link them once, or repeat with --yes: they go on working, but ",
    );
    text.push_str("do not see what the rule set adds until they are upgraded.");
    text
}
