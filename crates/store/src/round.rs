//! Local actions of one transaction: decided one after the other, made together.
//!
//! SQLite is asked once for what many actions need, and the changes of records that have nothing
//! to do with each other are made and judged on every core. An action that reads what an earlier
//! one of the round writes is decided once that one is settled, so each decision sees what it
//! would see alone; one that writes it is made then. While one round is made, SQLite takes the rows of the one before.

use crate::action::{Action, Committed, RecordEdit};
use crate::commit;
use crate::cores::{MIN_SPREAD, spread_apart};
use crate::desk::{self, Pen, Sheet};
use crate::error::StoreError;
use crate::job::{Asked, CommitFault, CommitReply, Job, Ran, fatal, refuse_commit};
use crate::judge::Accepted;
use crate::lots::LOTS;
use crate::number::Numbers;
use crate::pile;
use crate::shelf;
use crate::tx::Tx;
use records::gate::Rules;
use records::id::{ActionId, RecordId};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// How many actions are asked for together.
const MOST: usize = LOTS[1];

/// An action that was decided.
struct Draft {
    action: Box<Action>,
    edits: Arc<Vec<RecordEdit>>,
    reply: CommitReply,
}

/// What a draft came to.
struct Made {
    /// It took numbers: if it fails, those after it are not theirs.
    numbered: bool,
    accepted: Result<Vec<Accepted>, CommitFault>,
}

#[derive(Default)]
struct Round {
    /// Actions that may have been committed before.
    known: BTreeSet<ActionId>,
    drafts: VecDeque<Draft>,
    /// What the drafts write.
    records: BTreeSet<RecordId>,
    ran: Vec<Ran>,
    /// The transaction cannot go on.
    over: bool,
}

/// Runs `first` and the local actions that stand right behind it. What was not looked at when the
/// transaction broke goes back to `jobs`.
pub(crate) async fn run(tx: &mut Tx<'_>, first: Asked, jobs: &mut VecDeque<Job>) -> Vec<Ran> {
    let mut all = VecDeque::from([first]);
    while all.len() < MOST
        && let Some(job) = jobs.pop_front_if(|job| matches!(job, Job::Commit(_)))
        && let Job::Commit(asked) = job
    {
        all.push_back(asked);
    }
    let mut round = Round::default();
    let asking = round.ask(tx, &all).await.err();
    let broken = asking.filter(fatal);
    while let Some(asked) = all.pop_front() {
        if let Some(error) = &broken {
            round.answer(asked.reply, Err(error.clone().into()), false);
            break;
        }
        if round.precedes(&asked.action) {
            round.settle(tx).await;
        }
        if round.over {
            all.push_front(asked);
            break;
        }
        round.decide(tx, asked).await;
    }
    round.settle(tx).await;
    while let Some(asked) = all.pop_back() {
        jobs.push_front(Job::Commit(asked));
    }
    round.ran
}

impl Round {
    /// Asks once for what every action needs. Where this fails for one record, that one's action
    /// fails when its turn comes.
    async fn ask(&mut self, tx: &mut Tx<'_>, all: &VecDeque<Asked>) -> Result<(), StoreError> {
        let actions: BTreeSet<ActionId> = all.iter().map(|asked| asked.action.action).collect();
        self.known.clone_from(&actions);
        self.known = commit::committed(tx, actions).await?;
        let reads = all.iter().flat_map(|asked| &asked.action.reads);
        shelf::fetch(tx, &reads.copied().collect()).await
    }

    /// Whether what the action finds depends on a draft.
    fn precedes(&self, action: &Action) -> bool {
        let mut reads = action.reads.iter();
        !self.drafts.is_empty()
            && (self.known.contains(&action.action)
                || reads.any(|record| self.records.contains(record)))
    }

    fn answer(&mut self, reply: CommitReply, result: Result<Committed, CommitFault>, wrote: bool) {
        let ran = Ran::of_commit(reply, result, wrote);
        self.over |= ran.fatal.is_some();
        self.ran.push(ran);
    }

