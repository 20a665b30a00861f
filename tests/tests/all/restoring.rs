//! A site comes back from an old backup, a data directory runs twice, a key is revoked: what
//! people wrote is all there at the end, and the administrator is told.

use super::verification::{Member, holds, three_sites};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tests::process::{Site, add_user, configure, eventually, item, output, run, text};

impl Member {
    /// Writes one item.
    async fn write(&self, number: u128, content: &str) -> Result<Value> {
        let item = item(number, content);
        let path = "/api/v1/records";
        self.site.post(&self.client, path, &item).await
    }

    async fn get(&self, client: &reqwest::Client, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.site.url);
        Ok(client.get(url).send().await?.json().await?)
    }
}

/// Copies a data directory as a person does who moves a site to another PC.
fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => drop(std::fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}

async fn until_all_hold(members: &[Member], items: usize) -> Result<()> {
    for member in members {
        let data = member.data.display();
        eventually(&format!("{data} holds {items} items"), async || {
            Ok(member.site.all_items(&member.client).await?.len() == items)
        })
        .await?;
    }
    Ok(())
}

/// Copies what a stopped or running site holds, as an administrator does.
fn backup(data: &Path, to: &Path) -> Result<PathBuf> {
    run(&["backup", "--data", text(data), text(to), "--json"])?;
    Ok(to.to_owned())
}

/// The heads of all journals, as a backup names them.
fn heads(data: &Path) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let backup = backup(data, &folder.path().join("heads"))?;
    let manifest = std::fs::read(backup.join("manifest.json"))?;
    let manifest: Value = serde_json::from_slice(&manifest)?;
    Ok(manifest["heads"].clone())
}

