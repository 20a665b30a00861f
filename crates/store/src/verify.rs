//! Proving a data directory from its bytes alone, offline or beside a running site.

use crate::admit::founding_key;
use crate::error::{OpenError, StoreError};
use crate::institution;
use crate::meta::{head_of, int};
use crate::open::connect_read_only;
use records::bundle::{Bundle, Head, Header};
use records::id::{Hash, InstitutionId, JournalId};
use records::payload::{self, Section};
use records::trust::Trust;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use std::path::Path;

/// What is wrong with a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadReason {
    /// The header bytes are no header of this version.
    Header,
    /// The header names another place, journal or institution than where it is stored.
    Misplaced,
    /// No enrolled key may sign this journal.
    UnknownSigner,
    /// The signature does not hold.
    Signature,
    /// A bundle before it is missing, or it names another predecessor.
    Chain,
    /// The payload is not the one the header names.
    Payload,
    /// It depends on a bundle other than the one stored at that place.
    Contradiction,
}

impl BadReason {
    /// Stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            BadReason::Header => "header",
            BadReason::Misplaced => "misplaced",
            BadReason::UnknownSigner => "unknown_signer",
            BadReason::Signature => "signature",
            BadReason::Chain => "chain",
            BadReason::Payload => "payload",
            BadReason::Contradiction => "contradiction",
        }
    }
}

/// The first bundle that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadBundle {
    /// Its journal.
    pub journal: JournalId,
    /// Code of the journal's site; "institution" for the institution journal.
    pub code: String,
    /// Its place.
    pub seq: u64,
    /// What is wrong.
    pub reason: BadReason,
}

impl std::fmt::Display for BadBundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (code, incarnation) = (&self.code, self.journal.incarnation);
        write!(f, "{code} incarnation {incarnation} seq {}", self.seq)
    }
}

/// What was verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Bundles that hold.
    pub bundles: u64,
    /// Journals looked at.
    pub journals: u64,
    /// The last bundle that holds of each journal. Two sites with equal heads hold equal bytes.
    pub heads: Vec<Head>,
    /// The first bundle that does not hold; nothing after it was looked at.
    pub first_bad: Option<BadBundle>,
}

