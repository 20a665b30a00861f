//! What a site answered as saved is there after `kill -9`.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tests::process::{Site, add_user, configure, found, item, output, text};

/// How often the site is killed while it writes (DESIGN.md, invariant 1).
const KILLS: usize = 50;
/// Items offered at once, so that kills meet group commits.
const WRITERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_item_survives_fifty_kills_during_writes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("hub");
    found(&data)?;
    let password = add_user(&data, "hq", "测试员", "headquarters")?;
    let config = configure(&data, &[], "")?;
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        let mut site = Site::start(&config, None)?;
        let client = site.sign_in("hq", &password).await?;
        let kill_after = 1 + round % 17;
        acknowledged.extend(write_until_killed(&mut site, &client, round, kill_after).await?);
    }
    let mut site = Site::start(&config, None)?;
    let client = site.sign_in("hq", &password).await?;
    let held = site.all_items(&client).await?;
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|id| !held.contains(*id))
        .collect();
    ensure!(
        acknowledged.len() >= KILLS,
        "only {} items were written",
        acknowledged.len()
    );
    ensure!(
        lost.is_empty(),
        "{} of {} acknowledged items are gone",
        lost.len(),
        acknowledged.len()
    );
    let mut distinct = held.clone();
    distinct.sort();
    distinct.dedup();
    ensure!(distinct.len() == held.len(), "an item is there twice");
    site.kill()?;
    let verified = output(&["verify", "--data", text(&data)])?;
    ensure!(verified.status.success(), "dutyroom verify: {verified:?}");
    Ok(())
}

/// Ids of the items that were answered as saved; the site is killed after `kill_after` of them
/// while the other writers still wait.
async fn write_until_killed(
    site: &mut Site,
    client: &reqwest::Client,
    round: usize,
    kill_after: usize,
) -> Result<Vec<String>> {
    let (saved, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let writers = (0..WRITERS).map(|writer| {
        let (client, saved) = (client.clone(), saved.clone());
        let url = format!("{}/api/v1/records", site.url);
        tokio::spawn(async move {
            for n in 0.. {
                let content = format!("第 {round} 轮第 {writer} 席第 {n} 条来电");
                let action = ((round as u128) << 80) | ((writer as u128) << 64) | n;
                let item = item(action, &content);
                let Ok(answer) = client.post(&url).json(&item).send().await else {
                    return;
                };
                let Ok(record) = answer.json::<Value>().await else {
                    return;
                };
                if saved.send(record).is_err() {
                    return;
                }
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    drop(saved);
    let mut ids = Vec::new();
    while let Some(record) = answers.recv().await {
        ids.push(record["id"].as_str().context("a saved record")?.to_owned());
        if ids.len() == kill_after {
            site.kill()?;
        }
    }
    for writer in writers {
        writer.await?;
    }
    Ok(ids)
}
