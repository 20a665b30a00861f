//! What a line does to packets, and how that is written.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How one direction of a line treats packets. The default is a line without fault or limit.
///
/// Written as words: `delay=20ms jitter=2ms rate=20mbit queue=100ms loss=0.1%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// `delay=20ms`: time on the way, behind the queue.
    pub delay: Duration,
    /// `jitter=2ms`: up to this much more, drawn for each packet; the order is kept.
    pub jitter: Duration,
    /// `rate=20mbit`: bits per second, IP and UDP headers counted; without it, no limit.
    pub rate: Option<u64>,
    /// `queue=100ms` or `queue=64kb`: what waits for the rate; a packet beyond it is dropped.
    pub queue: Queue,
    /// `loss=0.1%`: share of packets lost, each by itself.
    pub loss: f64,
    /// `burst=0.2%/20%/100%`: losses that come together.
    pub burst: Option<Burst>,
    /// `reorder=1%/10ms`: share of packets held back, and by how much.
    pub reorder: Option<Reorder>,
    /// `duplicate=0.1%`: share of packets that arrive twice.
    pub duplicate: f64,
    /// `cut`: nothing gets in any more; what is on its way arrives. `heal` ends it.
    pub cut: bool,
}

/// Room for packets that wait for the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// As long as it takes to send them.
    Time(Duration),
    /// As many bytes.
    Bytes(u64),
}

/// Losses that come together, after Gilbert and Elliott: the line is good or bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// Chance per packet that a good line turns bad.
    pub enter: f64,
    /// Chance per packet that a bad line turns good; the mean burst is its inverse.
    pub leave: f64,
    /// Share of packets lost while it is bad.
    pub loss: f64,
}

/// Packets that arrive after later ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reorder {
    /// Share of packets.
    pub share: f64,
    /// How much later they arrive.
    pub by: Duration,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            rate: None,
            queue: Queue::Time(Duration::from_millis(100)),
            loss: 0.0,
            burst: None,
            reorder: None,
            duplicate: 0.0,
            cut: false,
        }
    }
}

/// Why words are no [`Shape`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not understood: {expected}")]
pub struct ShapeError {
    word: String,
    expected: &'static str,
}

impl Shape {
    /// A leased line: one-way delay, rate both ways, and a queue of 100 ms.
    #[must_use]
    pub fn leased(delay: Duration, mbit: u64) -> Self {
        Self {
            delay,
            rate: Some(mbit * 1_000_000),
            ..Self::default()
        }
    }

    /// This shape with `words` changed.
    ///
    /// # Errors
    /// The first word that is not understood.
    pub fn with(mut self, words: &str) -> Result<Self, ShapeError> {
        for word in words.split_whitespace() {
            self.take(word).map_err(|expected| ShapeError {
                word: word.to_owned(),
                expected,
            })?;
        }
        Ok(self)
    }

    fn take(&mut self, word: &str) -> Result<(), &'static str> {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "delay" => self.delay = duration(value)?,
            "jitter" => self.jitter = duration(value)?,
            "rate" if value == "none" => self.rate = None,
            "rate" => self.rate = Some(rate(value)?),
            "queue" => self.queue = queue(value)?,
            "loss" => self.loss = share(value)?,
            "burst" if value == "none" => self.burst = None,
            "burst" => self.burst = Some(burst(value)?),
            "reorder" if value == "none" => self.reorder = None,
            "reorder" => self.reorder = Some(reorder(value)?),
            "duplicate" => self.duplicate = share(value)?,
            "cut" if value.is_empty() => self.cut = true,
            "heal" if value.is_empty() => self.cut = false,
            _ => {
                return Err("expected delay=, jitter=, rate=, queue=, loss=, burst=, \
                            reorder=, duplicate=, cut or heal");
            }
        }
        Ok(())
    }
}

impl FromStr for Shape {
    type Err = ShapeError;

    fn from_str(words: &str) -> Result<Self, ShapeError> {
        Self::default().with(words)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "delay={:?} jitter={:?}", self.delay, self.jitter)?;
        if let Some(rate) = self.rate {
            write!(f, " rate={}kbit", rate / 1000)?;
        }
        match self.queue {
            Queue::Time(time) => write!(f, " queue={time:?}")?,
            Queue::Bytes(bytes) => write!(f, " queue={bytes}b")?,
        }
        write!(f, " loss={}%", self.loss * 100.0)?;
        if let Some(burst) = self.burst {
            let [enter, leave, loss] = [burst.enter, burst.leave, burst.loss].map(|x| x * 100.0);
            write!(f, " burst={enter}%/{leave}%/{loss}%")?;
        }
        if let Some(reorder) = self.reorder {
            write!(f, " reorder={}%/{:?}", reorder.share * 100.0, reorder.by)?;
        }
        write!(f, " duplicate={}%", self.duplicate * 100.0)?;
        f.write_str(if self.cut { " cut" } else { "" })
    }
}

/// A number and its unit, which starts at the first letter or `%`.
fn number(value: &str) -> Option<(f64, &str)> {
    let at = value.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = value.split_at(at);
    let number: f64 = number.parse().ok()?;
    number.is_finite().then_some((number, unit))
}

fn duration(value: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "expected a time such as 20ms, 1.5s or 300us";
    let (number, unit) = number(value).ok_or(EXPECTED)?;
    let seconds = match unit {
        "us" | "µs" => number / 1e6,
        "ms" => number / 1e3,
        "s" => number,
        "ns" => number / 1e9,
        _ => return Err(EXPECTED),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| EXPECTED)
}

fn rate(value: &str) -> Result<u64, &'static str> {
    const EXPECTED: &str = "expected a rate such as 20mbit, 512kbit or none";
    let (number, unit) = number(value).ok_or(EXPECTED)?;
    let bits = match unit {
        "kbit" => number * 1e3,
        "mbit" => number * 1e6,
        "gbit" => number * 1e9,
        _ => return Err(EXPECTED),
    };
    if (1e3..=1e11).contains(&bits) {
        Ok(bits as u64)
    } else {
        Err(EXPECTED)
    }
}

fn queue(value: &str) -> Result<Queue, &'static str> {
    let (number, unit) = number(value).ok_or("expected a queue such as 100ms or 64kb")?;
    match unit {
        "b" => Ok(Queue::Bytes(number as u64)),
        "kb" => Ok(Queue::Bytes((number * 1e3) as u64)),
        "mb" => Ok(Queue::Bytes((number * 1e6) as u64)),
        _ => duration(value).map(Queue::Time),
    }
}

fn share(value: &str) -> Result<f64, &'static str> {
    const EXPECTED: &str = "expected a share such as 0.1%";
    match number(value).ok_or(EXPECTED)? {
        (number, "%") if number <= 100.0 => Ok(number / 100.0),
        _ => Err(EXPECTED),
    }
}

fn burst(value: &str) -> Result<Burst, &'static str> {
    let mut parts = value.split('/');
    let mut next = |default: Option<&'static str>| {
        let part = parts.next().or(default);
        share(part.ok_or("expected enter/leave or enter/leave/loss, as in 0.2%/20%/100%")?)
    };
    Ok(Burst {
        enter: next(None)?,
        leave: next(None)?,
        loss: next(Some("100%"))?,
    })
}

fn reorder(value: &str) -> Result<Reorder, &'static str> {
    let (part, by) = value.split_once('/').unwrap_or((value, "10ms"));
    Ok(Reorder {
        share: share(part)?,
        by: duration(by)?,
    })
}
