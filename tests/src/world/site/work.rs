//! What a simulated site does: what its people ask for, and its sessions' work.

use super::super::actions::{Deed, Saved};
use super::super::chains;
use super::super::check;
use super::super::network::Work;
use super::super::scrubbing;
use super::Site;
use anyhow::{Result, bail};
use rand::Rng as _;
use rand::rngs::StdRng;
use records::bundle::Bundle;
use records::id::ActionId;
use store::{Action, CommitError, Store, StoreError};
use sync::session::{Event, Position};

/// What became of an action.
pub enum Answer {
    /// The site answered that it is saved.
    Saved(Saved),
    /// Duty rules or the field table said no.
    Refused,
    /// There is no room on the disk; nothing was saved.
    Full,
    /// The site went down before it could answer.
    Down,
}

/// What became of a session's work.
pub enum Done {
    /// It has an outcome.
    Event(Event),
    /// The peer broke the protocol, and the link ends.
    LinkEnds,
    /// There is no room on the disk, and the link ends.
    Full,
    /// The site went down in the middle of it.
    Down,
}

impl Site {
    /// An action of nobody.
    fn action(&self, action: ActionId, world_ms: u64) -> Action {
        Action {
            action,
            account: records::id::AccountId::default(),
            terminal: records::id::TerminalId::default(),
            wall_ms: self.now(world_ms).wall_ms,
            uptime_ms: world_ms,
            hub_offset_ms: None,
            reads: Vec::new(),
            seed: *blake3::hash(&action.0).as_bytes(),
        }
    }

    /// Carries out what a person does.
    ///
    /// # Errors
    /// When the store fails other than by being killed or full.
    pub async fn commit(&mut self, deed: Deed, world_ms: u64) -> Result<Answer> {
        let Some(store) = &self.store else {
            return Ok(Answer::Refused);
        };
        let action = Action {
            account: deed.account,
            reads: deed.reads.clone(),
            ..self.action(deed.action, world_ms)
        };
        let decide = deed.decide.clone();
        match store.commit(action, move |reads| decide(reads)).await {
            Ok(done) => Ok(Answer::Saved(Saved {
                action: deed.action,
                record: deed.record,
                entry: deed.entry,
                head: done.head,
            })),
            Err(CommitError::Decided(_) | CommitError::Invalid(_)) => Ok(Answer::Refused),
            Err(CommitError::Store(StoreError::Stopped)) => {
                self.unanswered.push(deed);
                Ok(Answer::Down)
            }
            Err(CommitError::Store(StoreError::Full)) if self.is_filled() => {
                self.unanswered.push(deed);
                Ok(Answer::Full)
            }
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Signs what it has seen of others.
    ///
    /// # Errors
    /// When the store fails other than by being killed or full.
    pub async fn witness(&self, rng: &mut StdRng, world_ms: u64) -> Result<Done> {
        let work = Work::Witness(ActionId(rng.random()));
        self.perform(work, world_ms).await
    }

    /// An action somebody got no answer to, to be asked again.
    pub fn ask_again(&mut self, rng: &mut StdRng) -> Option<Deed> {
        if self.unanswered.is_empty() {
            return None;
        }
        let index = rng.random_range(0..self.unanswered.len());
        Some(self.unanswered.swap_remove(index))
    }

    /// Does a session's work.
    ///
    /// # Errors
    /// When the store fails other than by being killed or full.
    pub async fn perform(&self, work: Work, world_ms: u64) -> Result<Done> {
        let Some(store) = &self.store else {
            bail!("a site that is down has no sessions");
        };
        let done = match work {
            Work::Take(body, frame) => match frame {
                Ok(frame) => {
                    check::i11_a_frame_is_bounded(&body, &frame)?;
                    Ok(Event::Received(frame))
                }
                Err(_) => return Ok(Done::LinkEnds),
            },
            Work::Read { from, max_bytes } => {
                read(store, &from, max_bytes).await.map(Event::Bundles)
            }
            Work::Admit(lane, bundles) => {
                let received_ms = self.now(world_ms).wall_ms;
                let admitted = chains::admit(store, bundles, received_ms).await;
                admitted
                    .map(|admissions| Event::Admitted(lane, chains::outcome(store, &admissions)))
            }
            Work::Branch(work) => chains::branch(store, work, self.now(world_ms).wall_ms)
                .await
                .map(Event::Fork),
            Work::Witness(action) => store
                .witness(self.action(action, world_ms))
                .await
                .map(|_| Event::LocalHeads(store.frontier())),
            Work::Decide(op, root) => {
                let wall_ms = self.now(world_ms).wall_ms;
                let decided =
                    store.commit_institution(*op, &root, self.identity.institution, wall_ms);
                decided.await.map(|_| Event::LocalHeads(store.frontier()))
            }
            Work::Scrub(work) => scrubbing::perform(store, work, self.now(world_ms).wall_ms)
                .await
                .map(Event::Scrub),
            Work::Check => {
                let checked = store.check(self.now(world_ms).wall_ms, |_| ()).await;
                checked.map(|_| Event::LocalHeads(store.frontier()))
            }
            Work::Acked(peer, heads) => store
                .record_ack(peer, &heads)
                .await
                .map(|()| Event::LocalHeads(store.frontier())),
            Work::Holds(peer, heads) => store
                .record_frontier(peer, &heads)
                .await
                .map(|()| Event::LocalHeads(store.frontier())),
        };
        match done {
            Ok(event) => Ok(Done::Event(event)),
            Err(StoreError::Stopped) => Ok(Done::Down),
            Err(StoreError::Full) if self.is_filled() => Ok(Done::Full),
            Err(error) => Err(error.into()),
        }
    }
}

async fn read(
    store: &Store,
    from: &[Position],
    max_bytes: usize,
) -> Result<Vec<Vec<Bundle>>, StoreError> {
    let mut read = Vec::new();
    for Position { journal, after } in from {
        read.push(store.bundles_after(*journal, *after, max_bytes).await?);
    }
    Ok(read)
}
