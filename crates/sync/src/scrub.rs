//! The scrub: two sites prove that they hold the same bundles, and give each other what one of
//! them lacks. Pure.
//!
//! Reconnecting compares heads and trusts that a journal is whole below its head. A scrub does
//! not: it compares the hashes of all bundles, fork evidence included, by the range sums of
//! [`set`]. Equal sets of any size cost one question and a short answer. What differs is then
//! asked for by hash, and offered, and goes through the same gate as everything else.
//!
//! Either side may ask; each answers the other one message at a time, so a hostile peer has one
//! pass over the set under way, at a bounded rate. The state machine takes an [`Event`] and the
//! time and returns [`Effect`]s; sums, reading and admitting are [`Work`] for the driver.

mod event;
pub mod set;
mod taking;

pub use event::{Effect, Event, Report, Taken, Work};
pub use taking::in_order;

use crate::session::{CloseReason, MAX_STRANGERS, Now};
use crate::wire::Frame;
use records::bundle::Bundle;
use records::id::Hash;
use set::{Compared, Garbage, MAX_DIFFERENCE, MAX_MESSAGE_LEN};
use std::collections::BTreeSet;

/// Most hashes one question or offer is about.
pub const MAX_HASHES: usize = 512;
/// A peer that says nothing for this long has ended the scrub, ms.
pub const TIMEOUT_MS: u64 = 60_000;
/// Questions one scrub asks at most: ten times what the largest difference takes.
pub const MAX_ROUNDS: u32 = 1_000;
/// Questions a peer may ask at once, and one more each second.
const CREDIT: u64 = 256;
const CREDIT_MS: u64 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The driver computes.
    Working,
    /// The peer has a question of ours.
    Asked,
    /// The peer has been asked for bundles.
    Wanting,
    /// The peer has been given bundles.
    Giving,
}

#[derive(Debug)]
struct Asking {
    stage: Stage,
    started_ms: u64,
    heard_ms: u64,
    report: Report,
    need: Vec<Hash>,
    /// Not placed in this pass.
    again: Vec<Hash>,
    /// Something was placed in this pass.
    moved: bool,
    have: Vec<Hash>,
}

/// Both sides of scrubbing with one peer.
#[derive(Debug)]
pub struct Scrub {
    asking: Option<Asking>,
    answering: bool,
    fetching: bool,
    taking: bool,
    credit: u64,
    refilled_ms: u64,
    strangers: u32,
}

type Outcome = Result<(), CloseReason>;

impl Scrub {
    /// No scrub is under way.
    #[must_use]
    pub fn new(now: Now) -> Self {
        Self {
            asking: None,
            answering: false,
            fetching: false,
            taking: false,
            credit: CREDIT,
            refilled_ms: now.mono_ms,
            strangers: 0,
        }
    }

    /// Takes one event.
    ///
    /// # Errors
    /// Why the session has to end.
    pub fn handle(&mut self, event: Event, now: Now, effects: &mut Vec<Effect>) -> Outcome {
        match event {
            Event::Start => self.start(now, effects),
            Event::Opened(message) => self.ask(message, effects),
            Event::Answered(answer) => {
                self.answering = false;
                let message = answer.map_err(|Garbage| CloseReason::Protocol)?;
                let answer = true;
                effects.push(Effect::Send(Frame::Scrub { answer, message }));
            }
            Event::Compared(compared) => {
                let compared = compared.map_err(|Garbage| CloseReason::Protocol)?;
                self.compared(compared, now, effects);
            }
            Event::Fetched { wanted, bundles } => self.fetched(wanted, bundles, now, effects),
            Event::Taken { wanted, taken } => self.taken(wanted, taken, now, effects)?,
        }
        Ok(())
    }

