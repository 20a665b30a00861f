//! What a link offers to the store next: live before bulk, in bites the one writer swallows
//! quickly, so that no peer keeps it from the others. Pure.

use super::Shared;
use super::counters::add;
use crate::session::Outcome;
use crate::wire::Lane;
use records::bundle::{Bundle, Head};
use records::id::JournalId;
use records::payload::{self, Body, Section};
use records::prescan::prescan;
use std::collections::VecDeque;
use std::time::Duration;
use store::{Admission, StoreError};
use tokio::time::Instant;

/// A bite should not take longer than this, with the writer's other work and the disk's sync.
const WANTED: Duration = Duration::from_millis(50);
/// Nor longer than this, however slow the disk.
const LONGEST: Duration = Duration::from_millis(250);
const FIRST_BITE: usize = 4;
const LARGEST_BITE: usize = 512;
const BITE_LEN: usize = 256 * 1024;
/// Automerge operations of one bite, which is what the gate's time goes into: a change of a
/// hundred bytes may have 20,000.
const BITE_OPS: usize = 40_000;

/// Bundles that came in one frame.
struct Batch {
    journal: JournalId,
    bundles: VecDeque<(usize, Bundle)>,
    answers: Vec<Admission>,
    all: usize,
}

/// What the store is offered at once.
#[derive(Debug)]
pub(super) struct Bite {
    live: usize,
    bulk: usize,
    pub(super) bundles: Vec<Bundle>,
}

/// How much of either lane was in a bite.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    live: usize,
    bulk: usize,
}

/// A batch of which every bundle has its answer.
pub(super) struct Answered {
    pub(super) lane: Lane,
    pub(super) journal: JournalId,
    pub(super) answers: Vec<Admission>,
}

/// The bundles of one peer that wait for the store.
pub(super) struct Offers {
    live: VecDeque<Batch>,
    bulk: VecDeque<Batch>,
    most: usize,
    least: Duration,
}

impl Offers {
    pub(super) fn new() -> Self {
        Self {
            live: VecDeque::new(),
            bulk: VecDeque::new(),
            most: FIRST_BITE,
            least: LONGEST,
        }
    }

    pub(super) fn push(&mut self, lane: Lane, journal: JournalId, bundles: Vec<Bundle>) {
        let batch = Batch {
            journal,
            all: bundles.len(),
            answers: Vec::with_capacity(bundles.len()),
            bundles: bundles.into_iter().map(|b| (ops(&b), b)).collect(),
        };
        match lane {
            Lane::Live => self.live.push_back(batch),
            Lane::Bulk => self.bulk.push_back(batch),
        }
    }

    /// The next bite, if anything waits. It is to be answered before another is taken.
    pub(super) fn bite(&mut self) -> Option<Bite> {
        let mut bundles = Vec::new();
        let mut room = Room {
            bytes: BITE_LEN,
            ops: BITE_OPS,
        };
        let live = fill(&mut self.live, self.most, &mut room, &mut bundles);
        let bulk = fill(&mut self.bulk, self.most - live, &mut room, &mut bundles);
        let bite = Bite {
            live,
            bulk,
            bundles,
        };
        (live + bulk > 0).then_some(bite)
    }

    /// Takes the store's answers to a bite; returns the batches that are whole by now, in order.
    pub(super) fn answer(
        &mut self,
        parts: Parts,
        answers: Vec<Admission>,
        took: Duration,
    ) -> Vec<Answered> {
        self.learn(parts.live + parts.bulk, took);
        let mut answers = answers.into_iter();
        let mut whole = Vec::new();
        for (lane, batches, mut count) in [
            (Lane::Live, &mut self.live, parts.live),
            (Lane::Bulk, &mut self.bulk, parts.bulk),
        ] {
            while let Some(batch) = batches.front_mut() {
                let open = batch.all - batch.answers.len();
                let part = open.min(count);
                batch.answers.extend(answers.by_ref().take(part));
                count -= part;
                if batch.answers.len() < batch.all {
                    break;
                }
                let Some(batch) = batches.pop_front() else {
                    break;
                };
                whole.push(Answered {
                    lane,
                    journal: batch.journal,
                    answers: batch.answers,
                });
            }
        }
        whole
    }

    /// Makes the next bite as large as would have taken the wanted time. A disk that is slow by
    /// itself is known by its quickest answer, and smaller bites would not make it quicker.
    fn learn(&mut self, count: usize, took: Duration) {
        self.least = self.least.min(took);
        let wanted = (self.least * 2).clamp(WANTED, LONGEST);
        if took > wanted {
            let share = wanted.as_secs_f64() / took.as_secs_f64();
            self.most = ((count as f64 * share) as usize).max(1);
        } else if count == self.most && took <= wanted / 2 {
            self.most = (self.most * 2).min(LARGEST_BITE);
        }
    }
}

