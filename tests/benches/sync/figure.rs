//! One measured value beside its goal and its anchor, and what figures share.

use anyhow::Result;
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How much to measure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// Enough to see that the figure runs.
    Quick,
    /// What the goal speaks of.
    Full,
}

impl Size {
    /// `full`, or `quick` when that was asked for.
    pub(crate) fn pick<T>(self, quick: T, full: T) -> T {
        match self {
            Size::Quick => quick,
            Size::Full => full,
        }
    }
}

/// Which side of the goal is the good one.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// The value must reach it.
    AtLeast(f64),
    /// The value must not pass it.
    AtMost(f64),
}

/// A measured figure, as the design prints it.
#[derive(Serialize)]
pub(crate) struct Figure {
    figure: String,
    value: f64,
    unit: &'static str,
    goal: Option<f64>,
    met: Option<bool>,
    anchor: Option<String>,
    anchor_value: Option<f64>,
    ratio: Option<f64>,
}

impl Figure {
    pub(crate) fn new(figure: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            figure: figure.into(),
            value: rounded(value),
            unit,
            goal: None,
            met: None,
            anchor: None,
            anchor_value: None,
            ratio: None,
        }
    }

    pub(crate) fn goal(mut self, goal: Goal) -> Self {
        let (bound, met) = match goal {
            Goal::AtLeast(bound) => (bound, self.value >= bound),
            Goal::AtMost(bound) => (bound, self.value <= bound),
        };
        self.goal = Some(bound);
        self.met = Some(met);
        self
    }

    /// What was measured beside it, in the same unit.
    pub(crate) fn anchor(mut self, anchor: impl Into<String>, value: f64) -> Self {
        self.anchor = Some(anchor.into());
        self.anchor_value = Some(rounded(value));
        self.ratio = (value != 0.0).then(|| rounded(self.value / value));
        self
    }

    /// The line of `--json`.
    pub(crate) fn line(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// A row of a Markdown table.
    pub(crate) fn row(&self) -> String {
        let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| value.to_string());
        let met = match self.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "–",
        };
        format!(
            "| {} | {} {} | {} | {met} | {}: {} | {} |",
            self.figure,
            self.value,
            self.unit,
            number(self.goal),
            self.anchor.as_deref().unwrap_or("–"),
            number(self.anchor_value),
            number(self.ratio),
        )
    }
}

/// Four significant digits: no measurement here knows more.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// Now, for durations.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The value below which `share` (0–1) of the sorted durations lie, in ms.
pub(crate) fn quantile_ms(sorted: &[Duration], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index of a list that fits in memory"
    )]
    let index = (last as f64 * share).round() as usize;
    sorted
        .get(index)
        .map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
}

/// A folder on the disk the workspace lies on; the system's own may be in memory.
pub(crate) fn folder() -> Result<TempDir> {
    Ok(tempfile::tempdir_in(Path::new(env!(
        "CARGO_TARGET_TMPDIR"
    )))?)
}

/// A runtime with a worker for each core.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.enable_all().build()?)
}
