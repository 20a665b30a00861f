//! A local action from decision to durable bundle.

use crate::action::{Action, Committed, Reads, RecordEdit, Writer};
use crate::desk;
use crate::error::{CommitError, StoreError};
use crate::incarnation::{self, Moment};
use crate::job::{Asked, CommitFault, Decide, Job};
use crate::judge::{self, Accepted, Case, Judgement, Stop};
use crate::lots;
use crate::meta::{head_of, id};
use crate::past::Past;
use crate::settle::{self, Signed};
use crate::shelf;
use crate::state::State;
use crate::store::Store;
use crate::tx::Tx;
use records::bundle::{self, Bundle, Head, Header, MAX_HEADER_LEN, MAX_PAYLOAD_LEN};
use records::gate::Rules;
use records::id::{ActionId, Hash, JournalId, ScopeId};
use records::journal;
use records::payload::{self, Body, Section};
use sqlx::Row as _;
use std::collections::BTreeSet;
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
        let asked = |reply| Asked {
            action,
            decide,
            reply,
        };
        let done = self.ask(|reply| Job::Commit(asked(reply))).await?;
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

/// What the action writes, or the answer it got before. `known` tells that it may have got one.
pub(crate) async fn decide(
    tx: &mut Tx<'_>,
    action: &Action,
    known: bool,
    decide: Decide,
) -> Result<Result<Vec<RecordEdit>, Committed>, CommitFault> {
    let writer = tx.state.writer.clone().ok_or(StoreError::NoWriter)?;
    if known && let Some(before) = repeated(tx, action, &writer).await? {
        return Ok(Err(before));
    }
    incarnation::renew(tx, Moment::of(action)).await?;
    let reads = reads(tx, action).await?;
    let edits = catch_unwind(AssertUnwindSafe(|| decide(&reads)))
        .map_err(|_| StoreError::DecisionFailed)?
        .map_err(|()| CommitFault::Decided)?;
    Ok(Ok(edits))
}

/// Signs and writes what an action's edits have made.
pub(crate) async fn write(
    tx: &mut Tx<'_>,
    action: &Action,
    edits: &[RecordEdit],
    made: Vec<Accepted>,
) -> Result<Committed, CommitFault> {
    let writer = tx.state.writer.clone().ok_or(StoreError::NoWriter)?;
    let head = match made.is_empty() {
        true => tx.state.head(writer.journal).copied().unwrap_or(Head {
            journal: writer.journal,
            seq: 0,
            hash: Hash::default(),
        }),
        false => sign_and_settle(tx, action, &writer, made).await?,
    };
    Ok(Committed {
        records: desk::named(edits),
        head,
        repeated: false,
    })
}

/// Which of the actions a bundle names that is held, or was settled in this transaction.
pub(crate) async fn committed(
    tx: &mut Tx<'_>,
    actions: BTreeSet<ActionId>,
) -> Result<BTreeSet<ActionId>, StoreError> {
    let ids: Vec<&[u8]> = actions.iter().map(|action| &action.0[..]).collect();
    let rows = lots::select(tx.raw(), KNOWN, &ids).await?;
    let known = rows.iter().map(|row| Ok(ActionId(id(row, "action")?)));
    let mut known: BTreeSet<ActionId> = known.collect::<Result<_, StoreError>>()?;
    let site = tx.state.own.map(|own| own.site);
    known.extend(
        actions
            .into_iter()
            .filter(|action| site.is_some_and(|site| tx.pile.bundle_of(*action, site).is_some())),
    );
    Ok(known)
}

/// Which of a list of actions made a bundle.
const KNOWN: &str = "select action from bundle where action in ";

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
fn salted(action: &Action, made: &[Accepted]) -> Vec<Section> {
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

/// Signs the bundle and writes it.
pub(crate) async fn sign_and_settle(
    tx: &mut Tx<'_>,
    action: &Action,
    writer: &Writer,
    made: Vec<Accepted>,
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
    // What was made was judged with everything held in its past.
    let (case, judgement) = match judge::follows_all(&tx.state, &case) {
        true => {
            let standing = judge::standing(&tx.state, &case);
            let judgement = match standing {
                Ok(()) => Judgement::Records(made),
                Err(stop) => Judgement::Quarantine(stop.into()),
            };
            (case, judgement)
        }
        false => judge::judge(tx, case).await?,
    };
    if let Judgement::Quarantine(failed) = &judgement {
        let (Stop::Refused(code) | Stop::Held(code)) = failed.stop;
        return Err(match code {
            "beyond_cut" => StoreError::Revoked,
            "unknown_signer" if tx.state.awaits_mend => StoreError::InstitutionDamaged,
            _ => desk::not_taken(code),
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
    let (deps, mut past) = news(&tx.state, writer.journal);
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

/// What the next bundle of `journal` depends on, and what is in its past before itself.
fn news(state: &State, journal: JournalId) -> (Vec<Head>, Past) {
    let own = state.tips.get(&journal);
    let mut past = own.map(|tip| tip.past.clone()).unwrap_or_default();
    let others = state.tips.iter();
    let new: Vec<_> = others
        .filter(|(other, tip)| **other != journal && tip.head.seq > past.seq(**other))
        .map(|(_, tip)| tip)
        // What is left out is depended upon by the next bundle.
        .take(MAX_DEPS)
        .collect();
    for tip in &new {
        past.merge(&tip.past);
    }
    (new.iter().map(|tip| tip.head).collect(), past)
}

/// The rules that our next bundle is judged by.
pub(crate) fn rules(state: &State) -> Rules {
    let journal = state.writer.as_ref().map(|writer| writer.journal);
    let past = journal.map(|journal| news(state, journal).1);
    let decided = past.map_or(0, |past| past.seq(JournalId::INSTITUTION));
    state.rules_after(decided)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

    async fn plan(statement: String) -> Vec<String> {
        let mut conn = SqliteConnectOptions::new().connect().await.expect("memory");
        crate::schema::migrate(&mut conn).await.expect("tables");
        let plan = sqlx::AssertSqlSafe(format!("explain query plan {statement}"));
        let steps = sqlx::query(plan)
            .fetch_all(&mut conn)
            .await
            .expect("a plan");
        steps.iter().map(|step| step.get("detail")).collect()
    }

    #[tokio::test]
    async fn finding_a_repeated_action_does_not_take_longer_with_every_bundle() {
        let by_index = "SEARCH bundle USING INDEX bundle_action (action=? AND site=?)";
        assert_eq!(plan(OF_ACTION.to_owned()).await, [by_index]);
        let covered = "SEARCH bundle USING COVERING INDEX bundle_action (action=?)";
        assert_eq!(plan(format!("{KNOWN}(?, ?)")).await, [covered]);
    }
}
