//! A local action from decision to durable bundle.

use crate::action::{Action, Committed, Reads, RecordEdit, Writer};
use crate::desk::Desk;
use crate::error::{CommitError, StoreError};
use crate::incarnation::{self, Moment};
use crate::job::{CommitFault, Decide, Job};
use crate::judge::{self, Case, Judgement, Made, Stop};
use crate::meta::head_of;
use crate::past::Past;
use crate::settle::{self, Signed};
use crate::shelf;
use crate::store::Store;
use crate::tx::Tx;
use records::bundle::{self, Bundle, Head, Header, MAX_HEADER_LEN, MAX_PAYLOAD_LEN};
use records::gate::Refusal;
use records::id::{Hash, ScopeId};
use records::journal;
use records::payload::{self, Body, Section};
use sqlx::Row as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// Heads named in one header, which is bounded; far more than an institution has journals.
const MAX_DEPS: usize = 256;

impl Store {
    /// Decides and commits one local action, serially with all others: `decide` sees the records
    /// as they are at that moment. The answer comes after the bundle is on disk. The same action
    /// id again gets the same answer and writes nothing.
    ///
    /// # Errors
    /// [`CommitError`]; nothing was written then.
    pub async fn commit<R: Send + 'static>(
        &self,
        action: Action,
        decide: impl FnOnce(&Reads) -> Result<Vec<RecordEdit>, R> + Send + 'static,
    ) -> Result<Committed, CommitError<R>> {
        let reason = Arc::new(Mutex::new(None));
        let told = reason.clone();
        let decide: Decide = Box::new(move |reads| {
            decide(reads).map_err(|no| {
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(no);
            })
        });
        let action = Box::new(action);
        let done = self.ask(|reply| Job::Commit(action, decide, reply)).await?;
        done.map_err(|fault| match fault {
            CommitFault::Invalid(faults) => CommitError::Invalid(faults),
            CommitFault::Store(error) => CommitError::Store(error),
            CommitFault::Decided => {
                let mut reason = reason.lock().unwrap_or_else(PoisonError::into_inner);
                match reason.take() {
                    Some(no) => CommitError::Decided(no),
                    None => CommitError::Store(StoreError::DecisionFailed),
                }
            }
        })
    }
}

pub(crate) async fn commit(
    tx: &mut Tx<'_>,
    action: &Action,
    decide: Decide,
) -> Result<Committed, CommitFault> {
    let writer = tx.state.writer.clone().ok_or(StoreError::NoWriter)?;
    if let Some(before) = repeated(tx, action, &writer).await? {
        return Ok(before);
    }
    let writer = match incarnation::renew(tx, Moment::of(action)).await? {
        Some(_) => tx.state.writer.clone().ok_or(StoreError::NoWriter)?,
        None => writer,
    };
    let reads = reads(tx, action).await?;
    let edits = catch_unwind(AssertUnwindSafe(|| decide(&reads)))
        .map_err(|_| StoreError::DecisionFailed)?
        .map_err(|()| CommitFault::Decided)?;
    let mut desk = Desk::new(&writer, action);
    for edit in edits {
        desk.edit(tx, edit).await?;
    }
    let records = desk.records();
    let made = desk.made();
    let head = match made.is_empty() {
        true => tx.state.head(writer.journal).copied().unwrap_or(Head {
            journal: writer.journal,
            seq: 0,
            hash: Hash::default(),
        }),
        false => sign_and_settle(tx, action, &writer, made).await?,
    };
    Ok(Committed {
        records,
        head,
        repeated: false,
    })
}

/// The first bundle that an action made at a site.
const OF_ACTION: &str = "select site, incarnation, seq, hash, payload from bundle
     where action = $1 and site = $2 order by incarnation, seq limit 1";

/// The answer this action got before, if it was committed at this site.
async fn repeated(
    tx: &mut Tx<'_>,
    action: &Action,
    writer: &Writer,
) -> Result<Option<Committed>, StoreError> {
    let site = writer.journal.site;
    if let Some(row) = tx.pile.bundle_of(action.action, site) {
        let head = Head {
            journal: row.journal,
            seq: row.seq,
            hash: row.hash,
        };
        return again(head, &row.payload).map(Some);
    }
    let row = sqlx::query(OF_ACTION)
        .bind(action.action.0.to_vec())
        .bind(site.0.to_vec())
        .fetch_optional(tx.raw())
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    again(head_of(&row)?, &row.try_get::<Vec<u8>, _>("payload")?).map(Some)
}

fn again(head: Head, payload: &[u8]) -> Result<Committed, StoreError> {
    let sections = payload::decode(payload).map_err(|_| StoreError::Damaged("a bundle payload"))?;
    let records = sections.iter().filter_map(|section| match section {
        Section::Present { body, .. } => match Body::decode(body) {
            Ok(Body::Record(section)) => Some(section.record),
            _ => None,
        },
        Section::Erased(_) => None,
    });
    Ok(Committed {
        records: records.collect(),
        head,
        repeated: true,
    })
}

