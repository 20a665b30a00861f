//! `verify`: bundles per second that `dutyroom verify` proves, on the database of a year of two
//! campuses, and the memory it takes for it.
//!
//! Measured: form, strict signature, chain, payload and erasures of every bundle, and every
//! dependency against the bundle it names, from the first read to the report. Anchor: nothing but
//! the strict signature checks of the same bundles, in memory, on every core; what is beyond is
//! SQLite reading and the hashing of payloads. Memory is the process' peak above what it held
//! before; it must not follow the number of bundles, so a tenth of them is measured as well.

use crate::figure::{Figure, Goal, Size, folder, now, runtime};
use anyhow::{Context as _, Result, ensure};
use records::bundle::Bundle;
use records::id::JournalId;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use std::path::Path;
use store::Store;
use store::verify::verify;
use tests::history::{self, History, Plan};

/// How many bundles the anchor goes round.
const SAMPLE: usize = 4_096;

struct Run {
    per_second: f64,
    peak_mb: f64,
}

pub(crate) fn run(size: Size) -> Result<Vec<Figure>> {
    let records = size.pick(2_000, 110_000);
    let folder = folder()?;
    let runtime = runtime()?;
    let (small, sample) = runtime.block_on(fill(&folder.path().join("small"), records / 10))?;
    let (large, _) = runtime.block_on(fill(&folder.path().join("large"), records))?;
    let tenth = runtime.block_on(prove(&folder.path().join("small"), small))?;
    let whole = runtime.block_on(prove(&folder.path().join("large"), large))?;
    Ok(vec![
        Figure::new(format!("verify, {large} bundles"), whole.per_second, "/s")
            .anchor("strict signature checks alone, every core", bare(&sample)),
        Figure::new("verify: peak memory", whole.peak_mb, "MB")
            .goal(Goal::AtMost(64.0))
            .anchor("a tenth of the bundles", tenth.peak_mb),
    ])
}

/// A directory with this history in its journals, and some of the bundles.
async fn fill(dir: &Path, records: usize) -> Result<(u64, Vec<Bundle>)> {
    drop(Store::open(dir).await?);
    let file = SqliteConnectOptions::new().filename(dir.join("dutyroom.db"));
    let mut conn = file.connect().await?;
    sqlx::raw_sql("begin").execute(&mut conn).await?;
    let (mut count, mut sample) = (0, Vec::new());
    let history = History::new(Plan::year().with_records(records));
    for bundle in history::founding().into_iter().chain(history) {
        count += 1;
        insert(&mut conn, &bundle, count).await?;
        let header = bundle.decode_header()?;
        if header.journal() != JournalId::INSTITUTION && sample.len() < SAMPLE {
            sample.push(bundle);
        }
    }
    sqlx::raw_sql("commit").execute(&mut conn).await?;
    Ok((u64::try_from(count)?, sample))
}

async fn insert(conn: &mut SqliteConnection, bundle: &Bundle, place: i64) -> Result<()> {
    let header = bundle.decode_header()?;
    sqlx::query(
        "insert into bundle(site, incarnation, seq, hash, header, payload, signature, action,
             past, place, received_ms)
         values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(header.site.0.to_vec())
    .bind(i64::from(header.incarnation))
    .bind(i64::try_from(header.seq)?)
    .bind(bundle.hash().0.to_vec())
    .bind(bundle.header.clone())
    .bind(bundle.payload.clone())
    .bind(bundle.signature.to_vec())
    .bind(header.action.0.to_vec())
    .bind(Vec::new())
    .bind(place)
    .bind(header.wall_ms)
    .execute(conn)
    .await?;
    Ok(())
}

async fn prove(dir: &Path, bundles: u64) -> Result<Run> {
    // Resets the peak that the kernel keeps.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = peak_kb()?;
    let begun = now();
    let report = verify(dir, |_| ()).await?;
    let took = begun.elapsed().as_secs_f64();
    ensure!(report.first_bad.is_none(), "{:?}", report.first_bad);
    ensure!(report.bundles == bundles, "{} bundles", report.bundles);
    #[expect(clippy::cast_precision_loss, reason = "counts of one run")]
    let (bundles, grown) = (bundles as f64, peak_kb()?.saturating_sub(before) as f64);
    Ok(Run {
        per_second: bundles / took,
        peak_mb: grown / 1_024.0,
    })
}

fn peak_kb() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let line = line.context("the kernel tells the peak")?;
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}

/// Strict signature checks per second on every core.
pub(crate) fn bare(sample: &[Bundle]) -> f64 {
    let keys = [1, 2].map(|site| (history::journal(site), history::key(site).verifying_key()));
    let signers: Vec<_> = sample
        .iter()
        .filter_map(|bundle| {
            let journal = bundle.decode_header().ok()?.journal();
            let (_, key) = keys.iter().find(|(known, _)| *known == journal)?;
            Some((bundle, *key))
        })
        .collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = now();
    let checked: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|_| {
                scope.spawn(|| {
                    let mut sound = signers.iter().filter(|(bundle, key)| bundle.signed_by(key));
                    sound.by_ref().count()
                })
            })
            .collect();
        let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined
            .map(|count| count.expect("a check does not panic"))
            .sum()
    });
    #[expect(clippy::cast_precision_loss, reason = "counts of one run")]
    let checked = checked as f64;
    checked / begun.elapsed().as_secs_f64()
}
