//! `netsim`: a bad UDP line on loopback, for tests by hand. See `tests::netsim`.

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use std::io::BufRead as _;
use std::net::SocketAddr;
use tests::netsim::{Direction, NetSim, Options, Shape};

/// Forwards UDP as a bad line would. Lines on standard input change it while it runs:
/// `up loss=2%`, `down rate=2mbit`, `both delay=300ms`, `cut`, `heal`, `stats`.
#[derive(Parser)]
struct Arguments {
    /// Where to take packets; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where they go.
    #[arg(long)]
    to: SocketAddr,
    /// One-way delay in ms.
    #[arg(long)]
    delay: Option<f64>,
    /// Up to this many ms more.
    #[arg(long)]
    jitter: Option<f64>,
    /// Such as 20mbit.
    #[arg(long)]
    rate: Option<String>,
    /// Such as 100ms or 64kb.
    #[arg(long)]
    queue: Option<String>,
    /// Such as 0.1%.
    #[arg(long)]
    loss: Option<String>,
    /// All settings of both directions in words, as in "delay=20ms rate=20mbit burst=0.2%/20%".
    #[arg(long, default_value = "")]
    line: String,
    /// What differs on the way to the target, in words.
    #[arg(long, default_value = "")]
    up: String,
    /// What differs on the way back, in words.
    #[arg(long, default_value = "")]
    down: String,
    /// Of all chances.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Arguments {
    fn both(&self) -> Result<Shape> {
        let mut words = self.line.clone();
        for (key, ms) in [("delay", self.delay), ("jitter", self.jitter)] {
            words += &ms.map_or(String::new(), |ms| format!(" {key}={ms}ms"));
        }
        let named = [
            ("rate", &self.rate),
            ("queue", &self.queue),
            ("loss", &self.loss),
        ];
        for (key, value) in named {
            words += &value
                .as_ref()
                .map_or(String::new(), |value| format!(" {key}={value}"));
        }
        Ok(words.parse()?)
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let both = arguments.both()?;
    let sim = NetSim::start(Options {
        listen: arguments.listen,
        to: arguments.to,
        up: both.with(&arguments.up)?,
        down: both.with(&arguments.down)?,
        seed: arguments.seed,
    })
    .context("cannot start the line")?;
    println!("{} -> {}", sim.address(), arguments.to);
    for line in std::io::stdin().lock().lines() {
        if let Err(error) = obey(&sim, &line?) {
            eprintln!("{error:#}");
        }
    }
    // Without standard input it runs until it is killed.
    loop {
        std::thread::park();
    }
}

fn obey(sim: &NetSim, line: &str) -> Result<()> {
    let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    match word {
        "" => {}
        "cut" => sim.cut(true),
        "heal" => sim.cut(false),
        "up" => set(sim, Direction::Up, rest)?,
        "down" => set(sim, Direction::Down, rest)?,
        "both" => {
            set(sim, Direction::Up, rest)?;
            set(sim, Direction::Down, rest)?;
        }
        "stats" => {
            for direction in [Direction::Up, Direction::Down] {
                println!("{direction:?} {}", sim.shape(direction));
                println!("{direction:?} {:?}", sim.stats(direction));
            }
        }
        _ => bail!("expected up, down, both, cut, heal or stats, not {word:?}"),
    }
    Ok(())
}

fn set(sim: &NetSim, direction: Direction, words: &str) -> Result<()> {
    sim.set(direction, sim.shape(direction).with(words)?);
    Ok(())
}
