//! `dutyroom init`.

use crate::cli;
use serde_json::json;
use server::clock::Clock;
use server::random::Random;
use std::process::ExitCode;
use sync::enrol;
use sync::identity::HubNames;

pub(crate) async fn run(args: cli::Init) -> anyhow::Result<ExitCode> {
    let names = HubNames {
        institution: args.institution,
        site: args.site,
        code: args.code,
    };
    let mut rng = Random::system().generator();
    let identity = enrol::found(&args.data, &names, Clock::system().now_ms(), &mut rng).await?;
    let (institution, site) = (
        identity.institution.to_string(),
        identity.site().to_string(),
    );
    if args.json {
        println!("{}", json!({"institution": institution, "site": site}));
    } else {
        println!("institution {institution}, hub {site}");
        println!(
            "Keep a copy of the institution's keys offline: they are in {}/identity.",
            args.data.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}