    /// Takes a frame of the scrub.
    ///
    /// # Errors
    /// Why the session has to end: the peer does not wait for its answers.
    pub fn received(&mut self, frame: Frame, now: Now, effects: &mut Vec<Effect>) -> Outcome {
        match frame {
            Frame::Scrub { answer, message } if message.len() <= MAX_MESSAGE_LEN => {
                if answer {
                    self.answered(message, now, effects);
                    return Ok(());
                }
                self.spend(now)?;
                begin(&mut self.answering)?;
                effects.push(Effect::Work(Work::Answer(message)));
            }
            Frame::Want(hashes) => {
                begin(&mut self.fetching)?;
                let wanted = true;
                effects.push(Effect::Work(Work::Fetch { wanted, hashes }));
            }
            Frame::Give { wanted, bundles } => {
                let bundles = if wanted {
                    self.given(bundles, now, effects)
                } else {
                    begin(&mut self.taking)?;
                    Some(bundles)
                };
                if let Some(bundles) = bundles {
                    effects.push(Effect::Work(Work::Take { wanted, bundles }));
                }
            }
            Frame::Took { put } => self.took(put, now, effects),
            _ => return Err(CloseReason::Protocol),
        }
        Ok(())
    }

    /// The peer brings, or has taken, what was missed for long: what it gives or takes in a scrub
    /// waits behind that.
    pub fn heard(&mut self, now: Now) {
        if let Some(asking) = &mut self.asking {
            asking.heard_ms = now.mono_ms;
        }
    }

    /// Ends a scrub of ours that the peer no longer answers.
    pub fn tick(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let silent = |asking: &Asking| {
            asking.stage != Stage::Working
                && now.mono_ms.saturating_sub(asking.heard_ms) > TIMEOUT_MS
        };
        if self.asking.as_ref().is_some_and(silent) {
            self.end(false, now, effects);
        }
    }

    fn start(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.asking.is_some() {
            return;
        }
        self.asking = Some(Asking {
            stage: Stage::Working,
            started_ms: now.mono_ms,
            heard_ms: now.mono_ms,
            report: Report {
                at_ms: now.wall_ms,
                ..Report::default()
            },
            need: Vec::new(),
            again: Vec::new(),
            moved: false,
            have: Vec::new(),
        });
        effects.push(Effect::Work(Work::Open));
    }

    fn ask(&mut self, message: Vec<u8>, effects: &mut Vec<Effect>) {
        let Some(asking) = &mut self.asking else {
            return;
        };
        asking.stage = Stage::Asked;
        asking.report.rounds += 1;
        asking.report.sent += message.len() as u64;
        let answer = false;
        effects.push(Effect::Send(Frame::Scrub { answer, message }));
    }

    fn answered(&mut self, message: Vec<u8>, now: Now, effects: &mut Vec<Effect>) {
        // A late answer to a scrub that was given up says nothing.
        let Some(asking) = self.at(Stage::Asked) else {
            return;
        };
        asking.stage = Stage::Working;
        asking.heard_ms = now.mono_ms;
        asking.report.received += message.len() as u64;
        effects.push(Effect::Work(Work::Compare(message)));
    }

    fn compared(&mut self, compared: Compared, now: Now, effects: &mut Vec<Effect>) {
        let Some(asking) = &mut self.asking else {
            return;
        };
        let room = |kept: &Vec<Hash>| MAX_DIFFERENCE.saturating_sub(kept.len());
        let (need, have) = (room(&asking.need), room(&asking.have));
        asking.need.extend(compared.need.into_iter().take(need));
        asking.have.extend(compared.have.into_iter().take(have));
        let full = asking.need.len() == MAX_DIFFERENCE || asking.have.len() == MAX_DIFFERENCE;
        match compared.next {
            Some(_) if asking.report.rounds >= MAX_ROUNDS => self.end(false, now, effects),
            Some(message) if !full => self.ask(message, effects),
            _ => {
                asking.report.missing_here = asking.need.len() as u64;
                asking.report.missing_there = asking.have.len() as u64;
                self.proceed(now, effects);
            }
        }
    }

    /// Asks for, or offers, the next bundles, from the end of the journals: a run of holes is
    /// proven from there.
    fn proceed(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let Some(asking) = &mut self.asking else {
            return;
        };
        asking.heard_ms = now.mono_ms;
        if asking.need.is_empty() && asking.moved {
            asking.need = std::mem::take(&mut asking.again);
            asking.moved = false;
        }
        if !asking.need.is_empty() {
            asking.stage = Stage::Wanting;
            let hashes = last(&asking.need);
            effects.push(Effect::Send(Frame::Want(hashes)));
        } else if !asking.have.is_empty() {
            asking.stage = Stage::Working;
            let hashes = last(&asking.have);
            let wanted = false;
            effects.push(Effect::Work(Work::Fetch { wanted, hashes }));
        } else {
            self.end(true, now, effects);
        }
    }

