//! `dutyroom invite`: the hub must be stopped; while it runs, its administrator does the same on
//! the page.

use crate::{cli, site};
use serde_json::json;
use server::clock::Clock;
use server::random::Random;
use std::process::ExitCode;
use sync::enrol;

pub(crate) async fn run(args: cli::Invite) -> anyhow::Result<ExitCode> {
    let random = Random::system();
    let (identity, store) = site::open(&args.data, &random).await?;
    let invitation = enrol::Invitation {
        site_name: args.site,
        site_code: args.code,
        valid_ms: i64::from(args.valid_hours) * 3_600_000,
    };
    let (now, mut rng) = (Clock::system().now_ms(), random.generator());
    let code = enrol::invite(&store, &identity, &invitation, now, &mut rng).await?;
    if args.json {
        println!("{}", json!({"code": code}));
    } else {
        println!("{code}");
    }
    Ok(ExitCode::SUCCESS)
}
