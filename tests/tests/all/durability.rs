//! What a site answered as saved is there after `kill -9`.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often the site is killed while it writes (DESIGN.md, invariant 1).
const KILLS: usize = 50;
/// Items offered at once, so that kills meet group commits.
const WRITERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_item_survives_fifty_kills_during_writes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let password = set_up(folder.path())?;
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        let mut site = Site::start(folder.path())?;
        let client = site.sign_in(&password).await?;
        let kill_after = 1 + round % 17;
        acknowledged.extend(site.write_until_killed(&client, round, kill_after).await?);
    }
    let mut site = Site::start(folder.path())?;
    let client = site.sign_in(&password).await?;
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
    verify(folder.path())
}

/// The binary under test lies beside this test's own folder.
fn dutyroom() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let target = test
        .ancestors()
        .nth(2)
        .context("tests run from target/<profile>/deps")?;
    let binary = target.join("dutyroom");
    ensure!(binary.is_file(), "build it first: cargo build -p dutyroom");
    Ok(binary)
}

fn run(arguments: &[&str]) -> Result<Value> {
    let output = Command::new(dutyroom()?).args(arguments).output()?;
    if !output.status.success() {
        bail!(
            "dutyroom {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn set_up(folder: &Path) -> Result<String> {
    let data = folder.join("data");
    let data = data.to_str().context("the folder's name is UTF-8")?;
    run(&[
        "init",
        "--data",
        data,
        "--institution",
        "测试学院",
        "--site",
        "总值班室",
        "--code",
        "Z",
        "--json",
    ])?;
    let user = run(&[
        "user",
        "add",
        "--data",
        data,
        "--login",
        "hq",
        "--name",
        "测试员",
        "--role",
        "headquarters",
        "--json",
    ])?;
    let config = format!(
        "data = {data:?}\n[http]\nlisten = \"127.0.0.1:0\"\n[link]\nlisten = \"127.0.0.1:0\"\n\
         [media]\nlisten = \"127.0.0.1:0\"\n"
    );
    std::fs::write(folder.join("site.toml"), config)?;
    let password = user["password"]
        .as_str()
        .context("a made-up password is printed")?;
    Ok(password.to_owned())
}

fn verify(folder: &Path) -> Result<()> {
    let data = folder.join("data");
    let status = Command::new(dutyroom()?)
        .args(["verify", "--data"])
        .arg(data)
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "dutyroom verify finds a bad bundle");
    Ok(())
}

struct Site {
    process: Child,
    url: String,
}

impl Site {
    fn start(folder: &Path) -> Result<Self> {
        let mut process = Command::new(dutyroom()?)
            .args(["serve", "--ready-json", "--config"])
            .arg(folder.join("site.toml"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = process.stdout.take().context("stdout is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).context("the ready line")?;
        let url = ready["http"].as_str().context("the address")?.to_owned();
        Ok(Self { process, url })
    }

    async fn sign_in(&self, password: &str) -> Result<reqwest::Client> {
        let client = reqwest::Client::builder()
            .cookie_store(true)
            .timeout(Duration::from_secs(60))
            .build()?;
        let answer = client
            .post(format!("{}/api/v1/session", self.url))
            .json(&json!({"login": "hq", "password": password}))
            .send()
            .await?;
        ensure!(
            answer.status().is_success(),
            "sign-in: {}",
            answer.text().await?
        );
        Ok(client)
    }

    /// Ids of the items that were answered as saved; the site is killed after `kill_after` of
    /// them while the other writers still wait.
    async fn write_until_killed(
        &mut self,
        client: &reqwest::Client,
        round: usize,
        kill_after: usize,
    ) -> Result<Vec<String>> {
        let (saved, mut answers) = tokio::sync::mpsc::unbounded_channel();
        let writers = (0..WRITERS).map(|writer| {
            let (client, saved) = (client.clone(), saved.clone());
            let url = format!("{}/api/v1/records", self.url);
            tokio::spawn(async move {
                for n in 0.. {
                    let item = item(round, writer, n);
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
                self.kill()?;
            }
        }
        for writer in writers {
            writer.await?;
        }
        Ok(ids)
    }

    async fn all_items(&self, client: &reqwest::Client) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        let mut after = String::new();
        loop {
            let url = format!(
                "{}/api/v1/records?kind=log_item&limit=200&after={after}",
                self.url
            );
            let page: Value = client.get(url).send().await?.json().await?;
            let items = page["items"].as_array().context("a page of items")?;
            ids.extend(
                items
                    .iter()
                    .filter_map(|item| Some(item["id"].as_str()?.to_owned())),
            );
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => return Ok(ids),
            }
        }
    }

    fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Already killed in the test's course; only a failed test leaves one running.
        if matches!(self.process.try_wait(), Ok(None)) {
            drop(self.process.kill());
            drop(self.process.wait());
        }
    }
}

fn item(round: usize, writer: usize, n: usize) -> Value {
    let mut id = [0u8; 16];
    id[0] = u8::try_from(round).expect("fewer than 256 rounds");
    id[1] = u8::try_from(writer).expect("fewer than 256 writers");
    id[2..10].copy_from_slice(&(n as u64).to_be_bytes());
    let action_id = records::id::ActionId(id).to_string();
    json!({
        "kind": "log_item",
        "action_id": action_id,
        "fields": {
            "happened_at": 1_790_000_040_000_i64,
            "category": "call",
            "content": format!("第 {round} 轮第 {writer} 席第 {n} 条来电"),
        }
    })
}
