//! What no text or time of a duty record may be.

use crate::refusal::{Fault, Refusal};
use records::field::{Value, Values};

/// How far a typed time may lie ahead: desk clocks differ.
pub(crate) const FUTURE_ALLOWANCE_MS: i64 = 5 * 60_000;

/// Secrecy markings as GB/T 9704-2012 clause 7.2.2 prints them: grade, then a star.
const MARKINGS: [&str; 3] = ["绝密★", "机密★", "秘密★"];

/// Faults of texts with a state-secret marking and of times after `now`.
pub(crate) fn check(values: &Values, now_ms: i64) -> Result<(), Refusal> {
    let faults: Vec<_> = values
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), fault(name, value, now_ms)?)))
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Invalid(faults))
    }
}

fn fault(name: &str, value: &Value, now_ms: i64) -> Option<Fault> {
    match value {
        Value::Text(text) if is_marked(text) => Some(Fault::StateSecretMarking),
        Value::Int(at) if is_time(name) && *at > now_ms + FUTURE_ALLOWANCE_MS => {
            Some(Fault::InFuture)
        }
        _ => None,
    }
}

fn is_time(name: &str) -> bool {
    name == "at" || name.ends_with("_at")
}

fn is_marked(text: &str) -> bool {
    let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    MARKINGS.iter().any(|marking| dense.contains(marking))
}

/// The whole minute `ms` lies in.
pub(crate) fn minute(ms: i64) -> i64 {
    ms - ms.rem_euclid(60_000)
}
