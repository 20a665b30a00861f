//! The common phase every kind derives for lists: 待办 / 在办 / 待确认 / 办结.

use records::read::Record;

/// The common phase (screens.md, *States*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// 待办.
    Todo,
    /// 在办.
    Doing,
    /// 待确认.
    Confirm,
    /// 办结.
    Done,
}

impl Phase {
    /// The word used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Todo => "todo",
            Phase::Doing => "doing",
            Phase::Confirm => "confirm",
            Phase::Done => "done",
        }
    }

    /// The phase of a record of `kind` in `state`; `open` as the record's outline says.
    #[must_use]
    pub fn of(kind: &str, state: Option<&str>, open: bool) -> Self {
        match (kind, state) {
            ("incident", Some("received")) => Phase::Todo,
            ("incident", Some("verifying" | "assessing" | "handling")) => Phase::Doing,
            ("incident", Some("handled" | "final_report")) => Phase::Confirm,
            ("consultation", Some("open")) => Phase::Doing,
            ("log_item", _) if open => Phase::Todo,
            _ => Phase::Done,
        }
    }

    /// The phase of a record.
    #[must_use]
    pub fn of_record(record: &Record) -> Self {
        let state = record.get("state").and_then(records::field::Value::as_text);
        let finished = record.get("finished") == Some(&records::field::Value::Bool(true));
        Self::of(record.table.kind, state, !finished)
    }
}
