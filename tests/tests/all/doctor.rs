//! `dutyroom doctor` on the directory of a real site.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use store::{Filter, RecordRow, Store};
use tests::process::{Site, add_user, configure, found, item, output, text};

/// What the doctor prints as JSON, and its exit code.
fn doctor(data: &Path, more: &[&str]) -> Result<(Value, Option<i32>)> {
    let mut arguments = vec!["doctor", "--data", text(data), "--json"];
    arguments.extend(more);
    let output = output(&arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let found = serde_json::from_slice(&output.stdout).with_context(|| said.into_owned())?;
    Ok((found, output.status.code()))
}

/// What was looked at and has to be put right.
fn bad(found: &Value) -> Vec<&str> {
    let findings = found["findings"].as_array().into_iter().flatten();
    let bad = findings.filter(|finding| finding["state"] == "bad");
    bad.filter_map(|finding| finding["about"].as_str())
        .collect()
}

/// All rows, the search's answer to a word in them, and every bundle's exact bytes.
async fn held(data: &Path) -> Result<(Vec<RecordRow>, Vec<RecordRow>, Vec<u8>)> {
    let store = Store::open_read_only(data).await?;
    let rows = store.list(&Filter::default()).await?.rows;
    let query = Some("电梯".to_owned());
    let filter = Filter {
        query,
        ..Filter::default()
    };
    let hits = store.list(&filter).await?.rows;
    Ok((
        rows,
        hits,
        output(&["journal", "--data", text(data)])?.stdout,
    ))
}

async fn a_site_that_was_used(data: &Path) -> Result<()> {
    found(data)?;
    let password = add_user(data, "hq", "测试员", "headquarters")?;
    let mut site = Site::start(&configure(data, &[], "")?, None)?;
    let client = site.sign_in("hq", &password).await?;
    for number in 1..=20 {
        let body = item(number, &format!("三号楼电梯困人，第{number}次来电"));
        site.post(&client, "/api/v1/records", &body).await?;
    }
    let (running, code) = doctor(data, &[])?;
    ensure!(
        bad(&running) == ["database"] && code == Some(1),
        "{running}"
    );
    site.stop()?;
    Ok(())
}

#[tokio::test]
async fn doctor_finds_a_sound_site_well_and_rebuilds_it_to_the_same_rows() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("hub");
    a_site_that_was_used(&data).await?;
    let (well, code) = doctor(&data, &[])?;
    ensure!(well["well"] == true && code == Some(0), "{well}");
    let before = held(&data).await?;
    ensure!(before.0.len() == 21 && before.1.len() == 20, "{before:?}");
    // Caches that say something else, as a fault of the program might leave them.
    let file = SqliteConnectOptions::new().filename(data.join("dutyroom.db"));
    let mut conn = file.connect().await?;
    for harm in [
        "delete from snapshot",
        "update record set title = 'wrong'",
        "insert into search(search) values('delete-all')",
    ] {
        sqlx::raw_sql(harm).execute(&mut conn).await?;
    }
    conn.close().await?;
    ensure!(held(&data).await? != before, "the caches are harmed");
    let (rebuilt, code) = doctor(&data, &["--rebuild"])?;
    ensure!(code == Some(0) && rebuilt["rebuilt"] == 21, "{rebuilt}");
    assert_eq!(held(&data).await?, before);
    Ok(())
}

#[tokio::test]
async fn doctor_names_what_is_wrong_and_answers_one() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("hub");
    found(&data)?;
    let key = data.join("identity/sign.key");
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&key, open)?;
    let (found, code) = doctor(&data, &[])?;
    ensure!(bad(&found) == ["keys"] && code == Some(1), "{found}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))?;
    // A bundle that a disk has lost: the first of two of this site's own.
    add_user(&data, "a", "甲", "officer")?;
    add_user(&data, "b", "乙", "officer")?;
    let file = SqliteConnectOptions::new().filename(data.join("dutyroom.db"));
    let mut conn = file.connect().await?;
    let lose = "delete from bundle where incarnation > 0 and seq = 1";
    sqlx::raw_sql(lose).execute(&mut conn).await?;
    conn.close().await?;
    let (found, code) = doctor(&data, &[])?;
    ensure!(bad(&found).contains(&"gaps") && code == Some(1), "{found}");
    let nothing = folder.path().join("nothing");
    let (found, code) = doctor(&nothing, &[])?;
    ensure!(
        bad(&found).contains(&"directory") && code == Some(1),
        "{found}"
    );
    Ok(())
}
