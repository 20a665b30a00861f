//! The three sites of the demo: made with the product's own commands, configured, started.

use super::accounts::{self, Account};
use super::processes::Processes;
use crate::hold::held;
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The institution of the demo; invented.
const INSTITUTION: &str = "示例学院";

/// One site of the demo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Site {
    /// `hub`, `east` or `west`: name of its folder, its log and its process.
    pub(super) key: String,
    /// Site id in hex.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) code: String,
    /// `hub` or `campus`.
    pub(super) role: String,
    /// Where browsers go; set when it runs.
    pub(super) url: String,
    /// Where other sites dial; set when it runs.
    pub(super) link: String,
    pub(super) data: PathBuf,
    pub(super) config: PathBuf,
    pub(super) users: Vec<Account>,
}

/// One camera as a site's configuration names it.
pub(super) struct Camera {
    /// Site that owns it.
    pub(super) site: &'static str,
    /// Path at the simulator, without the slash; also its key.
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) place: &'static str,
    /// Whether it has a sub stream.
    pub(super) sub: bool,
}

/// The four cameras.
pub(super) const CAMERAS: [Camera; 4] = [
    Camera {
        site: "east",
        key: "east-gate",
        name: "东门",
        place: "东校区大门",
        sub: false,
    },
    Camera {
        site: "east",
        key: "east-hall",
        name: "东区大厅",
        place: "东校区行政楼一层",
        sub: false,
    },
    Camera {
        site: "west",
        key: "west-gate",
        name: "西门",
        place: "西校区大门",
        sub: false,
    },
    Camera {
        site: "west",
        key: "west-yard",
        name: "西区操场",
        place: "西校区操场",
        sub: true,
    },
];

/// Key, name, code, preferred port.
const SITES: [(&str, &str, &str, u16); 3] = [
    ("hub", "总值班室", "Z", 8100),
    ("east", "东校区值班室", "E", 8101),
    ("west", "西校区值班室", "W", 8102),
];

/// Makes and runs sites with the program itself.
pub(super) struct Maker<'a> {
    pub(super) dutyroom: &'a Path,
    /// Folder of the demo.
    pub(super) folder: &'a Path,
    /// Where the simulated cameras are: `rtsp://127.0.0.1:PORT`.
    pub(super) rtsp: &'a str,
}

