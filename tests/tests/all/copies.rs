//! Backups and carried files by the program's own commands.

use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use tests::process::{Site, add_user, configure, found, item, output, run, text};

/// Starts a site and signs in.
async fn start(data: &Path, password: &str) -> Result<(Site, reqwest::Client)> {
    let site = Site::start(&configure(data, &[], "")?, None)?;
    let client = site.sign_in("duty", password).await?;
    Ok((site, client))
}

/// Writes one log item; its number.
async fn write(site: &Site, client: &reqwest::Client, number: u128) -> Result<String> {
    let made = item(number, "来电");
    let made = site.post(client, "/api/v1/records", &made).await?;
    Ok(made["number"].as_str().context("a number")?.to_owned())
}

/// Runs a command and expects this exit code; what it said on both ways out.
fn said(arguments: &[&str], code: i32) -> Result<String> {
    let output = output(arguments)?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said)?;
    ensure!(output.status.code() == Some(code), "{arguments:?}: {said}");
    Ok(said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_site_is_backed_up_and_its_copy_writes_on_under_other_numbers() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, copy) = (folder.path().join("hub"), folder.path().join("2026-11-22"));
    found(&data)?;
    let password = add_user(&data, "duty", "测试员", "headquarters")?;
    let (mut site, client) = start(&data, &password).await?;
    let photo = [&b"\xff\xd8\xff\xe0"[..], &[7; 300_000]].concat();
    let upload = client.post(format!("{}/api/v1/blobs", site.url));
    ensure!(upload.body(photo).send().await?.status() == 201);
    ensure!(write(&site, &client, 1).await? == "Z2026-000001");
    run(&["backup", "--data", text(&data), text(&copy), "--json"])?;
    ensure!(write(&site, &client, 2).await? == "Z2026-000002");
    let again = said(&["backup", "--data", text(&data), text(&copy)], 1)?;
    ensure!(again.contains("never written over"), "{again}");
    ensure!(site.stop()?.success(), "a clean stop");
    said(&["verify", text(&copy), "--against", text(&data)], 0)?;

    // As on a new machine: the directory is there, empty, and nothing beside it may be written.
    let restored = folder.path().join("new");
    std::fs::create_dir(&restored)?;
    let restore = ["restore", text(&copy), "--data", text(&restored)];
    said(&restore, 0)?;
    ensure!(said(&restore, 1)?.contains("is not empty"));
    let blobs = restored.join("blobs");
    ensure!(!blobs.join("tmp").exists(), "uploads are no attachments");
    ensure!(blobs.read_dir()?.count() == 1, "the photo's folder");
    let (site, client) = start(&restored, &password).await?;
    ensure!(site.all_items(&client).await?.len() == 1);
    ensure!(write(&site, &client, 3).await? == "Z2026b-000001");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_carried_both_ways_by_the_commands_make_two_sites_equal() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (hub, east) = (folder.path().join("hub"), folder.path().join("east"));
    found(&hub)?;
    let hub_password = add_user(&hub, "duty", "测试员", "headquarters")?;
    let invite = ["--site", "东校区值班室", "--code", "E", "--json"];
    let invited = run(&[&["invite", "--data", text(&hub)][..], &invite].concat())?;
    let code = invited["code"].as_str().context("a join code")?;
    let (mut running, client) = start(&hub, &hub_password).await?;
    let url = format!("quic://{}", running.link);
    run(&["join", &url, code, "--data", text(&east), "--json"])?;
    write(&running, &client, 1).await?;
    let east_password = add_user(&east, "duty", "值班员", "officer")?;

    let (to_east, to_hub) = (folder.path().join("to-east"), folder.path().join("to-hub"));
    let export = ["export", "--data", text(&hub), "--since", "E", "--output"];
    said(&[&export[..], &[text(&to_east)]].concat(), 0)?;
    let import = ["import", "--data", text(&east), text(&to_east)];
    ensure!(said(&import, 0)?.contains("bundle(s)"));
    let refused = said(&["import", "--data", text(&hub), text(&to_east)], 1)?;
    ensure!(refused.contains("the site is running"), "{refused}");
    ensure!(running.stop()?.success(), "a clean stop");
    let own = said(&["import", "--data", text(&hub), text(&to_east)], 1)?;
    ensure!(own.contains("wrote the file"), "{own}");

    let (mut running, client) = start(&east, &east_password).await?;
    ensure!(running.all_items(&client).await?.len() == 1);
    ensure!(write(&running, &client, 2).await? == "E2026-000001");
    let export = ["export", "--data", text(&east), "--since", "Z", "--output"];
    said(&[&export[..], &[text(&to_hub)]].concat(), 0)?;
    let sealed = said(&["verify", text(&to_hub)], 1)?;
    ensure!(sealed.contains("--data"), "{sealed}");
    let not_for_east = ["verify", text(&to_hub), "--data", text(&east)];
    ensure!(said(&not_for_east, 1)?.contains("wrote the file"));
    let opened = ["verify", text(&to_hub), "--data", text(&hub), "--json"];
    let proved = run(&opened)?;
    ensure!(
        proved["carried"]["new"] != 0 && proved["first_bad"].is_null(),
        "{proved}"
    );
    let harmed = folder.path().join("harmed");
    let mut bytes = std::fs::read(&to_hub)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&harmed, bytes)?;
    let altered = said(&["verify", text(&harmed), "--data", text(&hub)], 1)?;
    ensure!(altered.contains("altered or damaged"), "{altered}");
    ensure!(running.stop()?.success(), "a clean stop");
    let taken = run(&["import", "--data", text(&hub), text(&to_hub), "--json"])?;
    ensure!(taken["waiting"] == 0 && taken["strangers"] == 0, "{taken}");
    let both = run(&["verify", text(&east), "--against", text(&hub), "--json"])?;
    ensure!(both["compared"]["only_there"] == 0, "{both}");
    Ok(())
}
