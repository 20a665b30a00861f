//! What a camera does wrong is shown with its reason while somebody watches, and ends when the
//! camera does right again.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use tests::camera_sim::{CameraSim, Credentials, Fault, Options};
use tests::process::{Site, add_user, configure, eventually, found, offer};

async fn sim(listen: SocketAddr, faults: &[(&str, Fault)], locked: bool) -> Result<CameraSim> {
    let word = || "of-the-camera".to_owned();
    let credentials = locked.then(|| Credentials {
        user: word(),
        password: word(),
    });
    let faults = faults
        .iter()
        .map(|(path, fault)| ((*path).to_owned(), *fault));
    let faults: HashMap<_, _> = faults.collect();
    CameraSim::start(Options {
        listen,
        credentials,
        faults,
    })
    .await
}

/// State and reason of every camera by name. Whoever is not watched gets a viewer: one that never
/// connects is dropped after a while.
async fn watched(site: &Site, client: &reqwest::Client) -> Result<HashMap<String, Value>> {
    let url = format!("{}/api/v1/cameras", site.url);
    let all: Value = client.get(url).send().await?.json().await?;
    let mut cameras = HashMap::new();
    for camera in all["cameras"].as_array().context("a list of cameras")? {
        let (id, name) = (camera["id"].as_str(), camera["name"].as_str());
        let (id, name) = id.zip(name).context("id and name")?;
        if camera["viewers"] == 0 {
            let request = client.post(format!("{}/whep/{id}", site.url));
            let request = request.header("content-type", "application/sdp");
            let answer = request.body(offer("H264/90000")).send().await?;
            ensure!(answer.status() != 500, "{name}: {}", answer.text().await?);
        }
        cameras.insert(name.to_owned(), camera.clone());
    }
    Ok(cameras)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_fails_is_shown_with_its_reason_until_it_comes_back() -> Result<()> {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let faults = [
        ("/east-gate", Fault::Refuse),
        ("/east-hall", Fault::Silent),
        ("/west-gate", Fault::OtherCodec),
        ("/west-yard", Fault::NoVideo),
    ];
    let (faulty, locked) = (
        sim(loopback, &faults, false).await?,
        sim(loopback, &[], true).await?,
    );
    // Nobody listens here yet.
    let later = TcpListener::bind(loopback)?.local_addr()?;
    let outside = faulty.rtsp("/west-gate").replace("127.0.0.1", "127.0.0.2");
    let cameras = [
        ("forbidden", faulty.rtsp("/east-gate"), "wrong_credentials"),
        ("silent", faulty.rtsp("/east-hall"), "timeout"),
        ("mpeg4", faulty.rtsp("/west-gate"), "codec_unsupported"),
        ("black", faulty.rtsp("/west-yard"), "timeout"),
        ("locked", locked.rtsp("/east-gate"), "wrong_credentials"),
        ("outside", outside, "not_allowed_network"),
        ("off", format!("rtsp://{later}/east-gate"), "refused"),
    ];
    let mut more = "camera_networks = [\"127.0.0.1/32\"]\n".to_owned();
    for (name, rtsp, _) in &cameras {
        more += &format!("[[camera]]\nkey = {name:?}\nname = {name:?}\nplace = \"x\"\n");
        more += &format!("rtsp = {rtsp:?}\nusername = \"a\"\npassword = \"b\"\n");
    }
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("hub");
    found(&data)?;
    let password = add_user(&data, "duty", "测试员", "headquarters")?;
    let mut site = Site::start(&configure(&data, &[], &more)?, None)?;
    let client = site.sign_in("duty", &password).await?;
    let seen = Mutex::new(HashSet::new());
    eventually("every camera has shown its reason", async || {
        for (name, camera) in watched(&site, &client).await? {
            let reason = camera["reason"].as_str().unwrap_or_default().to_owned();
            seen.lock().expect("no panic inside").insert((name, reason));
        }
        let seen = seen.lock().expect("no panic inside");
        let has = |name: &str, reason: &str| seen.contains(&(name.to_owned(), reason.to_owned()));
        Ok(cameras.iter().all(|(name, _, reason)| has(name, reason)))
    })
    .await
    .with_context(|| format!("{seen:?}"))?;
    let _on = sim(later, &[], false).await?;
    eventually("the camera that was off plays", async || {
        Ok(watched(&site, &client).await?["off"]["state"] == "playing")
    })
    .await?;
    ensure!(site.stop()?.success(), "a graceful stop with viewers");
    Ok(())
}