/// Starts the hub again, and the others with its new address.
async fn start_again(members: &mut [Member]) -> Result<()> {
    let [hub, campuses @ ..] = members else {
        return Ok(());
    };
    hub.again(&[]).await?;
    for campus in campuses {
        campus.site.stop()?;
        campus.again(&[&hub.site.link]).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_restored_from_an_old_backup_loses_nothing_and_is_closed_and_equal() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut members = three_sites(folder.path()).await?;
    let link = members[0].site.link.clone();
    let old = backup(&members[1].data, &folder.path().join("backup"))?;
    for number in 10..13 {
        members[1].write(number, "备份之后的来电").await?;
    }
    until_all_hold(&members, 6).await?;
    members[1].site.stop()?;
    let data = folder.path().join("restored");
    run(&["restore", text(&old), "--data", text(&data), "--json"])?;
    members[1].data = data;
    // Cut off, and writing all the same.
    members[1].again(&[]).await?;
    let written = members[1].write(20, "恢复之后的来电").await?;
    let number = written["number"].as_str().context("a saved item")?;
    ensure!(number.starts_with('E') && number.contains("b-"), "{number}");
    members[1].site.stop()?;
    members[1].again(&[&link]).await?;
    until_all_hold(&members, 7).await?;
    members[0].site.stop()?;
    let hub = text(&members[0].data).to_owned();
    let close = ["close", "--data", &hub, "--site", "E", "--incarnation", "1"];
    let shown = output(&close)?;
    ensure!(shown.status.code() == Some(1), "{shown:?}");
    let closed = output(&[&close[..], &["--yes"]].concat())?;
    ensure!(closed.status.success(), "{closed:?}");
    start_again(&mut members).await?;
    // Whoever holds this holds the closure, which it depends on.
    members[0].write(30, "总值班室来电").await?;
    members[1].write(31, "关闭之后的来电").await?;
    until_all_hold(&members, 9).await?;
    // While they run: each signs what it has seen once more when it stops.
    eventually("all sites hold the same journals", async || {
        let all: Result<Vec<Value>> = members.iter().map(|one| heads(&one.data)).collect();
        Ok(all?.windows(2).all(|two| two[0] == two[1]))
    })
    .await?;
    for member in &mut members {
        member.site.stop()?;
    }
    for member in &members {
        holds(&member.data)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hub_and_both_copies_say_that_a_data_directory_runs_twice() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut members = three_sites(folder.path()).await?;
    for member in &mut members {
        member.site.stop()?;
    }
    let password = add_user(&members[0].data, "root", "管理员", "administrator")?;
    members[0].again(&[]).await?;
    let root = members[0].site.sign_in("root", &password).await?;
    let twin = folder.path().join("twin");
    copy(&members[1].data, &twin)?;
    let status = "/api/v1/admin/status";
    let before = members[0].get(&root, status).await?;
    ensure!(before["copies"] == serde_json::json!([]), "{before}");
    let link = members[0].site.link.clone();
    members[1].again(&[&link]).await?;
    let twin = Site::start(&configure(&twin, &[&link], "")?, None)?;
    let twin_client = twin.sign_in("duty", &members[1].password).await?;
    let own = members[1].write(10, "来电").await?["site"].clone();
    eventually("the alarm is shown", async || {
        let shown = members[0].get(&root, status).await?;
        Ok(shown["copies"][0]["site"] == own)
    })
    .await?;
    // Whoever is on duty sees it at either machine.
    for (site, client) in [
        (&members[1].site, &members[1].client),
        (&twin, &twin_client),
    ] {
        eventually("the copy itself says so", async || {
            let shown = client.get(format!("{}/api/v1/sites", site.url)).send();
            let shown: Value = shown.await?.json().await?;
            let sites = shown["sites"].as_array().context("sites")?;
            Ok(sites
                .iter()
                .any(|one| one["self"] == true && one["copied_since"].is_i64()))
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_hub_says_that_it_decides_nothing_until_a_campus_has_linked() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut members = three_sites(folder.path()).await?;
    members[0].site.stop()?;
    let password = add_user(&members[0].data, "root", "管理员", "administrator")?;
    let old = backup(&members[0].data, &folder.path().join("backup"))?;
    let data = folder.path().join("restored");
    run(&["restore", text(&old), "--data", text(&data), "--json"])?;
    members[0].data = data;
    members[0].again(&[]).await?;
    let root = members[0].site.sign_in("root", &password).await?;
    let status = "/api/v1/admin/status";
    let shown = members[0].get(&root, status).await?;
    ensure!(shown["unconfirmed"] == true, "{shown}");
    let invite = serde_json::json!({"site_name": "南校区值班室", "code": "S"});
    let url = format!("{}/api/v1/admin/join-codes", members[0].site.url);
    let refused = root.post(url).json(&invite).send().await?;
    let refused: Value = refused.json().await?;
    ensure!(refused["error"]["code"] == "hub_restored", "{refused}");
    let link = members[0].site.link.clone();
    members[1].site.stop()?;
    members[1].again(&[&link]).await?;
    eventually("the campus confirms the hub", async || {
        let shown = members[0].get(&root, status).await?;
        Ok(shown["unconfirmed"] == false)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_beyond_a_revocations_cut_and_was_built_upon_is_shown_as_disputed() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    let mut members = three_sites(folder.path()).await?;
    let seen = heads(&members[2].data)?;
    let late = members[2].write(10, "截止之后的来电").await?;
    until_all_hold(&members, 4).await?;
    let own = |head: &&Value| head["site"] == late["site"];
    let seen = seen.as_array().context("heads")?.iter().find(own);
    let cut = seen.context("west's journal")?["seq"].to_string();
    // The hub signs what it has seen before it stops, so the late item is built upon.
    members[0].site.stop()?;
    let hub = text(&members[0].data).to_owned();
    let revoke = ["revoke", "--data", &hub, "--site", "W", "--cut", &cut];
    let shown = output(&revoke)?;
    ensure!(shown.status.code() == Some(1), "{shown:?}");
    let revoked = output(&[&revoke[..], &["--yes"]].concat())?;
    ensure!(revoked.status.success(), "{revoked:?}");
    members[0].again(&[]).await?;
    let hub = &members[0];
    let sites = hub.get(&hub.client, "/api/v1/sites").await?;
    let mut links = sites["sites"].as_array().context("sites")?.iter();
    let west = links.find(|site| site["id"] == late["site"]);
    let west = west.context("a revoked site is listed")?;
    ensure!(west["link"]["state"] == "revoked", "{west}");
    let page = hub
        .get(&hub.client, "/api/v1/records?kind=log_item&limit=200")
        .await?;
    let items = page["items"].as_array().context("a page of items")?;
    ensure!(items.len() == 4, "{page}");
    for item in items {
        ensure!(item["disputed"] == (item["id"] == late["id"]), "{item}");
    }
    let path = format!("/api/v1/records/{}", late["id"].as_str().context("an id")?);
    let page = hub.get(&hub.client, &path).await?;
    ensure!(page["timeline"][0]["disputed"] == true, "{page}");
    let fields = page["disputed_fields"].as_array().context("field names")?;
    ensure!(fields.contains(&Value::from("content")), "{page}");
    members[0].site.stop()?;
    holds(&members[0].data)
}
