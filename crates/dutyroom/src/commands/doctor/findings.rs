//! What the doctor finds, in words. Pure but for the modes of files.

use serde_json::{Value, json};
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use store::OpenError;
use store::inspect::Inspected;
use sync::identity::{CertificateFault, Identity, IdentityError};

/// Attachments are refused below this, bytes: the default of `[blobs] min_free`.
const LITTLE_ROOM: u64 = 1_000_000_000;
/// A duty room's journal fills this in some days, bytes.
const NO_ROOM: u64 = 100_000_000;
/// A clock may be set back by so much without a word, ms.
const CLOCK_SLACK_MS: i64 = 60_000;

/// How a finding is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// As it should be.
    Well,
    /// Works, and is worth knowing.
    Note,
    /// Has to be put right.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Stable name of what was looked at.
    pub(super) about: &'static str,
    pub(super) state: State,
    /// What was seen.
    pub(super) words: String,
    /// What to do about it.
    pub(super) to_do: Option<String>,
}

impl Finding {
    fn well(about: &'static str, words: impl Into<String>) -> Self {
        let (state, words) = (State::Well, words.into());
        Self {
            about,
            state,
            words,
            to_do: None,
        }
    }

    fn note(about: &'static str, words: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self {
            state: State::Note,
            to_do: Some(to_do.into()),
            ..Self::well(about, words)
        }
    }

    fn bad(about: &'static str, words: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self {
            state: State::Bad,
            ..Self::note(about, words, to_do)
        }
    }

    /// As `--json` prints it.
    pub(super) fn json(&self) -> Value {
        let state = match self.state {
            State::Well => "well",
            State::Note => "note",
            State::Bad => "bad",
        };
        json!({"about": self.about, "state": state, "words": self.words, "to_do": self.to_do})
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.state {
            State::Well => "  ",
            State::Note => "- ",
            State::Bad => "! ",
        };
        write!(f, "{mark}{}: {}", self.about, self.words)?;
        match &self.to_do {
            Some(to_do) => write!(f, "\n    {to_do}"),
            None => Ok(()),
        }
    }
}

/// Whose files these are, and what the site signs and links with.
pub(super) fn of_keys(
    data: &Path,
    identity: Result<Identity, IdentityError>,
    now_ms: i64,
) -> Vec<Finding> {
    let mut found = vec![directory(data)];
    match identity {
        Ok(identity) => {
            let site = format!("{} ({})", identity.name, identity.site());
            found.push(Finding::well("keys", format!("those of {site}")));
            found.push(certificate(identity.check_certificate(now_ms)));
        }
        Err(error) => {
            let to_do = match &error {
                IdentityError::Missing(_) => {
                    "is this the right directory? `dutyroom init` or `dutyroom join` makes one"
                }
                IdentityError::Permissions(_) => "chmod 600 that file",
                _ => {
                    "put the folder `identity` of a backup back, or restore the backup; without \
                     one the hub has to enrol this site again"
                }
            };
            found.push(Finding::bad("keys", error.to_string(), to_do));
        }
    }
    found
}

fn directory(data: &Path) -> Finding {
    let about = "directory";
    let path = data.display();
    match std::fs::metadata(data) {
        Err(error) => Finding::bad(about, format!("{path}: {error}"), "give its right path"),
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => Finding::bad(
            about,
            format!("{path} is open to other users of this machine"),
            format!("chmod 700 {path}"),
        ),
        Ok(_) => Finding::well(about, format!("{path}, for its owner alone")),
    }
}

fn certificate(checked: Result<(), CertificateFault>) -> Finding {
    let about = "certificate";
    match checked {
        Ok(()) => Finding::well(about, "other sites will take it"),
        Err(fault @ (CertificateFault::Early | CertificateFault::Expired)) => Finding::bad(
            about,
            fault.to_string(),
            "set this machine's clock: these certificates hold from 2000 to 2100",
        ),
        Err(fault @ CertificateFault::Foreign) => Finding::bad(
            about,
            fault.to_string(),
            "put the folder `identity` of a backup back; without one the hub has to enrol this \
             site again",
        ),
    }
}

/// What the store holds.
pub(super) fn of_store(inspected: Result<Inspected, OpenError>, now_ms: i64) -> Vec<Finding> {
    let inspected = match inspected {
        Ok(inspected) => inspected,
        Err(error) => return vec![closed(&error)],
    };
    let mut found = vec![room(inspected.free), database(&inspected)];
    if inspected.damage.is_empty() {
        found.push(clock(inspected.written_ms, now_ms));
        found.push(ends(&inspected));
        found.push(missing(&inspected));
        found.push(attachments(&inspected));
        found.extend(undecided(&inspected));
    }
    found
}

/// What keeps the store from being looked at.
fn closed(error: &OpenError) -> Finding {
    let to_do = match error {
        OpenError::Held => "stop the site first: systemctl stop dutyroom",
        OpenError::NewerSchema { .. } => "install the program's newer version again",
        OpenError::Missing => "is this the right directory?",
        OpenError::ReadOnly => {
            "give the directory to the user the site runs as, on a disk that \
             can be written"
        }
        OpenError::Full => "make room on the disk",
        OpenError::Foreign => "put the site's own database back, from a backup",
        OpenError::Damaged | OpenError::Journal(_) => DAMAGED,
        OpenError::Io(_) | OpenError::Database(_) => "see what the system says of this disk",
    };
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    Finding::bad("database", words, to_do)
}

const DAMAGED: &str = "copy the directory away as it is, see to the disk, then restore the newest \
     backup: the site fetches its own later bundles back from the others";

