//! `cargo xtask demo`: hub, two campuses and four cameras as real processes on loopback.

mod accounts;
mod http;
mod processes;
mod seed;
mod show;
mod sites;

use crate::cargo::build_programs;
use crate::node::Node;
use crate::{repo, step, web};
use anyhow::Context as _;
use processes::{Event, Interrupted, Processes};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sites::{Maker, Site};
use std::collections::HashMap;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Options of the demo.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print one line of JSON on standard output when everything is ready, and nothing else.
    #[arg(long)]
    json: bool,
    /// Keep the demo's data in this folder, and go on with what is in it. Otherwise each start is
    /// a fresh one.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Leave a fresh start's folder behind at the end.
    #[arg(long)]
    keep: bool,
}

/// What `demo.json` in the demo's folder tells: enough to go on later, and for tests to find the
/// processes, configurations and data.
#[derive(Serialize, Deserialize)]
struct State {
    sites: Vec<Site>,
    /// Status document of the simulated cameras.
    cameras: String,
    pids: HashMap<String, u32>,
    dutyroom: PathBuf,
}

/// Sets up, starts, and runs until someone ends it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut programs = build()?;
    let (camera_sim, dutyroom) = (programs.remove(0), programs.remove(0));
    let folder = Folder::open(arguments)?;
    let mut processes = Processes::new(&folder.path.join("logs"))?;
    let mut demo = Demo {
        processes: &mut processes,
        folder: &folder.path,
        dutyroom: &dutyroom,
        json: arguments.json,
    };
    let result = demo.run(&camera_sim);
    let ended = processes.stop_all();
    match result {
        // Asked to end while it ran or while it started: both are a good end.
        Err(error) if error.is::<Interrupted>() => {
            eprintln!("── {error}");
            folder.close(arguments);
            ended
        }
        Err(error) => Err(error.context(format!("the demo's folder is {}", folder.path.display()))),
        Ok(()) => ended,
    }
}

