//! Scrubbing over links: the set in memory, the work off the session's task, and when.
//!
//! Once a day, at an hour that differs from site to site and day to day, and on demand, a site
//! reads its whole disk ([`Store::check`]) and then compares with every linked peer; a peer that
//! links later is compared with then.

use super::admission::in_bites;
use super::{Shared, lock};
use crate::scrub::set::{Garbage, Set};
use crate::scrub::{Event, Report, Taken, Work, in_order};
use crate::status::{LocalCheck, ScrubStatus};
use crate::wire::BATCH_LEN;
use rand::Rng as _;
use records::bundle::{Bundle, Head};
use records::id::{Hash, SiteId};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{Admission, Item, Store, StoreError};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// Rows read at once while the set is made.
const PAGE: u32 = 4_096;
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// A site that was just started has better things to do.
const FIRST: Duration = Duration::from_secs(15 * 60);

/// What all links share about scrubs.
#[derive(Debug, Default)]
pub(super) struct Scrubs {
    set: tokio::sync::Mutex<Cached>,
    /// Raised for each round of scrubs; every link takes part once.
    pub(super) round: watch::Sender<u64>,
    asked: Notify,
    status: watch::Sender<ScrubStatus>,
    /// The last round that ended well with each peer; a link that breaks in one starts again.
    pub(super) done: Mutex<BTreeMap<SiteId, u64>>,
}

#[derive(Debug, Default)]
struct Cached {
    epoch: u64,
    place: i64,
    branches: HashSet<Hash>,
    set: Arc<Set>,
}

impl Scrubs {
    /// Asks for a round now.
    pub(super) fn ask(&self) {
        self.status.send_modify(|status| status.asked = true);
        self.asked.notify_one();
    }

    pub(super) fn status(&self) -> watch::Receiver<ScrubStatus> {
        self.status.subscribe()
    }

    pub(super) fn report(&self, peer: SiteId, report: Report) {
        tracing::info!(
            peer.site = %peer,
            report.rounds,
            report.missing_here,
            report.missing_there,
            report.mended_here,
            report.mended_there,
            report.complete,
            "scrub ended"
        );
        if report.complete {
            lock(&self.done).insert(peer, *self.round.borrow());
        }
        self.status.send_modify(|status| {
            status.count += 1;
            status.peers.insert(peer, report);
        });
    }

    /// The set as the store is now.
    async fn current(&self, store: &Store) -> Result<Arc<Set>, StoreError> {
        let mut kept = self.set.lock().await;
        let epoch = store.inventory_epoch();
        let branches = store.branch_inventory().await?;
        // Whoever waits may be dropped at any time; what was begun must not stay behind half done.
        let mut cached = std::mem::take(&mut *kept);
        let now: HashSet<Hash> = branches.iter().map(|item| item.hash).collect();
        if cached.epoch != epoch || !cached.branches.is_subset(&now) {
            cached = Cached::default();
        }
        let new = |item: &&Item| !cached.branches.contains(&item.hash);
        let mut items: Vec<Item> = branches.iter().filter(new).copied().collect();
        let mut place = cached.place;
        loop {
            let (page, last) = store.inventory(place, PAGE).await?;
            if last == place {
                break;
            }
            items.extend(page);
            place = last;
        }
        if !items.is_empty() {
            let mut set = std::mem::take(&mut cached.set);
            let extended = tokio::task::spawn_blocking(move || {
                let items = items.into_iter().map(|item| (item.seq, item.hash));
                Arc::make_mut(&mut set).extend(items);
                set
            });
            cached.set = extended.await.map_err(|_| StoreError::Stopped)?;
        }
        (cached.epoch, cached.place, cached.branches) = (epoch, place, now);
        let set = cached.set.clone();
        *kept = cached;
        Ok(set)
    }
}

/// Runs rounds: a check of the own disk, then the word to every link.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut wait = FIRST + jitter(&shared, FIRST);
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.scrubs.asked.notified() => {}
            () = shared.stopped() => return,
        }
        tokio::select! {
            checked = check(&shared) => if let Err(error) = checked {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the disk could not be checked");
            },
            () = shared.stopped() => return,
        }
        shared.scrubs.status.send_modify(|status| {
            status.asked = false;
            status.checking = None;
        });
        shared.scrubs.round.send_modify(|round| *round += 1);
        wait = DAY - DAY / 24 + jitter(&shared, DAY / 12);
    }
}

fn jitter(shared: &Shared, within: Duration) -> Duration {
    within.mul_f64(shared.rng().random_range(0.0..1.0))
}

async fn check(shared: &Shared) -> Result<(), StoreError> {
    let (begun, at_ms) = (Instant::now(), shared.now().wall_ms);
    let status = &shared.scrubs.status;
    let tell = |count| status.send_modify(|status| status.checking = Some(count));
    tell(0);
    let checked = shared.store.check(at_ms, tell).await?;
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    status.send_modify(|status| {
        status.check = Some(LocalCheck {
            at_ms,
            took_ms,
            bundles: checked.bundles,
            holes: checked.holes,
        });
    });
    Ok(())
}

/// Does one piece of a scrub's work.
pub(super) async fn perform(
    shared: &Shared,
    peer: SiteId,
    work: Work,
) -> Result<Event, StoreError> {
    let store = &shared.store;
    match work {
        Work::Open => {
            let set = shared.scrubs.current(store).await?;
            Ok(Event::Opened(compute(move || set.open()).await?))
        }
        Work::Answer(message) => {
            let set = shared.scrubs.current(store).await?;
            let answer = compute(move || set.answer(&message)).await;
            // A message that makes the library panic is garbage like any other.
            Ok(Event::Answered(answer.unwrap_or(Err(Garbage))))
        }
        Work::Compare(message) => {
            let set = shared.scrubs.current(store).await?;
            let compared = compute(move || set.compare(&message)).await;
            Ok(Event::Compared(compared.unwrap_or(Err(Garbage))))
        }
        Work::Fetch { wanted, hashes } => {
            let bundles = store.bundles_of(&hashes, BATCH_LEN).await?;
            Ok(Event::Fetched { wanted, bundles })
        }
        Work::Take { wanted, bundles } => {
            let admit = |bite| shared.store.admit(bite, shared.now().wall_ms);
            let taken = take(&store.frontier(), bundles, admit).await?;
            if taken.strangers > 0 {
                tracing::warn!(peer.site = %peer, taken.strangers, "bundles of no known site");
            }
            Ok(Event::Taken { wanted, taken })
        }
    }
}

async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| StoreError::Stopped)
}

/// Offers bundles: those for holes from the end of each journal, the others from the beginning.
async fn take<F: Future<Output = Result<Vec<Admission>, StoreError>>>(
    heads: &[Head],
    bundles: Vec<Bundle>,
    admit: impl Fn(Vec<Bundle>) -> F,
) -> Result<Taken, StoreError> {
    let ordered = in_order(heads, bundles);
    let hashes: Vec<Hash> = ordered.iter().map(Bundle::hash).collect();
    Ok(Taken::of(hashes, in_bites(ordered, admit).await?))
}

#[cfg(test)]
mod tests;
