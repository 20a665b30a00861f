//! `start`: how soon a campus with a year of two campuses (110,000 records, 440,000 bundles) says
//! that it is ready, and the memory it holds.
//!
//! Measured: `dutyroom serve` as a real process, from its start to its ready line, the best of
//! some starts; its resident memory then, and again after a person has signed in and read the
//! first pages of every list, a search and the status page. The year is made once and kept under
//! `target/tmp`: a generated history, offered to a store as a link would offer it.
//! Cold: the same with the database dropped from the system's file cache first, as after a boot.
//! Anchor: the same file opened by the same library in this process, and one page of rows read;
//! for the memory what a site holds that has nothing in it but its founding.

use crate::figure::{Figure, Goal, Size, now, runtime};
use anyhow::{Context as _, Result, ensure};
use rustix::fs::{Advice, fadvise};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use std::fs::File;
use std::path::{Path, PathBuf};
use tests::history::Plan;
use tests::process::{Site, add_user, configure};
use tests::year;

/// Starts of which the best is told: what else runs on the machine only ever adds.
const STARTS: usize = 5;
/// The lists of the desk, the wall and the phone, as their pages first ask for them.
const PAGES: &[&str] = &[
    "/api/v1/sites",
    "/api/v1/records?kind=log_item&limit=50",
    "/api/v1/records?kind=incident&limit=50",
    "/api/v1/records?kind=incident&kind=consultation&open=true&limit=50",
    "/api/v1/records?kind=log_item&q=%E7%94%B5%E6%A2%AF&limit=50",
    "/api/v1/admin/status",
];

const LOGIN: &str = "reader";

/// One start of a site.
struct Start {
    ready_ms: f64,
    ready_mb: f64,
    read_mb: f64,
}

pub(crate) fn run(size: Size) -> Result<Vec<Figure>> {
    let records = size.pick(1_000, 110_000);
    let runtime = runtime()?;
    runtime.block_on(async {
        let data = made(records).await?;
        let empty = made(0).await?;
        let cold = start(&data, true).await?;
        let mut best = start(&data, false).await?;
        for _ in 1..STARTS {
            let again = start(&data, false).await?;
            if again.ready_ms < best.ready_ms {
                best = again;
            }
        }
        let empty = start(&empty, false).await?;
        let bare = bare(&data).await?;
        let figure = |name: &str| format!("start, {records} records: {name}");
        Ok(vec![
            Figure::new(figure("ready"), best.ready_ms, "ms")
                .goal(Goal::AtMost(1_000.0))
                .anchor("the file opened bare, one page of rows", bare),
            Figure::new(figure("ready, file cache cold"), cold.ready_ms, "ms")
                .anchor("file cache warm", best.ready_ms),
            Figure::new(figure("resident when ready"), best.ready_mb, "MB")
                .goal(Goal::AtMost(200.0))
                .anchor("a site just founded", empty.ready_mb),
            Figure::new(figure("resident after the first lists"), best.read_mb, "MB")
                .goal(Goal::AtMost(200.0))
                .anchor("a site just founded", empty.read_mb),
        ])
    })
}

/// The year's data directory, from an earlier run if there was one.
async fn made(records: usize) -> Result<PathBuf> {
    let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("year-{records}"));
    if !data.exists() {
        let begun = now();
        year::make(1, &data, Plan::year().with_records(records), |bundles| {
            if bundles % 65_536 == 0 {
                eprintln!("year: {bundles} bundles, {} s", begun.elapsed().as_secs());
            }
        })
        .await?;
        let password = add_user(&data, LOGIN, "读者", "administrator")?;
        std::fs::write(data.with_extension("password"), password)?;
    }
    Ok(data)
}

async fn start(data: &Path, cold: bool) -> Result<Start> {
    let password = std::fs::read_to_string(data.with_extension("password"))?;
    let config = configure(data, &[], "")?;
    if cold {
        forget(&data.join("dutyroom.db"))?;
    }
    let begun = now();
    let mut site = Site::start(&config, None)?;
    let ready_ms = begun.elapsed().as_secs_f64() * 1_000.0;
    let ready_mb = resident_mb(site.id())?;
    let client = site.sign_in(LOGIN, &password).await?;
    for page in PAGES {
        let answer = client.get(format!("{}{page}", site.url)).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{page}: {status} {body}");
        let _sound: Value = serde_json::from_str(&body).context(*page)?;
    }
    let read_mb = resident_mb(site.id())?;
    site.stop()?;
    Ok(Start {
        ready_ms,
        ready_mb,
        read_mb,
    })
}

/// Drops a file from the system's cache.
fn forget(file: &Path) -> Result<()> {
    let file = File::open(file)?;
    file.sync_all()?;
    fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok(())
}

fn resident_mb(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let line = line.context("the kernel tells what is resident")?;
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    Ok(digits.parse::<f64>()? / 1_024.0)
}

/// Opening the file and reading one page of rows, ms.
async fn bare(data: &Path) -> Result<f64> {
    let begun = now();
    let file = SqliteConnectOptions::new().filename(data.join("dutyroom.db"));
    let mut conn = file.read_only(true).connect().await?;
    let rows = sqlx::query("select * from record order by sort_at desc limit 50")
        .fetch_all(&mut conn)
        .await?;
    let took = begun.elapsed().as_secs_f64() * 1_000.0;
    ensure!(!rows.is_empty(), "there are rows");
    conn.close().await?;
    Ok(took)
}