async fn reads(tx: &mut Tx<'_>, action: &Action) -> Result<Reads, StoreError> {
    let mut reads = Reads::new();
    shelf::fetch(tx, &action.reads.iter().copied().collect()).await?;
    for id in &action.reads {
        if let Some(kept) = shelf::kept(tx, *id).await? {
            reads.insert(*id, kept.loaded()?);
        }
    }
    Ok(reads)
}

/// The sections as they are signed, each with its salt.
fn salted(action: &Action, made: &[Made]) -> Vec<Section> {
    let mut salts = blake3::Hasher::new_derive_key("dutyroom 2026 section salts v1");
    salts.update(&action.seed);
    let mut salts = salts.finalize_xof();
    let sections = made.iter().map(|made| {
        let mut salt = [0; 16];
        salts.fill(&mut salt);
        Section::Present {
            salt,
            body: Body::Record(made.section.clone()).encode(),
        }
    });
    sections.collect()
}

/// Signs the bundle, passes it through our own gate, and writes it.
pub(crate) async fn sign_and_settle(
    tx: &mut Tx<'_>,
    action: &Action,
    writer: &Writer,
    made: Vec<Made>,
) -> Result<Head, CommitFault> {
    let sections = salted(action, &made);
    let payload = payload::encode(&sections);
    if payload.len() > MAX_PAYLOAD_LEN {
        return Err(StoreError::TooLarge.into());
    }
    let (header, past) = header(tx, action, writer, &sections, &payload);
    let bundle = Bundle::sign(&header, payload, &writer.key);
    if bundle.header.len() > MAX_HEADER_LEN {
        return Err(StoreError::TooLarge.into());
    }
    let case = Case {
        journal: writer.journal,
        hash: bundle.hash(),
        past,
        sections,
        contradicts: false,
        received_ms: action.wall_ms,
        header,
    };
    // What we sign passes the same gate at every other site, so it has to pass here first.
    let (case, judgement) = match judge::follows_all(&tx.state, &case) {
        true => {
            let judgement = judge::judge_own(tx, &case, made);
            (case, judgement)
        }
        false => judge::judge(tx, case).await?,
    };
    if let Judgement::Quarantine(failed) = &judgement {
        let (Stop::Refused(code) | Stop::Held(code)) = failed.stop;
        let too_large = [Refusal::RecordFull.code(), Refusal::Work.code()].contains(&code);
        return Err(match code {
            _ if too_large => StoreError::TooLarge,
            "beyond_cut" => StoreError::Revoked,
            "unknown_signer" if tx.state.awaits_mend => StoreError::InstitutionDamaged,
            _ => StoreError::Refused(code),
        }
        .into());
    }
    tx.state.hlc = tx.state.hlc.max(case.header.hlc);
    Ok(settle::settle(tx, &case, &Signed::of(&bundle), judgement).await?)
}

fn header(
    tx: &Tx<'_>,
    action: &Action,
    writer: &Writer,
    sections: &[Section],
    payload: &[u8],
) -> (Header, Past) {
    let own = tx.state.tips.get(&writer.journal);
    let mut past = own.map(|tip| tip.past.clone()).unwrap_or_default();
    let others = tx.state.tips.iter();
    let new: Vec<_> = others
        .filter(|(journal, tip)| **journal != writer.journal && tip.head.seq > past.seq(**journal))
        .map(|(_, tip)| tip)
        // What is left out is depended upon by the next bundle.
        .take(MAX_DEPS)
        .collect();
    let deps = new.iter().map(|tip| tip.head).collect();
    for tip in &new {
        past.merge(&tip.past);
    }
    let header = Header {
        version: bundle::VERSION,
        suite: bundle::SUITE,
        institution: writer.institution,
        site: writer.journal.site,
        incarnation: writer.journal.incarnation,
        seq: own.map_or(0, |tip| tip.head.seq) + 1,
        prev: own.map_or(Hash::default(), |tip| tip.head.hash),
        deps,
        hlc: journal::next_hlc(tx.state.hlc, action.wall_ms),
        wall_ms: action.wall_ms,
        uptime_ms: action.uptime_ms,
        hub_offset_ms: action.hub_offset_ms,
        account: action.account,
        terminal: action.terminal,
        assurance: Vec::new(),
        action: action.action,
        part: 1,
        parts: 1,
        scope: ScopeId::default(),
        key_id: 0,
        payload_root: payload::root(sections),
        payload_len: u32::try_from(payload.len()).expect("the payload was bounded"),
    };
    past.set_own(&header);
    (header, past)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

    #[tokio::test]
    async fn finding_a_repeated_action_does_not_take_longer_with_every_bundle() {
        let mut conn = SqliteConnectOptions::new().connect().await.expect("memory");
        crate::schema::migrate(&mut conn).await.expect("tables");
        let plan = sqlx::AssertSqlSafe(format!("explain query plan {OF_ACTION}"));
        let steps = sqlx::query(plan)
            .bind(vec![1u8; 16])
            .bind(vec![2u8; 8])
            .fetch_all(&mut conn)
            .await
            .expect("a plan");
        let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        let by_index = "SEARCH bundle USING INDEX bundle_action (action=? AND site=?)";
        assert_eq!(steps, [by_index]);
    }
}
