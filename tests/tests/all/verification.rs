//! `dutyroom verify` proves a directory, live or stopped, and names the one bad bundle.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
use std::path::{Path, PathBuf};
use tests::process::{Site, add_user, configure, eventually, found, item, output, run, text};

/// One site of the small institution.
pub(crate) struct Member {
    pub(crate) data: PathBuf,
    pub(crate) site: Site,
    pub(crate) client: reqwest::Client,
    pub(crate) password: String,
}

impl Member {
    async fn start(data: PathBuf, dial: &[&str]) -> Result<Self> {
        let password = add_user(&data, "duty", "测试员", "headquarters")?;
        let site = Site::start(&configure(&data, dial, "")?, None)?;
        let client = site.sign_in("duty", &password).await?;
        Ok(Self {
            data,
            site,
            client,
            password,
        })
    }

    /// Starts it again after a stop.
    pub(crate) async fn again(&mut self, dial: &[&str]) -> Result<()> {
        self.site = Site::start(&configure(&self.data, dial, "")?, None)?;
        self.client = self.site.sign_in("duty", &self.password).await?;
        Ok(())
    }

    /// Status and error code of a record's page.
    async fn show(&self, record: &str) -> Result<(u16, Value)> {
        let url = format!("{}/api/v1/records/{record}", self.site.url);
        let answer = self.client.get(url).send().await?;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await?;
        Ok((status, body["error"]["code"].clone()))
    }
}

/// The hub and two campuses, each with one item, each holding all three.
pub(crate) async fn three_sites(folder: &Path) -> Result<Vec<Member>> {
    let hub = folder.join("hub");
    found(&hub)?;
    let invite = |site: &str, code: &str| {
        let made = run(&[
            "invite",
            "--data",
            text(&hub),
            "--site",
            site,
            "--code",
            code,
            "--json",
        ])?;
        let code = made["code"].as_str().context("a join code")?;
        anyhow::Ok(code.to_owned())
    };
    let codes = [invite("东校区值班室", "E")?, invite("西校区值班室", "W")?];
    let mut members = vec![Member::start(hub.clone(), &[]).await?];
    let link = members[0].site.link.clone();
    for (name, code) in ["east", "west"].into_iter().zip(codes) {
        let data = folder.join(name);
        let url = format!("quic://{link}");
        run(&["join", &url, &code, "--data", text(&data), "--json"])?;
        members.push(Member::start(data, &[&link]).await?);
    }
    for (number, member) in members.iter().enumerate() {
        let content = format!("第 {number} 席来电");
        let item = item(number as u128, &content);
        member
            .site
            .post(&member.client, "/api/v1/records", &item)
            .await?;
    }
    for member in &members {
        eventually("every site holds the three items", async || {
            Ok(member.site.all_items(&member.client).await?.len() == 3)
        })
        .await?;
    }
    Ok(members)
}

/// Exit code and what was printed.
fn verify(data: &Path) -> Result<(Option<i32>, String)> {
    let output = output(&["verify", "--data", text(data)])?;
    let printed = String::from_utf8(output.stdout)?;
    Ok((output.status.code(), printed))
}

pub(crate) fn holds(data: &Path) -> Result<()> {
    let (code, printed) = verify(data)?;
    ensure!(code == Some(0), "{}: {printed}", data.display());
    ensure!(
        printed.contains("every signature and chain holds"),
        "{printed}"
    );
    Ok(())
}