impl Bite {
    pub(super) fn parts(&self) -> Parts {
        Parts {
            live: self.live,
            bulk: self.bulk,
        }
    }
}

/// What still fits a bite.
struct Room {
    bytes: usize,
    ops: usize,
}

/// How many operations a bundle brings, as far as can be told without judging it.
fn ops(bundle: &Bundle) -> usize {
    let sections = payload::decode(&bundle.payload).unwrap_or_default();
    let bodies = sections.iter().filter_map(|section| match section {
        Section::Present { body, .. } => Body::decode(body).ok(),
        Section::Erased(_) => None,
    });
    let changes = bodies.flat_map(|body| match body {
        Body::Record(record) => record.changes,
        Body::Institution(_) | Body::Unknown(_) => Vec::new(),
    });
    let ops = changes.filter_map(|change| prescan(&change).ok());
    let ops: u64 = ops.map(|scan| scan.ops).sum();
    usize::try_from(ops).unwrap_or(usize::MAX)
}

/// Moves bundles until there are `most` or they use up `room`; one always fits an empty bite.
fn fill(
    batches: &mut VecDeque<Batch>,
    most: usize,
    room: &mut Room,
    bite: &mut Vec<Bundle>,
) -> usize {
    let before = bite.len();
    for batch in batches {
        while bite.len() - before < most
            && let Some((ops, bundle)) = batch.bundles.front()
        {
            let len = bundle.header.len() + bundle.payload.len();
            let fits = len <= room.bytes && *ops <= room.ops;
            if !fits && !bite.is_empty() {
                *room = Room { bytes: 0, ops: 0 };
                return bite.len() - before;
            }
            room.bytes = room.bytes.saturating_sub(len);
            room.ops = room.ops.saturating_sub(*ops);
            bite.extend(batch.bundles.pop_front().map(|(_, bundle)| bundle));
        }
    }
    bite.len() - before
}

/// Offers bundles in their order and by bites, so that nobody else waits long for the store.
pub(super) async fn in_bites<F: Future<Output = Result<Vec<Admission>, StoreError>>>(
    bundles: Vec<Bundle>,
    admit: impl Fn(Vec<Bundle>) -> F,
) -> Result<Vec<Admission>, StoreError> {
    let mut offers = Offers::new();
    offers.push(Lane::Bulk, JournalId::INSTITUTION, bundles);
    let mut admissions = Vec::new();
    while let Some(bite) = offers.bite() {
        let (parts, begun) = (bite.parts(), Instant::now());
        let answers = admit(bite.bundles).await?;
        for answered in offers.answer(parts, answers, begun.elapsed()) {
            admissions.extend(answered.answers);
        }
    }
    Ok(admissions)
}