    fn fetched(&mut self, wanted: bool, bundles: Vec<Bundle>, now: Now, effects: &mut Vec<Effect>) {
        if wanted {
            self.fetching = false;
            effects.push(Effect::Send(Frame::Give { wanted, bundles }));
            return;
        }
        let Some(asking) = &mut self.asking else {
            return;
        };
        let bundles = take_off(&mut asking.have, bundles);
        if bundles.is_empty() {
            self.proceed(now, effects);
            return;
        }
        asking.stage = Stage::Giving;
        asking.heard_ms = now.mono_ms;
        effects.push(Effect::Send(Frame::Give { wanted, bundles }));
    }

    /// What of the peer's bundles is an answer to our question, if anything is.
    fn given(
        &mut self,
        bundles: Vec<Bundle>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Option<Vec<Bundle>> {
        let asking = self.at(Stage::Wanting)?;
        let bundles = take_off(&mut asking.need, bundles);
        if bundles.is_empty() {
            self.proceed(now, effects);
            return None;
        }
        asking.stage = Stage::Working;
        Some(bundles)
    }

    fn taken(
        &mut self,
        wanted: bool,
        taken: Taken,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        self.strangers = self.strangers.saturating_add(taken.strangers);
        if self.strangers > MAX_STRANGERS {
            return Err(CloseReason::Strangers);
        }
        if !wanted {
            self.taking = false;
            effects.push(Effect::Send(Frame::Took { put: taken.put }));
            return Ok(());
        }
        if let Some(asking) = &mut self.asking {
            asking.moved |= taken.put > 0;
            asking.report.mended_here += u64::from(taken.put);
            let report = &mut asking.report;
            report.missing_here = report.missing_here.saturating_sub(u64::from(taken.known));
            asking.again.extend(taken.again);
        }
        self.proceed(now, effects);
        Ok(())
    }

    fn took(&mut self, put: u32, now: Now, effects: &mut Vec<Effect>) {
        if let Some(asking) = self.at(Stage::Giving) {
            asking.report.mended_there += u64::from(put);
            self.proceed(now, effects);
        }
    }

    fn end(&mut self, complete: bool, now: Now, effects: &mut Vec<Effect>) {
        if let Some(asking) = self.asking.take() {
            effects.push(Effect::Report(Report {
                took_ms: now.mono_ms.saturating_sub(asking.started_ms),
                complete,
                ..asking.report
            }));
        }
    }

    fn at(&mut self, stage: Stage) -> Option<&mut Asking> {
        self.asking.as_mut().filter(|asking| asking.stage == stage)
    }

    fn spend(&mut self, now: Now) -> Outcome {
        let earned = now.mono_ms.saturating_sub(self.refilled_ms) / CREDIT_MS;
        self.refilled_ms += earned * CREDIT_MS;
        self.credit = self.credit.saturating_add(earned).min(CREDIT);
        self.credit = self.credit.checked_sub(1).ok_or(CloseReason::Quota)?;
        Ok(())
    }
}

/// One thing at a time for a peer; it is told the end of each.
fn begin(busy: &mut bool) -> Outcome {
    if std::mem::replace(busy, true) {
        return Err(CloseReason::Protocol);
    }
    Ok(())
}

fn last(hashes: &[Hash]) -> Vec<Hash> {
    hashes.iter().rev().take(MAX_HASHES).copied().collect()
}

/// Takes what came off the last batch of the list, and says what that is: bundles nobody asked for
/// are left out. If nothing of it came, the whole batch is not to be had.
fn take_off(hashes: &mut Vec<Hash>, came: Vec<Bundle>) -> Vec<Bundle> {
    let start = hashes.len().saturating_sub(MAX_HASHES);
    let batch = hashes.split_off(start);
    let mut open: BTreeSet<Hash> = batch.iter().copied().collect();
    let keep = |bundle: &Bundle| open.remove(&bundle.hash());
    let came: Vec<Bundle> = came.into_iter().filter(keep).collect();
    if !came.is_empty() {
        hashes.extend(batch.into_iter().filter(|hash| open.contains(hash)));
    }
    came
}

#[cfg(test)]
mod tests;
