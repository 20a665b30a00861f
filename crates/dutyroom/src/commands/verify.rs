//! `dutyroom verify`.

use crate::cli;
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(args: cli::Verify) -> anyhow::Result<ExitCode> {
    let report = store::verify::verify(&args.data, |_| {}).await?;
    let bad = report.first_bad.as_ref();
    if args.json {
        let bad = bad.map(|bad| {
            json!({
                "site": bad.journal.site.to_string(), "code": bad.code,
                "incarnation": bad.journal.incarnation, "seq": bad.seq,
                "reason": bad.reason.code(),
            })
        });
        let heads = report.heads.iter().map(|head| {
            json!({
                "site": head.journal.site.to_string(), "incarnation": head.journal.incarnation,
                "seq": head.seq, "hash": head.hash.to_string(),
            })
        });
        println!(
            "{}",
            json!({
                "bundles": report.bundles, "journals": report.journals,
                "heads": heads.collect::<Vec<_>>(), "first_bad": bad,
            })
        );
    } else if let Some(bad) = bad {
        println!("bad bundle: site {bad}: {}", bad.reason.code());
    } else {
        println!(
            "{} bundle(s) in {} journal(s): every signature and chain holds",
            report.bundles, report.journals
        );
    }
    Ok(match bad {
        Some(_) => ExitCode::FAILURE,
        None => ExitCode::SUCCESS,
    })
}
