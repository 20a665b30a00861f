//! What people type, and who they are, never reaches the log, however much is logged.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use tests::camera_sim::{CameraSim, Credentials, Options};
use tests::process::{ICE_PASSWORD, Site, add_user, configure, eventually, found, item, offer};

const LOGIN: &str = "login-of-the-officer";
const WRONG: &str = "wrong-password-31415";
const NAME: &str = "欧阳慎独";
const CONTENT: &str = "家长宇文来电称学生慕容未归";
const PHONE: &str = "phone-like-000-1111-2222";
const PLACE: &str = "第九宿舍楼三零二";
const CAMERA_USER: &str = "camera-watcher";
const CAMERA_PASSWORD: &str = "camera-secret-2718";
const SEARCH: &str = "慕容";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_name_or_text_is_logged_at_info() -> Result<()> {
    nothing_private_is_logged("info").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_name_or_text_is_logged_at_debug() -> Result<()> {
    nothing_private_is_logged("debug").await
}

async fn nothing_private_is_logged(filter: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, log) = (folder.path().join("hub"), folder.path().join("log"));
    let sim = CameraSim::start(Options {
        listen: "127.0.0.1:0".parse()?,
        credentials: Some(Credentials {
            user: "somebody-else".to_owned(),
            password: "something-else".to_owned(),
        }),
        faults: HashMap::new(),
    })
    .await?;
    found(&data)?;
    let password = add_user(&data, LOGIN, NAME, "headquarters")?;
    let config = configure(&data, &[], &more(filter, &sim.rtsp("/east-gate")))?;
    let mut site = Site::start(&config, Some(&log))?;
    let token = live_through_a_night(&site, &password).await?;
    ensure!(site.stop()?.success(), "a graceful stop");
    let secrets = [
        LOGIN,
        WRONG,
        NAME,
        CONTENT,
        PHONE,
        PLACE,
        CAMERA_USER,
        CAMERA_PASSWORD,
        SEARCH,
        &password,
        &token,
        ICE_PASSWORD,
        "欧阳",
        "%E6%85%95",
    ];
    holds_none(&log, &secrets)
}

fn more(filter: &str, rtsp: &str) -> String {
    format!(
        "camera_networks = [\"127.0.0.1/32\"]\n[log]\nfilter = {filter:?}\n\
         [[camera]]\nkey = \"gate\"\nname = \"东门\"\nplace = \"大门\"\nrtsp = {rtsp:?}\n\
         username = {CAMERA_USER:?}\npassword = {CAMERA_PASSWORD:?}\n"
    )
}

/// Signs in wrongly and rightly, writes, searches, mistypes, watches. The session's token.
async fn live_through_a_night(site: &Site, password: &str) -> Result<String> {
    let api = |path: &str| format!("{}/api/v1/{path}", site.url);
    let stranger = Site::client()?;
    for body in [
        json!({"login": LOGIN, "password": WRONG}).to_string(),
        json!({"login": WRONG, "password": WRONG, "more": PHONE}).to_string(),
        format!("{{\"login\": \"{LOGIN}\", \"password\": \"{WRONG}\""),
    ] {
        let request = stranger.post(api("session")).body(body);
        let answer = request.header("content-type", "application/json").send();
        ensure!(answer.await?.status().is_client_error(), "a wrong sign-in");
    }
    let client = Site::client()?;
    let right = json!({"login": LOGIN, "password": password});
    let answer = client.post(api("session")).json(&right).send().await?;
    let cookie = answer.headers().get("set-cookie").context("a cookie")?;
    let token = cookie.to_str()?.split([';', '=']).nth(1);
    let token = token.context("a token")?.to_owned();
    write(site, &client).await?;
    watch(site, &client).await?;
    Ok(token)
}

async fn write(site: &Site, client: &reqwest::Client) -> Result<()> {
    let mut whole = item(1, CONTENT);
    whole["fields"]["caller"] = json!(PHONE);
    whole["fields"]["place"] = json!(PLACE);
    let record = site.post(client, "/api/v1/records", &whole).await?;
    let id = record["id"].as_str().context("an id")?;
    let action = |name: &str, number: u8, fields: Value| {
        let path = format!("/api/v1/records/{id}/actions/{name}");
        (
            path,
            json!({"fields": fields, "action_id": format!("{number:032x}")}),
        )
    };
    let (path, body) = action("amend", 2, json!({"type": "correction", "text": CONTENT}));
    site.post(client, &path, &body).await?;
    let incident = json!({"title": CONTENT, "class": "other", "place": PLACE});
    let (path, body) = action("open_incident", 3, incident);
    site.post(client, &path, &body).await?;
    // What is refused holds as much as what is taken.
    let mut faulty = item(4, &CONTENT.repeat(2_000));
    faulty["fields"][PHONE] = json!(PLACE);
    for body in [
        faulty,
        json!({"kind": CONTENT, "fields": {"content": CONTENT}}),
    ] {
        let url = format!("{}/api/v1/records", site.url);
        let answer = client.post(url).json(&body).send().await?;
        ensure!(answer.status().is_client_error(), "a faulty item");
    }
    for query in [format!("q={SEARCH}"), format!("{PHONE}={SEARCH}")] {
        let url = format!("{}/api/v1/records?{query}", site.url);
        client.get(url).send().await?;
    }
    client.get(format!("{}/{PLACE}", site.url)).send().await?;
    Ok(())
}

/// Makes the site pull its camera, whose password is wrong, until it says so.
async fn watch(site: &Site, client: &reqwest::Client) -> Result<()> {
    let url = format!("{}/api/v1/cameras", site.url);
    let camera = async || {
        let all: Value = client.get(&url).send().await?.json().await?;
        anyhow::Ok(all["cameras"][0].clone())
    };
    let id = camera().await?["id"]
        .as_str()
        .context("a camera")?
        .to_owned();
    for (offer, accepted) in [
        (offer("VP8/90000"), false),
        (CONTENT.to_owned(), false),
        (offer("H264/90000"), true),
    ] {
        let request = client.post(format!("{}/whep/{id}", site.url)).body(offer);
        let request = request.header("content-type", "application/sdp");
        let answer = request.send().await?;
        let (status, said) = (answer.status(), answer.text().await?);
        ensure!(status.is_success() == accepted, "{status}: {said}");
    }
    eventually("the camera refuses", async || {
        Ok(camera().await?["reason"] == "wrong_credentials")
    })
    .await
}

fn holds_none(log: &Path, secrets: &[&str]) -> Result<()> {
    let log = std::fs::read_to_string(log)?;
    ensure!(
        log.contains("a sign-in failed"),
        "nothing was logged:\n{log}"
    );
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(secret));
        ensure!(line.is_none(), "{secret} is in the log: {line:?}");
    }
    Ok(())
}