/// Builds the web app and the programs; says where `camera-sim` and `dutyroom` are.
fn build() -> anyhow::Result<Vec<PathBuf>> {
    let begun = step::now();
    // First, since the program embeds it.
    web::build(&Node::find()?)?;
    let programs = build_programs(&["camera-sim", "dutyroom"])?;
    eprintln!("── built in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(programs)
}

/// The folder of one demo.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn open(arguments: &Arguments) -> anyhow::Result<Self> {
        let path = match &arguments.data {
            Some(path) => std::path::absolute(path)?,
            None => {
                let runs = repo::root().join(".demo");
                sweep(&runs)?;
                runs.join(std::process::id().to_string())
            }
        };
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { path })
    }

    fn close(&self, arguments: &Arguments) {
        if arguments.keep || arguments.data.is_some() {
            eprintln!("── data and logs: {}", self.path.display());
        } else if let Err(error) = std::fs::remove_dir_all(&self.path) {
            eprintln!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// Removes folders of demos that were killed: named by a process that no longer runs.
fn sweep(runs: &Path) -> anyhow::Result<()> {
    if !runs.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(runs)? {
        let path = entry?.path();
        let pid = path
            .file_name()
            .and_then(|name| name.to_str()?.parse::<u32>().ok());
        let dead = pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists());
        if dead {
            std::fs::remove_dir_all(&path)
                .with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// A demo that runs.
struct Demo<'a> {
    processes: &'a mut Processes,
    folder: &'a Path,
    dutyroom: &'a Path,
    json: bool,
}

impl Demo<'_> {
    fn run(&mut self, camera_sim: &Path) -> anyhow::Result<()> {
        let begun = step::now();
        let arguments = ["--listen".into(), "127.0.0.1:0".into(), "--json".into()];
        self.processes.start("camera-sim", camera_sim, &arguments)?;
        let ready = self.processes.ready("camera-sim")?;
        let status = ready["status"]
            .as_str()
            .context("camera-sim named no status address")?
            .to_owned();
        let rtsp = status.replacen("http://", "rtsp://", 1);
        let rtsp = rtsp.trim_end_matches('/').to_owned();
        let maker = Maker {
            dutyroom: self.dutyroom,
            folder: self.folder,
            rtsp: &rtsp,
        };
        let mut state = State {
            sites: self.sites(&maker)?,
            cameras: status,
            pids: self.processes.pids(),
            dutyroom: self.dutyroom.to_owned(),
        };
        self.keep(&state)?;
        let hub = seed::client(&state.sites, "hub", "headquarters")?;
        let cameras = self.processes.until("the hub lists every camera", || {
            show::cameras(&state.sites, &hub.get("/api/v1/cameras")?, &rtsp)
        })?;
        if self.json {
            println!("{}", show::line(&state.sites, &cameras));
        } else {
            print!("{}", show::table(&state.sites, &cameras)?);
        }
        eprintln!("── ready after {:.1} s", begun.elapsed().as_secs_f64());
        listen_to_keyboard(self.processes);
        loop {
            if let Some(Event::Typed(line)) = self.processes.next(Duration::MAX)? {
                self.obey(&line, &maker, &mut state)?;
            }
        }
    }

    /// The sites of an earlier run in the same folder, or fresh ones with their log.
    fn sites(&mut self, maker: &Maker<'_>) -> anyhow::Result<Vec<Site>> {
        let file = self.folder.join("demo.json");
        if file.exists() {
            let text = std::fs::read_to_string(&file)?;
            let state: State = serde_json::from_str(&text)
                .with_context(|| format!("{} is not a demo's", file.display()))?;
            let mut sites = state.sites;
            maker.start_again(self.processes, &mut sites)?;
            return Ok(sites);
        }
        let sites = maker.make(self.processes)?;
        seed::write(self.processes, &sites)?;
        Ok(sites)
    }

    /// Writes `demo.json`: passwords are in it, so it is for its owner only.
    fn keep(&self, state: &State) -> anyhow::Result<()> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = self.folder.join("demo.json");
        let mut file = std::fs::File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        file.write_all(serde_json::to_string_pretty(state)?.as_bytes())?;
        Ok(())
    }

    /// `stop SITE` and `start SITE`, to try what happens when a line or a machine fails.
    fn obey(&mut self, line: &str, maker: &Maker<'_>, state: &mut State) -> anyhow::Result<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [verb @ ("stop" | "start"), key] = words[..] else {
            if !words.is_empty() {
                eprintln!("── stop hub|east|west, start hub|east|west; Ctrl-C ends");
            }
            return Ok(());
        };
        let Some(index) = state.sites.iter().position(|site| site.key == key) else {
            eprintln!("── there is no site {key:?}: hub, east, west");
            return Ok(());
        };
        if verb == "stop" {
            self.processes.stop(key)?;
        } else if !self.processes.runs(key) {
            let hub = state.sites[0].link.clone();
            let dial = (index > 0).then_some(hub.as_str());
            maker.start(self.processes, &mut state.sites[index..=index], dial)?;
        }
        state.pids = self.processes.pids();
        self.keep(state)?;
        if self.json {
            println!("{}", json!({ "did": verb, "site": key }));
        } else {
            println!("── {verb} {key}: {}", state.sites[index].url);
        }
        Ok(())
    }
}

/// Hands on what is typed. A demo in the background of a terminal leaves the keyboard alone.
fn listen_to_keyboard(processes: &Processes) {
    if !may_read_stdin() {
        return;
    }
    let sender = processes.sender();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(Event::Typed(line)).is_err() {
                return;
            }
        }
    });
}

/// Reading a terminal from its background would stop the whole demo (SIGTTIN). The kernel tells
/// this process's group and the terminal's foreground group in one line.
fn may_read_stdin() -> bool {
    use std::io::IsTerminal as _;
    if !std::io::stdin().is_terminal() {
        return true;
    }
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return false;
    };
    // After the name in parentheses: state, parent, group, session, terminal, foreground group.
    let Some((_, rest)) = stat.rsplit_once(')') else {
        return false;
    };
    let fields: Vec<&str> = rest.split_whitespace().collect();
    fields.get(2) == fields.get(5)
}