/// What a batch of answers means for a session.
pub(super) fn outcome(shared: &Shared, admissions: &[Admission], heads: Vec<Head>) -> Outcome {
    let mut outcome = Outcome {
        heads,
        ..Outcome::default()
    };
    let mut duplicates = 0;
    for admission in admissions {
        match admission {
            Admission::Fork { head } => outcome.forks.push((head.journal, head.seq)),
            Admission::Waiting { kept: false, .. } => outcome.lost = true,
            Admission::NotOurs {
                code: store::LATER_VERSION,
            } => outcome.later = true,
            Admission::NotOurs { .. } => outcome.strangers += 1,
            Admission::Duplicate => duplicates += 1,
            Admission::Admitted { .. }
            | Admission::Mended { .. }
            | Admission::Refused { .. }
            | Admission::Held { .. }
            | Admission::Waiting { .. } => {}
        }
    }
    add(&shared.counters.duplicates, duplicates);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::id::SiteId;

    fn journal(site: u8) -> JournalId {
        JournalId {
            site: SiteId([site; 8]),
            incarnation: 1,
        }
    }

    fn bundles(count: usize, len: usize) -> Vec<Bundle> {
        let bundle = Bundle {
            header: vec![],
            payload: vec![0; len],
            signature: [0; 64],
        };
        vec![bundle; count]
    }

    fn swallow(offers: &mut Offers, took_ms: u64) -> (usize, Vec<(Lane, JournalId, usize)>) {
        let bite = offers.bite().unwrap();
        let (count, parts) = (bite.bundles.len(), bite.parts());
        let answers = vec![Admission::Duplicate; count];
        let whole = offers.answer(parts, answers, Duration::from_millis(took_ms));
        let whole = whole
            .into_iter()
            .map(|batch| (batch.lane, batch.journal, batch.answers.len()));
        (count, whole.collect())
    }

    #[test]
    fn what_is_new_goes_before_what_was_missed_even_in_the_middle_of_a_batch() {
        let mut offers = Offers::new();
        offers.push(Lane::Bulk, journal(1), bundles(40, 10));
        assert_eq!(swallow(&mut offers, 1), (4, vec![]));
        assert_eq!(swallow(&mut offers, 1), (8, vec![]));
        offers.push(Lane::Live, journal(2), bundles(1, 10));
        let bite = offers.bite().unwrap();
        assert_eq!((bite.live, bite.bulk), (1, 15));
        let answers = vec![Admission::Duplicate; 16];
        let whole = offers.answer(bite.parts(), answers, Duration::from_millis(1));
        let whole: Vec<_> = whole.iter().map(|batch| batch.lane).collect();
        assert_eq!(whole, [Lane::Live]);
        let (count, whole) = swallow(&mut offers, 1);
        assert_eq!(count, 13);
        assert_eq!(whole, [(Lane::Bulk, journal(1), 40)]);
        assert!(offers.bite().is_none());
    }

    #[test]
    fn bundles_that_are_hard_to_judge_come_one_at_a_time() {
        let mut offers = Offers::new();
        offers.push(Lane::Bulk, journal(1), bundles(400, 10));
        let (mut counts, mut slow_ms) = (Vec::new(), 0);
        for _ in 0..4 {
            let count = offers.most.min(400) as u64;
            slow_ms = count * 300;
            counts.push(swallow(&mut offers, slow_ms).0);
        }
        assert_eq!(counts.last(), Some(&1), "{counts:?}, {slow_ms}");
    }

    #[test]
    fn bundles_that_are_easy_come_by_the_hundred() {
        let mut offers = Offers::new();
        offers.push(Lane::Bulk, journal(1), bundles(4_000, 10));
        let counts: Vec<_> = (0..9).map(|_| swallow(&mut offers, 8).0).collect();
        assert_eq!(counts, [4, 8, 16, 32, 64, 128, 256, 512, 512]);
    }

    #[test]
    fn a_slow_disk_is_not_taken_for_hard_bundles() {
        let mut offers = Offers::new();
        offers.push(Lane::Bulk, journal(1), bundles(4_000, 10));
        for _ in 0..8 {
            swallow(&mut offers, 70);
        }
        assert_eq!(offers.most, LARGEST_BITE);
    }

    #[test]
    fn a_bite_is_bounded_in_bytes_and_holds_at_least_one_bundle() {
        let mut offers = Offers::new();
        offers.push(Lane::Live, journal(1), bundles(3, 1024 * 1024));
        offers.push(Lane::Bulk, journal(2), bundles(3, 100));
        let counts: Vec<_> = (0..4).map(|_| swallow(&mut offers, 1).0).collect();
        assert_eq!(counts, [1, 1, 1, 3]);
    }

    /// One writer, two peers; each has one bite in its queue at most, answered in order.
    #[test]
    fn an_honest_peer_passes_a_hostile_one_within_two_jobs_and_little_time() {
        let mut hostile = Offers::new();
        hostile.push(Lane::Live, journal(6), bundles(4_000, 300));
        let cost_ms = 100;
        let mut longest_ms = 0;
        for turn in 0..20 {
            let bite = hostile.bite().unwrap();
            let took_ms = bite.bundles.len() as u64 * cost_ms;
            // The honest bite came while the hostile one was under way, and is next.
            let mut honest = Offers::new();
            honest.push(Lane::Live, journal(1), bundles(1, 300));
            assert_eq!(honest.bite().unwrap().bundles.len(), 1);
            longest_ms = longest_ms.max(took_ms);
            let answers = vec![Admission::Duplicate; bite.bundles.len()];
            hostile.answer(bite.parts(), answers, Duration::from_millis(took_ms));
            assert!(turn < 2 || took_ms <= 250, "turn {turn}: {took_ms} ms");
        }
        assert!(longest_ms < 2_000, "{longest_ms}");
    }

    #[test]
    fn small_bundles_with_many_operations_do_not_fill_a_bite() {
        let mut offers = Offers::new();
        offers.push(Lane::Bulk, journal(1), bundles(100, 10));
        for (ops, _) in &mut offers.bulk[0].bundles {
            *ops = 19_000;
        }
        offers.most = LARGEST_BITE;
        assert_eq!(offers.bite().unwrap().bundles.len(), 2);
    }
}
