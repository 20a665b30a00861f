//! `dutyroom join`.

use crate::cli;
use serde_json::json;
use server::clock::Clock;
use server::random::Random;
use std::process::ExitCode;
use sync::enrol;

pub(crate) async fn run(args: cli::Join) -> anyhow::Result<ExitCode> {
    let (now, mut rng) = (Clock::system().now_ms(), Random::system().generator());
    let identity = enrol::join(&args.url, &args.code, &args.data, now, &mut rng).await?;
    let site = identity.site().to_string();
    if args.json {
        println!("{}", json!({"site": site}));
    } else {
        println!(
            "joined {} as {} ({site})",
            identity.institution_name, identity.name
        );
    }
    Ok(ExitCode::SUCCESS)
}
