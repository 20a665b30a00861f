//! The processes of the demo: started, watched, and ended in order.

use crate::hold::held;
use crate::step;
use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Time a program gets to say that it is ready.
const READY: Duration = Duration::from_secs(60);
/// Time a program gets to end by itself.
const GRACE: Duration = Duration::from_secs(20);

/// What wakes the demo.
pub(super) enum Event {
    /// Someone wants it to end, by this signal.
    Stop(&'static str),
    /// A child may have ended.
    Child,
    /// The first line a program printed; none if it ended before.
    Ready(String, Option<String>),
    /// A line typed at the demo.
    Typed(String),
}

struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

/// All programs the demo started, in order.
pub(super) struct Processes {
    events: Receiver<Event>,
    sender: Sender<Event>,
    logs: PathBuf,
    running: Vec<Process>,
    ready: HashMap<String, Option<String>>,
}

/// The demo was asked to end.
#[derive(Debug)]
pub(super) struct Interrupted(&'static str);

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ended on request ({})", self.0)
    }
}

impl std::error::Error for Interrupted {}

impl Processes {
    /// Begins to listen for signals; logs of programs go to `logs`.
    pub(super) fn new(logs: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(logs).with_context(|| format!("cannot make {}", logs.display()))?;
        let (sender, events) = channel();
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGCHLD]).context("signals")?;
        let to = sender.clone();
        std::thread::spawn(move || {
            for signal in signals.forever() {
                let event = match signal {
                    SIGCHLD => Event::Child,
                    SIGINT => Event::Stop("SIGINT"),
                    SIGTERM => Event::Stop("SIGTERM"),
                    _ => Event::Stop("SIGHUP"),
                };
                if to.send(event).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            events,
            sender,
            logs: logs.to_owned(),
            running: Vec::new(),
            ready: HashMap::new(),
        })
    }

    /// A sender for the lines someone types.
    pub(super) fn sender(&self) -> Sender<Event> {
        self.sender.clone()
    }

    /// Starts a program in a process group of its own, so that Ctrl-C reaches this one alone and
    /// the end comes in order.
    pub(super) fn start(
        &mut self,
        name: &str,
        program: &Path,
        arguments: &[OsString],
    ) -> anyhow::Result<()> {
        let path = self.logs.join(format!("{name}.log"));
        let log = File::options().create(true).append(true).open(&path);
        let log = log.with_context(|| format!("cannot write {}", path.display()))?;
        let mut child = held(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let (to, name) = (self.sender.clone(), name.to_owned());
        self.ready.remove(&name);
        self.running.push(Process {
            name: name.clone(),
            child,
            log: path,
        });
        std::thread::spawn(move || read_output(stdout, log, &to, name));
        Ok(())
    }

    /// Waits for the line of JSON a program prints when it is ready.
    pub(super) fn ready(&mut self, name: &str) -> anyhow::Result<Value> {
        let deadline = step::now() + READY;
        loop {
            if let Some(line) = self.ready.remove(name) {
                let line = line.with_context(|| self.told(name, "ended before it was ready"))?;
                return serde_json::from_str(&line)
                    .with_context(|| self.told(name, &format!("said {line:?} instead of JSON")));
            }
            let left = deadline.saturating_duration_since(step::now());
            match self.next(left)? {
                Some(Event::Ready(name, line)) => drop(self.ready.insert(name, line)),
                Some(_) => {}
                None => bail!(self.told(name, "is not ready after 60 s")),
            }
        }
    }

    /// Asks again and again until there is an answer; `Err` of the question is told when time is up.
    pub(super) fn until<T>(
        &mut self,
        what: &str,
        mut ask: impl FnMut() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let deadline = step::now() + READY;
        loop {
            let last = match ask() {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if step::now() >= deadline {
                return Err(last.context(format!("waited 60 s until {what}")));
            }
            // A condition at another process is asked for, as nothing wakes us for it.
            if let Some(Event::Ready(name, line)) = self.next(Duration::from_millis(50))? {
                self.ready.insert(name, line);
            }
        }
    }

    /// The next event; `None` when `patience` ran out. A program that ended unasked, or a wish to
    /// stop, is an error.
    pub(super) fn next(&mut self, patience: Duration) -> anyhow::Result<Option<Event>> {
        let event = match self.events.recv_timeout(patience) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the signal thread ended"),
        };
        match event {
            Event::Stop(signal) => return Err(Interrupted(signal).into()),
            Event::Child => {
                for index in 0..self.running.len() {
                    if let Some(status) = self.running[index].child.try_wait()? {
                        let process = self.running.remove(index);
                        bail!(ended(&process, status));
                    }
                }
            }
            Event::Ready(..) | Event::Typed(_) => {}
        }
        Ok(Some(event))
    }

    /// Whether a program of this name runs.
    pub(super) fn runs(&self, name: &str) -> bool {
        self.running.iter().any(|process| process.name == name)
    }

    /// Process ids by name.
    pub(super) fn pids(&self) -> HashMap<String, u32> {
        let pairs = self.running.iter().map(|p| (p.name.clone(), p.child.id()));
        pairs.collect()
    }

    /// Ends one program.
    pub(super) fn stop(&mut self, name: &str) -> anyhow::Result<()> {
        let Some(index) = self.running.iter().position(|p| p.name == name) else {
            return Ok(());
        };
        let process = self.running.remove(index);
        end(process)
    }

    /// Ends everything, last started first.
    pub(super) fn stop_all(&mut self) -> anyhow::Result<()> {
        let mut first_error = Ok(());
        while let Some(process) = self.running.pop() {
            let result = end(process);
            first_error = first_error.and(result);
        }
        first_error
    }

    fn told(&self, name: &str, what: &str) -> String {
        let log = self.logs.join(format!("{name}.log"));
        format!(
            "{name} {what}; the end of {}:\n{}",
            log.display(),
            tail(&log)
        )
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        if let Err(error) = self.stop_all() {
            eprintln!("{error:#}");
        }
    }
}

/// Hands on the first line; the rest goes to the log.
fn read_output(stdout: ChildStdout, mut log: File, to: &Sender<Event>, name: String) {
    let mut lines = BufReader::new(stdout).lines();
    let first = lines.next().and_then(Result::ok);
    if to.send(Event::Ready(name, first)).is_err() {
        return;
    }
    for line in lines.map_while(Result::ok) {
        if writeln!(log, "{line}").is_err() {
            return;
        }
    }
}

fn ended(process: &Process, status: ExitStatus) -> String {
    let (name, log) = (&process.name, process.log.display());
    format!(
        "{name} ended by itself ({status}); the end of {log}:\n{}",
        tail(&process.log)
    )
}

/// SIGTERM, time to end, SIGKILL.
fn end(mut process: Process) -> anyhow::Result<()> {
    let pid = i32::try_from(process.child.id())
        .ok()
        .and_then(Pid::from_raw);
    let pid = pid.context("a child has no process id")?;
    if process.child.try_wait()?.is_some() {
        return Ok(());
    }
    kill_process(pid, Signal::TERM).with_context(|| format!("cannot end {}", process.name))?;
    let deadline = step::now() + GRACE;
    while step::now() < deadline {
        if let Some(status) = process.child.try_wait()? {
            // One that was only starting has no handler for the signal yet.
            if status.success() || status.signal() == Some(SIGTERM) {
                return Ok(());
            }
            bail!(ended(&process, status));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    process.child.kill()?;
    process.child.wait()?;
    bail!("{} did not end within 20 s and was killed", process.name)
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