    async fn decide(&mut self, tx: &mut Tx<'_>, asked: Asked) {
        let Asked {
            action,
            decide,
            reply,
        } = asked;
        tx.written = false;
        let known = self.known.contains(&action.action);
        let edits = match commit::decide(tx, &action, known, decide).await {
            Ok(Ok(edits)) => edits,
            Ok(Err(before)) => return self.answer(reply, Ok(before), tx.written),
            Err(fault) => return self.answer(reply, Err(fault), tx.written),
        };
        let records = desk::named(&edits);
        if records.iter().any(|record| self.records.contains(record)) {
            self.settle(tx).await;
        }
        self.known.insert(action.action);
        self.records.extend(records);
        self.drafts.push_back(Draft {
            action,
            edits: Arc::new(edits),
            reply,
        });
    }

    /// Makes the drafts and writes them in order.
    async fn settle(&mut self, tx: &mut Tx<'_>) {
        self.records.clear();
        let mut drafts = std::mem::take(&mut self.drafts);
        let mut together = drafts.len();
        while !drafts.is_empty() && !self.over {
            let some: Vec<Draft> = drafts.drain(..together.min(drafts.len())).collect();
            let left = self.settle_some(tx, some).await;
            // The numbers that these got, or the rules they were judged by, do not hold.
            if !left.is_empty() {
                together = 1;
            }
            left.into_iter()
                .rev()
                .for_each(|draft| drafts.push_front(draft));
        }
        for draft in drafts {
            self.ran.push(Ran {
                answer: refuse_commit(draft.reply),
                fatal: None,
            });
        }
    }

    /// Gives back those that have to be made again.
    async fn settle_some(&mut self, tx: &mut Tx<'_>, drafts: Vec<Draft>) -> Vec<Draft> {
        tx.written = false;
        let (rules, made) = match make(tx, &drafts).await {
            Ok(made) => made,
            // Alone each fails for itself.
            Err(error) if drafts.len() > 1 && !tx.written && !fatal(&error) => return drafts,
            Err(error) => {
                let mut drafts = drafts.into_iter();
                if let Some(draft) = drafts.next() {
                    self.answer(draft.reply, Err(error.into()), tx.written);
                }
                return drafts.collect();
            }
        };
        let mut drafts = drafts.into_iter().zip(made);
        while let Some((draft, made)) = drafts.next() {
            if commit::rules(&tx.state) != rules {
                return [draft]
                    .into_iter()
                    .chain(drafts.map(|(draft, _)| draft))
                    .collect();
            }
            tx.written = false;
            let Made { numbered, accepted } = made;
            let result = match accepted {
                Ok(accepted) => commit::write(tx, &draft.action, &draft.edits, accepted).await,
                Err(fault) => Err(fault),
            };
            let failed = result.is_err();
            self.answer(draft.reply, result, tx.written);
            if self.over || failed && numbered {
                return drafts.map(|(draft, _)| draft).collect();
            }
        }
        Vec::new()
    }
}

/// What the drafts come to by the rules of the moment, each as if all before it had been written.
async fn make(tx: &mut Tx<'_>, drafts: &[Draft]) -> Result<(Rules, Vec<Made>), StoreError> {
    let writer = tx.state.writer.clone().ok_or(StoreError::NoWriter)?;
    let edits = drafts.iter().flat_map(|draft| &*draft.edits);
    shelf::fetch(tx, &edits.map(|edit| edit.record).collect()).await?;
    let mut numbers = Numbers::default();
    let mut plans = Vec::with_capacity(drafts.len());
    for Draft { action, edits, .. } in drafts {
        let mut taken = numbers.clone();
        let plan = desk::plan(tx, &writer, action.wall_ms, edits, &mut taken).await;
        if plan.is_ok() {
            numbers = taken;
        }
        plans.push(plan);
    }
    let rules = commit::rules(&tx.state);
    let pen = Pen::of(&writer, rules);
    let work = move |plan: Result<Vec<Sheet>, CommitFault>| match plan {
        Ok(sheets) => Made {
            numbered: sheets.iter().any(Sheet::is_numbered),
            accepted: desk::make(sheets, &pen),
        },
        Err(fault) => Made {
            numbered: false,
            accepted: Err(fault),
        },
    };
    if plans.len() < MIN_SPREAD {
        return Ok((rules, plans.into_iter().map(work).collect()));
    }
    let (written, made) = futures::join!(pile::write(tx), spread_apart(plans, work));
    // Half a pile must not be committed, whatever went wrong.
    tx.written = written.is_err();
    written.map(|()| (rules, made))
}
