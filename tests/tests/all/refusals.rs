//! What a site cannot do is said in words, with exit code 1, and changes nothing.

use anyhow::{Context as _, Result, ensure};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use tests::process::{Site, configure, found, refused, run, text};

fn says(said: &str, words: &str) -> Result<()> {
    ensure!(said.contains(words), "{words:?} is not in {said:?}");
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("hub");
    found(&data)?;
    let (tcp, udp) = (
        TcpListener::bind("127.0.0.1:0")?,
        UdpSocket::bind("127.0.0.1:0")?,
    );
    let config = configure(&data, &[], "")?;
    let free = std::fs::read_to_string(&config)?;
    for (section, taken) in [
        ("http", tcp.local_addr()?),
        ("link", udp.local_addr()?),
        ("media", udp.local_addr()?),
    ] {
        let listen = |address: &str| format!("[{section}]\nlisten = \"{address}\"");
        let text_of = free.replace(&listen("127.0.0.1:0"), &listen(&taken.to_string()));
        std::fs::write(&config, text_of)?;
        let said = refused(&["serve", "--config", text(&config)]).await?;
        says(&said, &taken.to_string())?;
        says(&said, "in use")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_configuration_key_nobody_knows_is_named_with_its_line() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("hub");
    let config = configure(&data, &[], "colour = \"red\"\n")?;
    for command in [
        vec!["check-config", text(&config)],
        vec!["serve", "--config", text(&config)],
    ] {
        let said = refused(&command).await?;
        says(&said, "line 9")?;
        says(&said, "colour")?;
    }
    ensure!(!data.exists(), "nothing is made");
    Ok(())
}

#[tokio::test]
async fn a_data_directory_in_use_or_of_a_later_version_is_left_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("hub");
    found(&data)?;
    let config = configure(&data, &[], "")?;
    let serve = ["serve", "--config", text(&config)];
    let mut site = Site::start(&config, None)?;
    let user = [
        "user",
        "add",
        "--data",
        text(&data),
        "--login",
        "a",
        "--name",
        "b",
    ];
    let user = [&user[..], &["--role", "staff"]].concat();
    for command in [&serve[..], &user[..]] {
        says(&refused(command).await?, "another process")?;
    }
    ensure!(site.stop()?.success(), "the site in use is unharmed");
    let database = SqliteConnectOptions::new().filename(data.join("dutyroom.db"));
    let mut conn = database.connect().await?;
    sqlx::query("pragma user_version = 99")
        .execute(&mut conn)
        .await?;
    drop(conn);
    says(&refused(&serve).await?, "version 99")
}

#[tokio::test]
async fn a_join_code_that_is_wrong_used_or_of_another_hub_changes_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (hub, other) = (folder.path().join("hub"), folder.path().join("other"));
    found(&hub)?;
    found(&other)?;
    let invite = [
        "invite",
        "--data",
        text(&hub),
        "--site",
        "东校区",
        "--code",
        "E",
        "--json",
    ];
    let made = run(&invite)?;
    let code = made["code"].as_str().context("a join code")?;
    let hub = Site::start(&configure(&hub, &[], "")?, None)?;
    let other = Site::start(&configure(&other, &[], "")?, None)?;
    let east = folder.path().join("east");
    let join = async |site: &Site, code: &str, data: &Path| {
        let url = format!("quic://{}", site.link);
        let said = refused(&["join", &url, code, "--data", text(data)]).await?;
        ensure!(!data.exists(), "nothing is made: {said}");
        anyhow::Ok(said)
    };
    says(&join(&hub, &code[1..], &east).await?, "mistyped")?;
    says(
        &join(&other, code, &east).await?,
        "not the hub that made the join code",
    )?;
    let url = format!("quic://{}", hub.link);
    run(&["join", &url, code, "--data", text(&east), "--json"])?;
    let again = folder.path().join("again");
    says(&join(&hub, code, &again).await?, "has been used")
}
