//! `dutyroom erase`: at the hub, while it is stopped, in the institution's name.

use crate::{cli, site};
use anyhow::{Context as _, bail};
use records::erasure::MAX_SECTIONS;
use records::id::{Hash, RecordId};
use records::payload::InstitutionOp;
use serde_json::json;
use server::clock::Clock;
use server::random::Random;
use std::process::ExitCode;
use store::{Remains, Store};

pub(crate) async fn run(args: cli::Erase) -> anyhow::Result<ExitCode> {
    let random = Random::system();
    let (identity, store) = site::open(&args.data, &random).await?;
    let authority = identity
        .authority
        .as_ref()
        .context("only the hub can erase: the institution's key is there")?;
    let record = find(&store, &args.record).await?;
    let remains = store.remains(record).await?;
    let number = number(&store, record).await?;
    if !args.json {
        print(&store, record, &number, &remains);
    }
    let sections: Vec<Hash> = remains.sections.iter().map(|found| found.section).collect();
    let mut decisions = Vec::new();
    if args.yes {
        for part in sections.chunks(MAX_SECTIONS) {
            let op = InstitutionOp::Erase {
                record,
                sections: part.to_vec(),
                number: number.clone(),
                reason: args.reason.trim().to_owned(),
            };
            let now = Clock::system().now_ms();
            let head = store
                .commit_institution(op, &authority.root, identity.institution, now)
                .await?;
            decisions.push(head.seq);
        }
    }
    if args.json {
        let line = json!({
            "record": record.to_string(), "number": number, "sections": sections.len(),
            "institution_seq": decisions,
        });
        println!("{line}");
    } else if !decisions.is_empty() {
        println!(
            "erased here; every other site erases it when it hears of it. Backups made before \
             still hold it: a restored one loses it with the first link"
        );
    } else if !sections.is_empty() {
        println!("nothing was erased yet: say --yes to do it. It cannot be undone");
    }
    Ok(match args.yes || sections.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

async fn find(store: &Store, name: &str) -> anyhow::Result<RecordId> {
    if let Some(record) = store.record_by_number(name).await? {
        return Ok(record);
    }
    match name.parse() {
        Ok(record) => Ok(record),
        Err(_) => bail!("no record here has the number {name}"),
    }
}

/// What the record is called, or was.
async fn number(store: &Store, record: RecordId) -> anyhow::Result<String> {
    if let Some(row) = store.row(record).await? {
        return Ok(row.number);
    }
    let trust = store.trust();
    let erasure = trust.erasures().record(record);
    Ok(erasure
        .map(|erasure| erasure.number.clone())
        .unwrap_or_default())
}

fn print(store: &Store, record: RecordId, number: &str, remains: &Remains) {
    let name = match number {
        "" => record.to_string(),
        number => number.to_owned(),
    };
    let trust = store.trust();
    if let Some(erasure) = trust.erasures().record(record) {
        println!(
            "{name} was erased by institution seq {}; this is what sites wrote without knowing",
            erasure.seq
        );
    }
    if remains.sections.is_empty() {
        println!("nothing of {name} is held here");
        return;
    }
    let kind = remains.kind.as_deref().unwrap_or("record");
    println!(
        "{kind} {name}: {} section(s) would go",
        remains.sections.len()
    );
    for found in &remains.sections {
        let code = trust.enrolment(found.journal.site);
        let code = code.map_or_else(|| found.journal.site.to_string(), |site| site.code.clone());
        println!(
            "  site {code} incarnation {} seq {}: {} change(s)",
            found.journal.incarnation, found.seq, found.changes
        );
    }
    println!("who wrote them and when stays in the signed headers; the reason is kept for ever");
}