impl Maker<'_> {
    /// Makes the hub, its accounts and a code for each campus, which are then joined while the
    /// hub runs; ends with all three running.
    pub(super) fn make(&self, processes: &mut Processes) -> anyhow::Result<Vec<Site>> {
        let mut hub = self.blank(SITES[0]);
        let made = self.call(
            &[
                "init",
                "--institution",
                INSTITUTION,
                "--site",
                &hub.name,
                "--code",
                &hub.code,
            ],
            &hub,
            None,
        )?;
        hub.id = text(&made, "site")?;
        self.add_users(&hub)?;
        let mut campuses = Vec::new();
        for known in &SITES[1..] {
            let mut campus = self.blank(*known);
            let made = self.call(
                &["invite", "--site", &campus.name, "--code", &campus.code],
                &hub,
                None,
            )?;
            campus.id = text(&made, "code")?;
            campuses.push(campus);
        }
        self.start(processes, std::slice::from_mut(&mut hub), None)?;
        for campus in &mut campuses {
            let url = format!("quic://{}", hub.link);
            let code = std::mem::take(&mut campus.id);
            let made = self.call(&["join", &url, &code], campus, None)?;
            campus.id = text(&made, "site")?;
            self.add_users(campus)?;
        }
        self.start(processes, &mut campuses, Some(&hub.link))?;
        Ok(std::iter::once(hub).chain(campuses).collect())
    }

    /// Starts sites made before.
    pub(super) fn start_again(
        &self,
        processes: &mut Processes,
        sites: &mut [Site],
    ) -> anyhow::Result<()> {
        let (hub, campuses) = sites.split_at_mut(1);
        self.start(processes, hub, None)?;
        let link = hub[0].link.clone();
        self.start(processes, campuses, Some(&link))
    }

    /// Starts some sites at once and waits until each is ready. Their addresses are then written
    /// into their configurations, so that a later start finds the same.
    pub(super) fn start(
        &self,
        processes: &mut Processes,
        sites: &mut [Site],
        dial: Option<&str>,
    ) -> anyhow::Result<()> {
        for site in sites.iter_mut() {
            free_ports(site);
            self.configure(site, dial)?;
            let arguments = [
                "serve".into(),
                "--ready-json".into(),
                "--config".into(),
                site.config.clone().into(),
            ];
            processes.start(&site.key, self.dutyroom, &arguments)?;
        }
        for site in sites {
            let ready = processes.ready(&site.key)?;
            site.url = text(&ready, "http")?;
            site.link = text(&ready, "link")?;
            self.configure(site, dial)?;
        }
        Ok(())
    }

    fn blank(&self, (key, name, code, port): (&str, &str, &str, u16)) -> Site {
        let folder = self.folder.join(key);
        Site {
            key: key.to_owned(),
            id: String::new(),
            name: name.to_owned(),
            code: code.to_owned(),
            role: if key == "hub" { "hub" } else { "campus" }.to_owned(),
            url: format!("http://127.0.0.1:{port}"),
            link: "127.0.0.1:0".to_owned(),
            data: folder.join("data"),
            config: folder.join("site.toml"),
            users: accounts::of_site(key),
        }
    }

    fn add_users(&self, site: &Site) -> anyhow::Result<()> {
        for user in &site.users {
            let named = [
                "--login",
                &user.login,
                "--name",
                &user.name,
                "--role",
                &user.role,
            ];
            let command = [&["user", "add", "--password-stdin"], &named[..]].concat();
            self.call(&command, site, Some(&user.password))?;
        }
        Ok(())
    }

    /// Runs `dutyroom` on a site's data, giving it a line of input if there is one; says its JSON.
    fn call(&self, arguments: &[&str], site: &Site, input: Option<&str>) -> anyhow::Result<Value> {
        let what = format!("dutyroom {} ({})", arguments[0], site.name);
        let mut command = held(self.dutyroom);
        command
            .args(arguments)
            .arg("--json")
            .arg("--data")
            .arg(&site.data);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {what}"))?;
        if let Some(mut stdin) = child.stdin.take()
            && let Some(line) = input
        {
            writeln!(stdin, "{line}").with_context(|| format!("{what} took no input"))?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!(
                "{what} failed ({}): {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("{what} printed no JSON"))
    }

    fn configure(&self, site: &Site, dial: Option<&str>) -> anyhow::Result<()> {
        let listen = site.url.trim_start_matches("http://");
        let dial: Vec<&str> = dial.into_iter().collect();
        let mut text = format!(
            "data = {data:?}\n\n[http]\nlisten = {listen:?}\n\n[link]\nlisten = {link:?}\ndial = {dial:?}\n\n\
             [media]\nlisten = \"127.0.0.1:0\"\ncamera_networks = [\"127.0.0.1/32\"]\n",
            data = site.data,
            link = site.link,
        );
        for camera in CAMERAS.iter().filter(|camera| camera.site == site.key) {
            let Camera {
                key, name, place, ..
            } = camera;
            let rtsp = self.rtsp;
            write!(
                text,
                "\n[[camera]]\nkey = {key:?}\nname = {name:?}\nplace = {place:?}\nrtsp = \"{rtsp}/{key}\"\n"
            )?;
            if camera.sub {
                writeln!(text, "sub = \"{rtsp}/{key}/sub\"")?;
            }
        }
        let folder = site
            .config
            .parent()
            .context("a configuration lies in a folder")?;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::write(&site.config, text)
            .with_context(|| format!("cannot write {}", site.config.display()))
    }
}

/// Keeps the ports a site had, or wishes for, where they are free; takes any others where not.
fn free_ports(site: &mut Site) {
    let http = site.url.trim_start_matches("http://");
    if TcpListener::bind(http).is_err() {
        "http://127.0.0.1:0".clone_into(&mut site.url);
    }
    if UdpSocket::bind(&site.link).is_err() {
        "127.0.0.1:0".clone_into(&mut site.link);
    }
}

fn text(json: &Value, field: &str) -> anyhow::Result<String> {
    let found = json[field].as_str().map(str::to_owned);
    found.with_context(|| format!("no {field:?} in {json}"))
}
