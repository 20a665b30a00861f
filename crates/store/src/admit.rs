//! Bundles from elsewhere: signature, place, dependencies, then judgement.

use crate::action::Admission;
use crate::branch;
use crate::deps::{self, Deps};
use crate::erase;
use crate::error::StoreError;
use crate::form::{Checked, check, stored_hash};
use crate::hole;
use crate::job::Job;
use crate::judge::{self, Case, Stop};
use crate::offered::{self, Offered};
use crate::release::release;
use crate::settle::{self, Signed};
use crate::store::Store;
use crate::tx::Tx;
use crate::waiting;
use crate::wave::{Settled, Wave};
use records::bundle::{Bundle, Head, Header};
use records::id::{Hash, JournalId};
use records::journal::{self, Place, place};
use std::borrow::Cow;

impl Store {
    /// Offers bundles, all in one transaction; the answers are in the order of the bundles.
    /// Bundles that were waiting and are released by these are settled in the same transaction,
    /// or, if they are many, soon after it ([`Store::judge_released`]).
    ///
    /// # Errors
    /// [`StoreError`]; nothing was admitted then.
    pub async fn admit(
        &self,
        bundles: Vec<Bundle>,
        received_ms: i64,
    ) -> Result<Vec<Admission>, StoreError> {
        let offered = offered::look(bundles, self.trust()).await;
        self.ask(|reply| Job::Admit(offered, received_ms, reply))
            .await?
    }
}

/// Offers bundles one after the other. Those that simply come next in their journals are judged
/// together.
pub(crate) async fn offer_all(
    tx: &mut Tx<'_>,
    all: &[Offered],
    received_ms: i64,
) -> Result<Vec<Admission>, StoreError> {
    let read = all.iter().filter_map(|offered| offered.read.as_ref().ok());
    deps::fetch(tx, read.map(|(header, _)| header)).await?;
    let mut answers = Vec::with_capacity(all.len());
    let mut wave = Wave::default();
    for offered in all {
        let Some((case, bundle)) = next(tx, offered, received_ms).await? else {
            settle_wave(tx, &mut wave, &mut answers).await?;
            answers.push(offer(tx, offered, received_ms).await?);
            continue;
        };
        let case = wave.push(&tx.state, case);
        settle::append(tx, case, &Signed::of(&bundle));
    }
    settle_wave(tx, &mut wave, &mut answers).await?;
    Ok(answers)
}

/// The bundle as a case, if it comes next in a site's journal, everything it depends on is here,
/// and nothing waits or is to be mended.
async fn next<'a>(
    tx: &mut Tx<'_>,
    offered: &'a Offered,
    received_ms: i64,
) -> Result<Option<(Case, Cow<'a, Bundle>)>, StoreError> {
    let Ok((header, _)) = &offered.read else {
        return Ok(None);
    };
    let journal = header.journal();
    if journal == JournalId::INSTITUTION
        || place(tx.state.head(journal), None, header, offered.hash) != Place::Next
        || is_complete(tx, journal)
        || waiting::is_any(tx).await?
    {
        return Ok(None);
    }
    let Ok(checked) = check(tx, offered).await? else {
        return Ok(None);
    };
    let erasures = tx.state.trust.erasures();
    if erase::is_unauthorised(erasures, &checked.sections) {
        return Ok(None);
    }
    let Deps::Judged { past, contradicts } = deps::deps(tx, header).await? else {
        return Ok(None);
    };
    let case = Case {
        journal,
        header: checked.header,
        hash: checked.hash,
        past,
        sections: checked.sections,
        contradicts,
        received_ms,
    };
    Ok(Some((case, checked.bundle)))
}

async fn settle_wave(
    tx: &mut Tx<'_>,
    wave: &mut Wave,
    answers: &mut Vec<Admission>,
) -> Result<(), StoreError> {
    for settled in wave.settle(tx).await? {
        let Settled { case, head, stop } = settled;
        answers.push(admitted(tx, &case, head, stop).await?);
    }
    Ok(())
}

/// Offers one bundle and settles what it releases.
async fn offer(
    tx: &mut Tx<'_>,
    offered: &Offered,
    received_ms: i64,
) -> Result<Admission, StoreError> {
    let checked = match check(tx, offered).await? {
        Ok(checked) => checked,
        Err(answer) => return Ok(answer),
    };
    let (journal, hash) = (checked.header.journal(), checked.hash);
    if !erase::is_unauthorised(tx.state.trust.erasures(), &checked.sections) {
        let Checked { header, bundle, .. } = &checked;
        let mended = hole::fill(tx, header, hash, bundle, received_ms).await?;
        if let Some(answer) = mended {
            release(tx, journal, None).await?;
            return Ok(answer);
        }
    }
    let known = waiting::contains(tx, hash).await?;
    let answer = match take(tx, checked, received_ms).await? {
        Taken::Waits { .. } if known => return Ok(Admission::Duplicate),
        Taken::Waits { journal, seq, kept } => {
            return Ok(Admission::Waiting { journal, seq, kept });
        }
        Taken::Done(answer) => answer,
    };
    if known {
        waiting::forget(tx, &hash.0).await?;
    }
    let branch = match &answer {
        Admission::Fork { head } => Some(*head),
        _ => None,
    };
    release(tx, journal, branch).await?;
    Ok(answer)
}