/// Why a directory could not be verified to an end.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The directory cannot be opened.
    #[error("the data directory cannot be opened")]
    Open(#[from] OpenError),
    /// The database cannot be read.
    #[error("the database cannot be read")]
    Store(#[from] StoreError),
}

/// How many bundles are in memory at once.
const PAGE: i64 = 256;

/// Verifies every stored bundle: signature, chain, payload, dependencies. Reads one consistent
/// state of a live directory and writes nothing. `progress` is told the count now and then.
///
/// # Errors
/// [`VerifyError`] when reading fails; what is wrong with a bundle is in the report.
pub async fn verify(dir: &Path, mut progress: impl FnMut(u64)) -> Result<Report, VerifyError> {
    let (mut conn, _) = connect_read_only(dir).await?;
    sqlx::raw_sql("begin").execute(&mut conn).await?;
    let mut check = Check {
        institution: None,
        trust: None,
        report: Report::default(),
    };
    let first_bad = check.run(&mut conn, &mut progress).await?;
    check.report.first_bad = first_bad;
    Ok(check.report)
}

impl From<sqlx::Error> for VerifyError {
    fn from(error: sqlx::Error) -> Self {
        VerifyError::Store(error.into())
    }
}

struct Check {
    institution: Option<InstitutionId>,
    /// The institution journal as far as it holds; it comes first, its site id being zero.
    trust: Option<Trust>,
    report: Report,
}

/// A stored bundle with the place its row gives it.
struct Row {
    head: Head,
    bundle: Result<Bundle, BadReason>,
}

impl Check {
    async fn run(
        &mut self,
        conn: &mut SqliteConnection,
        progress: &mut impl FnMut(u64),
    ) -> Result<Option<BadBundle>, VerifyError> {
        let mut last: Option<Head> = None;
        loop {
            let rows = page(conn, last.as_ref()).await?;
            if rows.is_empty() {
                return Ok(None);
            }
            for row in rows {
                let previous = last.filter(|last| last.journal == row.head.journal);
                if previous.is_none() {
                    self.report.journals += 1;
                }
                if let Err(reason) = self.bundle(conn, &row, previous.as_ref()).await? {
                    return Ok(Some(self.bad(&row, previous.as_ref(), reason)));
                }
                if previous.is_some() {
                    self.report.heads.pop();
                }
                self.report.heads.push(row.head);
                last = Some(row.head);
                self.report.bundles += 1;
            }
            progress(self.report.bundles);
        }
    }

    /// A missing bundle is named by its own place, not by the one that follows the gap.
    fn bad(&self, row: &Row, previous: Option<&Head>, reason: BadReason) -> BadBundle {
        let journal = row.head.journal;
        let expected = previous.map_or(0, |head| head.seq) + 1;
        let code = match journal == JournalId::INSTITUTION {
            true => "institution".to_owned(),
            false => self
                .trust
                .as_ref()
                .and_then(|trust| trust.enrolment(journal.site))
                .map_or_else(|| journal.site.to_string(), |known| known.code.clone()),
        };
        BadBundle {
            journal,
            code,
            seq: row.head.seq.min(expected),
            reason,
        }
    }

    async fn bundle(
        &mut self,
        conn: &mut SqliteConnection,
        row: &Row,
        previous: Option<&Head>,
    ) -> Result<Result<(), BadReason>, VerifyError> {
        let bundle = match &row.bundle {
            Ok(bundle) => bundle,
            Err(reason) => return Ok(Err(*reason)),
        };
        let (header, sections) = match self.bytes(row, bundle, previous) {
            Ok(parts) => parts,
            Err(reason) => return Ok(Err(reason)),
        };
        for dep in &header.deps {
            if contradicts(conn, dep).await? {
                return Ok(Err(BadReason::Contradiction));
            }
        }
        if header.journal() == JournalId::INSTITUTION {
            let trust = self.trust.take();
            let trust = trust.unwrap_or_else(|| Trust::new(header.institution));
            // What does not apply is in quarantine and proves nothing either way.
            let next = institution::apply(&trust, &header, &sections);
            self.trust = Some(next.unwrap_or(trust));
        }
        Ok(Ok(()))
    }

    /// Everything that the bundle's own bytes and its predecessor tell.
    fn bytes(
        &mut self,
        row: &Row,
        bundle: &Bundle,
        previous: Option<&Head>,
    ) -> Result<(Header, Vec<Section>), BadReason> {
        let header = bundle.decode_header().map_err(|_| BadReason::Header)?;
        let institution = *self.institution.get_or_insert(header.institution);
        let place = (header.journal(), header.seq, header.institution);
        if place != (row.head.journal, row.head.seq, institution) {
            return Err(BadReason::Misplaced);
        }
        let sections = payload::decode(&bundle.payload).map_err(|_| BadReason::Payload);
        let key = match (&self.trust, &sections) {
            (Some(trust), _) if trust.root_key().is_some() => trust.sign_key(header.journal()),
            (_, Ok(sections)) => founding_key(&header, sections),
            _ => None,
        };
        let signed = key.ok_or(BadReason::UnknownSigner)?;
        if bundle.hash() != row.head.hash || !bundle.signed_by(&signed) {
            return Err(BadReason::Signature);
        }
        let expected = previous.map_or((1, Hash::default()), |head| (head.seq + 1, head.hash));
        if (header.seq, header.prev) != expected {
            return Err(BadReason::Chain);
        }
        let sections = sections?;
        match payload::is_whole(&header, &sections, &bundle.payload) {
            true => Ok((header, sections)),
            false => Err(BadReason::Payload),
        }
    }
}

async fn page(conn: &mut SqliteConnection, after: Option<&Head>) -> Result<Vec<Row>, VerifyError> {
    let (site, incarnation, seq) = match after {
        Some(head) => (
            head.journal.site.0.to_vec(),
            i64::from(head.journal.incarnation),
            int(head.seq),
        ),
        None => (Vec::new(), -1, 0),
    };
    let rows = sqlx::query(
        "select site, incarnation, seq, hash, header, payload, signature from bundle
         where (site, incarnation, seq) > ($1, $2, $3)
         order by site, incarnation, seq limit $4",
    )
    .bind(site)
    .bind(incarnation)
    .bind(seq)
    .bind(PAGE)
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| stored(row).map_err(Into::into))
        .collect()
}

fn stored(row: &SqliteRow) -> Result<Row, StoreError> {
    let signature: Vec<u8> = row.try_get("signature")?;
    let bundle = Bundle {
        header: row.try_get("header")?,
        payload: row.try_get("payload")?,
        signature: [0; 64],
    };
    let bundle = match signature.try_into() {
        Ok(signature) => Ok(Bundle {
            signature,
            ..bundle
        }),
        Err(_) => Err(BadReason::Signature),
    };
    Ok(Row {
        head: head_of(row)?,
        bundle,
    })
}

/// Whether another bundle than the named one stands at its place.
async fn contradicts(conn: &mut SqliteConnection, dep: &Head) -> Result<bool, VerifyError> {
    let hash: Option<Vec<u8>> = sqlx::query_scalar(
        "select hash from bundle where site = $1 and incarnation = $2 and seq = $3",
    )
    .bind(dep.journal.site.0.to_vec())
    .bind(i64::from(dep.journal.incarnation))
    .bind(int(dep.seq))
    .fetch_optional(conn)
    .await?;
    Ok(hash.is_some_and(|hash| hash != dep.hash.0))
}