fn database(inspected: &Inspected) -> Finding {
    let (about, schema) = ("database", inspected.schema);
    match inspected.damage.first() {
        None => Finding::well(about, format!("pages and indexes agree, schema {schema}")),
        Some(first) => {
            let count = inspected.damage.len();
            Finding::bad(about, format!("{count} complaint(s): {first}"), DAMAGED)
        }
    }
}

fn room(free: u64) -> Finding {
    let (about, words) = ("disk", format!("{} MB free", free / 1_000_000));
    if free < NO_ROOM {
        return Finding::bad(about, words, "make room: soon nothing can be written");
    }
    match free < LITTLE_ROOM {
        true => Finding::note(about, words, "make room: attachments are refused"),
        false => Finding::well(about, words),
    }
}

fn clock(written_ms: Option<i64>, now_ms: i64) -> Finding {
    let about = "clock";
    let behind_ms = written_ms.map_or(0, |written| written.saturating_sub(now_ms));
    if behind_ms > CLOCK_SLACK_MS {
        let words = format!(
            "this machine's clock is {} s behind what this site has written",
            behind_ms / 1_000
        );
        return Finding::bad(about, words, "set the clock, and let NTP keep it");
    }
    Finding::well(about, "not behind what this site has written")
}

fn ends(inspected: &Inspected) -> Finding {
    let about = "journals";
    let (journals, bundles) = (inspected.journals, inspected.bundles);
    match inspected.unsound.first() {
        Some(head) => Finding::bad(
            about,
            format!(
                "{} damaged bundle(s) near the ends, the first of site {}, number {}",
                inspected.unsound.len(),
                head.journal.site,
                head.seq
            ),
            "`dutyroom verify` tells more; start the site linked with others and compare on its \
             status page: they mend it",
        ),
        None => Finding::well(
            about,
            format!(
                "{journals} with {bundles} bundles; the newest {} are sound, `dutyroom verify` \
                 proves them all",
                inspected.checked
            ),
        ),
    }
}

fn missing(inspected: &Inspected) -> Finding {
    match inspected.missing {
        0 => Finding::well("gaps", "no bundle is missing"),
        count => Finding::bad(
            "gaps",
            format!("{count} bundle(s) are lost or damaged"),
            "start the site linked with others and compare on its status page: they put them back",
        ),
    }
}

fn attachments(inspected: &Inspected) -> Finding {
    let about = "attachments";
    match inspected.lost_blobs.len() {
        0 => Finding::well(about, format!("{} whole", inspected.blobs)),
        lost => Finding::bad(
            about,
            format!("{lost} of {} have lost their file", inspected.blobs),
            "start the site linked with others: opening one fetches it again; or put the folder \
             `blobs` of a backup back",
        ),
    }
}

/// What waits for somebody or something; nothing is wrong with this directory.
fn undecided(inspected: &Inspected) -> Vec<Finding> {
    let mut found = Vec::new();
    if inspected.forked > 0 {
        let words = format!("{} journal(s) were continued twice", inspected.forked);
        let to_do = "look at the status page, then `dutyroom close` at the hub";
        found.push(Finding::note("forks", words, to_do));
    }
    if inspected.held > 0 {
        let words = format!("{} bundle(s) are not understood", inspected.held);
        let to_do = "another site runs a newer version: install it here too";
        found.push(Finding::note("quarantine", words, to_do));
    }
    if inspected.waiting > 0 {
        let words = format!("{} bundle(s) wait for earlier ones", inspected.waiting);
        let to_do = "they count once those have come, over a link or a carried file";
        found.push(Finding::note("waiting", words, to_do));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::id::Hash;

    const NOW: i64 = 1_790_000_000_000;

    fn well() -> Inspected {
        Inspected {
            schema: 1,
            free: 5_000_000_000,
            written_ms: Some(NOW),
            ..Inspected::default()
        }
    }

    fn bad(inspected: Inspected) -> Vec<&'static str> {
        let found = of_store(Ok(inspected), NOW).into_iter();
        let bad = found.filter(|finding| finding.state == State::Bad);
        bad.map(|finding| finding.about).collect()
    }

    #[test]
    fn a_directory_that_is_well_has_no_bad_findings() {
        assert_eq!(bad(well()), Vec::<&str>::new());
    }

    #[test]
    fn each_thing_that_is_wrong_is_found() {
        let hash = Hash([1; 32]);
        let wrong = Inspected {
            free: 1_000,
            written_ms: Some(NOW + 3_600_000),
            missing: 2,
            blobs: 1,
            lost_blobs: vec![hash],
            ..well()
        };
        assert_eq!(bad(wrong), ["disk", "clock", "gaps", "attachments"]);
        let damaged = Inspected {
            damage: vec!["row 3 missing from index".to_owned()],
            ..well()
        };
        assert_eq!(bad(damaged), ["database"]);
    }

    #[test]
    fn what_waits_for_somebody_is_only_noted() {
        let noted = Inspected {
            free: 500_000_000,
            waiting: 1,
            held: 1,
            forked: 1,
            ..well()
        };
        let found = of_store(Ok(noted.clone()), NOW).into_iter();
        let notes = found.filter(|finding| finding.state == State::Note).count();
        assert_eq!((notes, bad(noted)), (4, Vec::new()));
    }

    #[test]
    fn every_bad_finding_says_what_to_do() {
        let errors = [OpenError::Held, OpenError::Missing, OpenError::Damaged];
        for error in errors {
            let found = of_store(Err(error), NOW);
            assert!(found.iter().all(|finding| finding.to_do.is_some()));
        }
    }
}
