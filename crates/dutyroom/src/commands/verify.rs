//! `dutyroom verify`: proves journals offline, from a directory, a backup, an exported file, or a
//! file sealed for this site.

use super::import;
use crate::cli;
use crate::meter::Meter;
use anyhow::bail;
use serde_json::{Value, json};
use std::process::ExitCode;
use store::verify::{Anchors, BadBundle, Compared, Name, Progress, Report, verify_against};

mod carried;

pub(crate) async fn run(args: cli::Verify) -> anyhow::Result<ExitCode> {
    let meter = Meter::new(!args.json);
    let anchors = Anchors {
        institution: args.institution,
        against: args.against.as_deref(),
    };
    let tell = |progress: Progress| meter.show(progress.done, progress.of);
    let carried = match carried::is_one(args.path())? {
        true => Some(carried::take(args.path(), args.data.as_deref()).await?),
        false if args.keys_given() => bail!(
            "--data beside a path is for a file from `dutyroom export`, which {} is not",
            args.path().display()
        ),
        false => None,
    };
    let path = carried.as_ref().map(|(_, copy)| copy.path());
    let verified = verify_against(path.unwrap_or(args.path()), anchors, tell).await;
    meter.clear();
    let report = verified?;
    let summary = carried.as_ref().map(|(summary, _)| summary);
    if args.json {
        let mut json = json_of(&report);
        json["carried"] = json!(summary.map(import::json));
        println!("{json}");
    } else {
        summary.into_iter().for_each(carried::print);
        print(&report, args.institution.is_some());
    }
    let strangers = summary.is_some_and(|summary| summary.strangers > 0);
    Ok(match report.holds() && !strangers {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn print(report: &Report, anchored: bool) {
    if let Some(institution) = report.institution {
        match anchored {
            true => println!("institution {institution}, as asked for"),
            false => println!(
                "institution {institution}: the trust anchor. Compare it with what another site \
                 shows, or give it with --institution"
            ),
        }
    }
    if let Some(bad) = &report.first_bad {
        println!("bad bundle: site {bad}: {}", bad.reason);
        return;
    }
    println!(
        "{} bundle(s) in {} journal(s): every signature and chain holds",
        report.bundles, report.journals
    );
    if report.adopted > 0 {
        println!(
            "{} branch(es) of closed journals count beside them",
            report.adopted
        );
    }
    if report.waiting > 0 {
        println!("{} more wait for bundles before them", report.waiting);
    }
    for fork in &report.forks {
        let held = fork
            .held
            .map_or("nothing".to_owned(), |held| held.to_string());
        println!(
            "forked: site {}: {held} is in the journal, {} was signed as well",
            fork.name, fork.branch
        );
    }
    for erased in &report.erased {
        println!(
            "institution seq {} erased {} section(s) held here; what is left of them is proved",
            erased.institution_seq, erased.sections
        );
    }
    for disputed in &report.disputed {
        println!("disputed: site {disputed}");
    }
    match &report.compared {
        Some(Compared::Agrees {
            common,
            only_here,
            only_there,
        }) => println!(
            "agrees with the other: {common} bundle(s) in both, {only_here} only here, \
             {only_there} only there"
        ),
        Some(Compared::Unsound(bad)) => println!(
            "the other does not hold by itself: bad bundle: site {bad}: {}",
            bad.reason
        ),
        Some(Compared::Differs(_)) | None => {}
    }
}

fn json_of(report: &Report) -> Value {
    let heads = report.heads.iter().map(|head| {
        json!({
            "site": head.journal.site.to_string(), "incarnation": head.journal.incarnation,
            "seq": head.seq, "hash": head.hash.to_string(),
        })
    });
    let forks = report.forks.iter().map(|fork| {
        json!({
            "site": fork.name.journal.site.to_string(), "code": fork.name.code,
            "incarnation": fork.name.journal.incarnation, "seq": fork.name.seq,
            "held": fork.held.map(|hash| hash.to_string()), "branch": fork.branch.to_string(),
        })
    });
    let erased = report.erased.iter().map(
        |erased| json!({"institution_seq": erased.institution_seq, "sections": erased.sections}),
    );
    let place = |name: &Name| {
        json!({
            "site": name.journal.site.to_string(), "code": name.code,
            "incarnation": name.journal.incarnation, "seq": name.seq,
        })
    };
    let disputed = report.disputed.iter().map(|disputed| {
        json!({
            "witness": place(&disputed.witness), "place": place(&disputed.place),
            "saw": disputed.saw.to_string(),
            "held": disputed.held.map(|hash| hash.to_string()),
            "agreed": disputed.agreed, "words": disputed.to_string(),
        })
    });
    json!({
        "disputed": disputed.collect::<Vec<_>>(),
        "institution": report.institution.map(|id| id.to_string()),
        "bundles": report.bundles, "journals": report.journals,
        "heads": heads.collect::<Vec<_>>(),
        "adopted": report.adopted, "waiting": report.waiting, "branches": report.branches,
        "forks": forks.collect::<Vec<_>>(), "erased": erased.collect::<Vec<_>>(),
        "compared": report.compared.as_ref().map(compared),
        "first_bad": report.first_bad.as_ref().map(bad),
    })
}

fn compared(compared: &Compared) -> Value {
    match compared {
        Compared::Agrees {
            common,
            only_here,
            only_there,
        } => json!({"common": common, "only_here": only_here, "only_there": only_there}),
        Compared::Differs(bundle) => json!({"differs": bad(bundle)}),
        Compared::Unsound(bundle) => json!({"unsound": bad(bundle)}),
    }
}

fn bad(bad: &BadBundle) -> Value {
    let name = &bad.name;
    json!({
        "site": name.journal.site.to_string(), "code": name.code,
        "incarnation": name.journal.incarnation, "seq": name.seq,
        "reason": bad.reason.code(), "words": bad.reason.to_string(),
    })
}