/// A copy of a stopped site's database, as a backup is.
fn copy(data: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(data)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Changes one bit in the middle of a column of campus East's newest bundle, and names it.
async fn damage(data: &Path, column: &str) -> Result<String> {
    let file = data.join("dutyroom.db");
    let mut conn = SqliteConnectOptions::new().filename(file).connect().await?;
    let find = format!(
        "select site, incarnation, seq, {column} from bundle where site = \
         (select site from record where number like 'E2%') order by incarnation, seq desc limit 1"
    );
    let row = sqlx::query(AssertSqlSafe(find))
        .fetch_one(&mut conn)
        .await?;
    let (site, incarnation, seq): (Vec<u8>, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let mut bytes: Vec<u8> = row.get(3);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    let change = format!(
        "update bundle set {column} = $1 where site = $2 and incarnation = $3 and seq = $4"
    );
    let changed = sqlx::query(AssertSqlSafe(change))
        .bind(bytes)
        .bind(site)
        .bind(incarnation)
        .bind(seq)
        .execute(&mut conn)
        .await?;
    ensure!(changed.rows_affected() == 1, "{changed:?}");
    Ok(format!("E incarnation {incarnation} seq {seq}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_proves_live_and_stopped_sites_and_names_a_changed_bundle() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut members = three_sites(folder.path()).await?;
    for member in &members {
        holds(&member.data)?;
    }
    for member in &mut members {
        let ended = member.site.stop()?;
        ensure!(ended.success(), "{}: {ended}", member.data.display());
    }
    for member in &members {
        holds(&member.data)?;
        for column in ["header", "payload", "signature"] {
            let bad = folder.path().join(format!("bad-{column}"));
            copy(&member.data, &bad)?;
            holds(&bad)?;
            let name = damage(&bad, column).await?;
            let (code, printed) = verify(&bad)?;
            ensure!(code == Some(1), "{column}: {printed}");
            ensure!(printed.contains(&name), "{column}: {printed} is not {name}");
            std::fs::remove_dir_all(&bad)?;
        }
        holds(&member.data)?;
    }
    exported_journals_prove_it_too(folder.path(), &members)
}

fn exported_journals_prove_it_too(folder: &Path, members: &[Member]) -> Result<()> {
    let report = run(&["verify", "--data", text(&members[0].data), "--json"])?;
    let institution = report["institution"].as_str().context("the anchor")?;
    for member in members {
        let file = folder.join("journals");
        let exported = output(&["journal", "--data", text(&member.data)])?;
        ensure!(exported.status.success(), "{exported:?}");
        std::fs::write(&file, &exported.stdout)?;
        let proved = [
            "verify",
            text(&file),
            "--institution",
            institution,
            "--json",
        ];
        let proved = run(&proved)?;
        let own = run(&["verify", text(&member.data), "--json"])?;
        ensure!(proved["heads"] == own["heads"], "{proved} is not {own}");
        let against = [
            "verify",
            text(&file),
            "--against",
            text(&members[0].data),
            "--json",
        ];
        let common = &run(&against)?["compared"]["common"];
        ensure!(common.as_u64() > Some(9), "{common}");
    }
    let stranger = "00".repeat(16);
    let other = output(&[
        "verify",
        "--data",
        text(&members[0].data),
        "--institution",
        &stranger,
    ])?;
    ensure!(other.status.code() == Some(1), "{other:?}");
    Ok(())
}

/// Whether some file of the directory holds these words.
fn is_on_disk(data: &Path, words: &str) -> Result<bool> {
    for entry in std::fs::read_dir(data)? {
        let path = entry?.path();
        let found = match path.is_dir() {
            true => is_on_disk(&path, words)?,
            false => {
                let bytes = std::fs::read(&path)?;
                let mut parts = bytes.windows(words.len());
                parts.any(|part| part == words.as_bytes())
            }
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_at_the_hub_reaches_every_site_and_verify_names_it() -> Result<()> {
    const SECRET: &str = "学生王小明家中来电";
    let folder = tempfile::tempdir()?;
    let mut members = three_sites(folder.path()).await?;
    let east = &members[1];
    let made = item(77, SECRET);
    let made = east
        .site
        .post(&east.client, "/api/v1/records", &made)
        .await?;
    let record = made["id"].as_str().context("an id")?.to_owned();
    let number = made["number"].as_str().context("a number")?.to_owned();
    for member in &members {
        eventually("every site shows the item", async || {
            Ok(member.show(&record).await?.0 == 200)
        })
        .await?;
    }
    for member in &mut members {
        ensure!(member.site.stop()?.success(), "a clean stop");
        ensure!(is_on_disk(&member.data, SECRET)?, "the words are there");
    }
    let hub = text(&members[0].data).to_owned();
    let erase = [
        "erase",
        "--data",
        &hub,
        "--record",
        &number,
        "--reason",
        "保存期满",
    ];
    let asked = output(&erase)?;
    let asked = String::from_utf8(asked.stdout)?;
    ensure!(asked.contains("1 section(s) would go"), "{asked}");
    ensure!(
        is_on_disk(&members[0].data, SECRET)?,
        "nothing without --yes"
    );
    let done = run(&[&erase[..], &["--yes", "--json"]].concat())?;
    ensure!(done["sections"] == 1, "{done}");
    members[0].again(&[]).await?;
    let link = members[0].site.link.clone();
    members[1].again(&[&link]).await?;
    members[2].again(&[&link]).await?;
    for member in &members {
        eventually("the record is told as erased", async || {
            Ok(member.show(&record).await? == (410, "record_erased".into()))
        })
        .await?;
        ensure!(member.site.all_items(&member.client).await?.len() == 3);
        holds(&member.data)?;
    }
    for member in &mut members {
        ensure!(member.site.stop()?.success(), "a clean stop");
        let left = is_on_disk(&member.data, SECRET)?;
        ensure!(!left, "{} still holds the words", member.data.display());
        let report = run(&["verify", text(&member.data), "--json"])?;
        ensure!(report["erased"][0]["sections"] == 1, "{report}");
    }
    Ok(())
}