/// What became of a checked bundle.
pub(crate) enum Taken {
    /// In its journal, set aside, or here already: nothing to wait for.
    Done(Admission),
    /// Kept until this is here, or not kept for want of room.
    Waits {
        journal: JournalId,
        seq: u64,
        kept: bool,
    },
}

/// Places a checked bundle and settles it, keeps it, or sets it aside.
pub(crate) async fn take(
    tx: &mut Tx<'_>,
    checked: Checked<'_>,
    received_ms: i64,
) -> Result<Taken, StoreError> {
    let Checked {
        header,
        hash,
        sections,
        bundle,
    } = checked;
    let bundle = bundle.as_ref();
    let own = header.journal();
    let stored = stored_hash(tx, own, header.seq).await?;
    let (journal, seq) = match place(tx.state.head(own), stored, &header, hash) {
        Place::Duplicate => return Ok(Taken::Done(Admission::Duplicate)),
        // Content is missing, and no decision held here says why: one of the next ones may.
        _ if erase::is_unauthorised(tx.state.trust.erasures(), &sections) => {
            let held = tx.state.head(JournalId::INSTITUTION);
            (JournalId::INSTITUTION, held.map_or(0, |head| head.seq) + 1)
        }
        Place::Fork => {
            return aside(tx, &header, hash, bundle, stored, received_ms).await;
        }
        Place::Gap if branch::continues(tx, &header).await? => {
            return aside(tx, &header, hash, bundle, stored, received_ms).await;
        }
        Place::Gap => (own, header.seq - 1),
        // A closed journal is complete; whatever was signed in it since is set aside.
        Place::Next if is_complete(tx, own) => {
            return aside(tx, &header, hash, bundle, stored, received_ms).await;
        }
        Place::Next => match deps::deps(tx, &header).await? {
            Deps::Missing { journal, seq } => (journal, seq),
            // Not kept: what is waited for by its number would seem to be here.
            Deps::Lost { journal, seq } => {
                let kept = false;
                return Ok(Taken::Waits { journal, seq, kept });
            }
            Deps::Judged { past, contradicts } => {
                let case = Case {
                    journal: own,
                    header,
                    hash,
                    past,
                    sections,
                    contradicts,
                    received_ms,
                };
                return settle_case(tx, bundle, case).await.map(Taken::Done);
            }
        },
    };
    let missing = (journal, seq);
    let kept = waiting::keep(tx, &header, hash, bundle, missing, received_ms).await?;
    Ok(Taken::Waits { journal, seq, kept })
}

/// Keeps a bundle as part of a branch.
async fn aside(
    tx: &mut Tx<'_>,
    header: &Header,
    hash: Hash,
    bundle: &Bundle,
    stored: Option<Hash>,
    received_ms: i64,
) -> Result<Taken, StoreError> {
    let kept = branch::keep(tx, header, hash, bundle, stored, received_ms).await?;
    Ok(Taken::Done(kept))
}

/// Whether a closure's main chain is here to its end.
fn is_complete(tx: &Tx<'_>, journal: JournalId) -> bool {
    let closed = tx.state.trust.closed(journal);
    let last = closed.and_then(<[Head]>::first);
    last.is_some_and(|last| tx.state.head(journal) == Some(last))
}

async fn settle_case(
    tx: &mut Tx<'_>,
    bundle: &Bundle,
    case: Case,
) -> Result<Admission, StoreError> {
    let (case, judgement) = judge::judge(tx, case).await?;
    let stop = judgement.stop();
    let head = settle::settle(tx, &case, &Signed::of(bundle), judgement).await?;
    admitted(tx, &case, head, stop).await
}

/// The answer to a bundle that is now in its journal.
async fn admitted(
    tx: &mut Tx<'_>,
    case: &Case,
    head: Head,
    stop: Option<Stop>,
) -> Result<Admission, StoreError> {
    // Signed with our key in the journal we write, and not by this directory. A later journal of
    // ours is no reason to leave: two copies of a directory would drive each other on and on.
    if tx.state.own == Some(head.journal) {
        tx.must_leave(head.journal).await?;
    }
    observe_clock(tx, case);
    Ok(match stop {
        None => Admission::Admitted { head },
        Some(Stop::Refused(code)) => Admission::Refused { head, code },
        Some(Stop::Held(code)) => Admission::Held { head, code },
    })
}

/// Our clock follows foreign ones a little way; what is beyond is flagged, and nothing else.
fn observe_clock(tx: &mut Tx<'_>, case: &Case) {
    let (hlc, wall) = (case.header.hlc, case.received_ms);
    let excess = journal::hlc_excess_ms(hlc, wall);
    if excess > 0 {
        tracing::warn!(site.id = %case.header.site, excess_ms = excess, "a site's clock is ahead");
    }
    tx.state.hlc = journal::observe_hlc(tx.state.hlc, hlc, wall);
}
