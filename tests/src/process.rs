//! Real `dutyroom` processes on loopback, each in its own data directory.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

/// Waiting for a site to do what it was told; the limit only ends a hopeless wait.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// Runs a command of the program to its end, whatever the end.
///
/// # Errors
/// When it cannot be started.
pub fn output(arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(dutyroom()?).args(arguments).output()?)
}

/// Runs a command that must succeed, and reads its JSON.
///
/// # Errors
/// What it said.
pub fn run(arguments: &[&str]) -> Result<Value> {
    let output = output(arguments)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("dutyroom {arguments:?}: {said}");
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs a command that must end with a said error, and reads what it says.
///
/// # Errors
/// When it ends well, or not at all.
pub async fn refused(arguments: &[&str]) -> Result<String> {
    let mut command = tokio::process::Command::new(dutyroom()?);
    let ending = command.args(arguments).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, ending).await;
    let output = output.with_context(|| format!("dutyroom {arguments:?} runs on"))??;
    let said = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(1), "{}: {said}", output.status);
    Ok(said)
}

/// `path` for a command line.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have UTF-8 names")
}

/// Makes an institution whose hub has the code `Z`.
///
/// # Errors
/// As [`run`].
pub fn found(data: &Path) -> Result<()> {
    let data = text(data);
    let (site, institution) = ("总值班室", "测试学院");
    run(&[
        "init",
        "--data",
        data,
        "--institution",
        institution,
        "--site",
        site,
        "--code",
        "Z",
        "--json",
    ])?;
    Ok(())
}

/// A new account's password.
///
/// # Errors
/// As [`run`].
pub fn add_user(data: &Path, login: &str, name: &str, role: &str) -> Result<String> {
    let data = text(data);
    let user = run(&[
        "user", "add", "--data", data, "--login", login, "--name", name, "--role", role, "--json",
    ])?;
    let password = user["password"].as_str();
    Ok(password
        .context("a made-up password is printed")?
        .to_owned())
}

/// Writes a configuration on free loopback ports; `more` is appended. Its path.
///
/// # Errors
/// When it cannot be written.
pub fn configure(data: &Path, dial: &[&str], more: &str) -> Result<PathBuf> {
    let config = format!(
        "data = {data:?}\n[http]\nlisten = \"127.0.0.1:0\"\n\
         [link]\nlisten = \"127.0.0.1:0\"\ndial = {dial:?}\n\
         [media]\nlisten = \"127.0.0.1:0\"\n{more}"
    );
    let file = data.with_extension("toml");
    std::fs::write(&file, config)?;
    Ok(file)
}

/// A running site. Killed when dropped.
pub struct Site {
    process: Child,
    /// Where browsers find it.
    pub url: String,
    /// Where other sites find it.
    pub link: String,
}

impl Site {
    /// Starts the site of a configuration; its log goes to `log`, if anywhere.
    ///
    /// # Errors
    /// When it never says that it is ready.
    pub fn start(config: &Path, log: Option<&Path>) -> Result<Self> {
        let log = match log {
            Some(file) => File::create(file)?.into(),
            None => Stdio::null(),
        };
        let mut process = Command::new(dutyroom()?)
            .args(["serve", "--ready-json", "--config"])
            .arg(config)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let stdout = process.stdout.take().context("stdout is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).context("the ready line")?;
        let url = ready["http"].as_str().context("the address")?.to_owned();
        let link = ready["link"].as_str().context("the link's address")?;
        let link = link.to_owned();
        Ok(Self { process, url, link })
    }

    /// A client with its own cookies.
    ///
    /// # Errors
    /// When there can be none.
    pub fn client() -> Result<reqwest::Client> {
        let client = reqwest::Client::builder().cookie_store(true);
        Ok(client.timeout(PATIENCE).build()?)
    }

    /// A client that is signed in.
    ///
    /// # Errors
    /// When it is not let in.
    pub async fn sign_in(&self, login: &str, password: &str) -> Result<reqwest::Client> {
        let client = Self::client()?;
        let answer = client
            .post(format!("{}/api/v1/session", self.url))
            .json(&json!({"login": login, "password": password}))
            .send()
            .await?;
        let ok = answer.status().is_success();
        ensure!(ok, "sign-in: {}", answer.text().await?);
        Ok(client)
    }

    /// Posts what must be accepted.
    ///
    /// # Errors
    /// When it is not.
    pub async fn post(&self, client: &reqwest::Client, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.url);
        let answer = client.post(url).json(body).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status} {body}");
        Ok(serde_json::from_str(&body)?)
    }

    /// Ids of every log item the site holds.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn all_items(&self, client: &reqwest::Client) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        let mut after = String::new();
        loop {
            let url = format!(
                "{}/api/v1/records?kind=log_item&limit=200&after={after}",
                self.url
            );
            let page: Value = client.get(url).send().await?.json().await?;
            let items = page["items"].as_array().context("a page of items")?;
            let id = |item: &Value| Some(item["id"].as_str()?.to_owned());
            ids.extend(items.iter().filter_map(id));
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => return Ok(ids),
            }
        }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as `kill -9` does.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Ends it as systemd does, and tells how it ended.
    ///
    /// # Errors
    /// When it cannot be told to.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let id = i32::try_from(self.process.id())?;
        let id = rustix::process::Pid::from_raw(id).context("a process id")?;
        rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        Ok(self.process.wait()?)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Already ended in the test's course; only a failed test leaves one running.
        if matches!(self.process.try_wait(), Ok(None)) {
            drop(self.process.kill());
            drop(self.process.wait());
        }
    }
}

/// Asks until it is so.
///
/// # Errors
/// When it never is, or asking fails.
pub async fn eventually(what: &str, ask: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let waiting = async {
        while !ask().await? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.with_context(|| format!("never so: {what}"))?
}

/// The body that creates a log item; `number` makes its action id.
pub fn item(number: u128, content: &str) -> Value {
    let action_id = records::id::ActionId(number.to_be_bytes()).to_string();
    json!({
        "kind": "log_item",
        "action_id": action_id,
        "fields": {"happened_at": 1_790_000_040_000_i64, "category": "call", "content": content}
    })
}

/// In every [`offer`].
pub const ICE_PASSWORD: &str = "ice-password-of-the-browser";

/// What a browser that wants to see `codec` would send.
pub fn offer(codec: &str) -> String {
    let fingerprint = ["AA"; 32].join(":");
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         a=ice-ufrag:abcd\r\na=ice-pwd:{ICE_PASSWORD}\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\n\
         m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\n\
         a=rtcp-mux\r\na=rtpmap:96 {codec}\r\n\
         a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
    )
}
