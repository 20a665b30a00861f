//! `scrub`: two sites prove that they hold the same 10^6 bundles: bytes of the frames both ways,
//! and CPU of both sites together.
//!
//! The sets stand in memory, as a site keeps them between scrubs (40 bytes a bundle, extended by
//! what is new; they are made from the bundle table, once after a start, at the speed of reading
//! it). One thread computes, so wall time is CPU. With 1,000 bundles missing at random places the
//! comparison alone is measured, without the bundles that are then asked for.
//!
//! Anchor: the `negentropy` crate's own vector storage, sealed beforehand, without frames.

use crate::figure::{Figure, Goal, Size, now};
use anyhow::{Context as _, Result};
use negentropy::{Id, Negentropy, NegentropyStorageVector};
use records::id::Hash;
use sync::scrub::set::Set;
use sync::wire::{self, Frame};

/// Journals whose bundles share places.
const JOURNALS: u64 = 3;
const MISSING: u64 = 1_000;

pub(crate) fn run(size: Size) -> Result<Vec<Figure>> {
    let count = size.pick(20_000, 1_000_000);
    let all: Vec<_> = (0..count).map(item).collect();
    let mut set = Set::default();
    set.extend(all.iter().copied());
    let equal = compare(&set, &set)?;
    let (anchor_bytes, anchor_ms) = alone(&all)?;
    let mut behind = Set::default();
    let step = count / MISSING;
    behind.extend(all.iter().copied().filter(|item| number(item) % step != 7));
    let apart = compare(&behind, &set)?;
    anyhow::ensure!(apart.found == MISSING, "found {}", apart.found);
    Ok(vec![
        Figure::new(format!("scrub, {count} equal"), equal.bytes, "B")
            .goal(Goal::AtMost(400.0))
            .anchor("negentropy alone", anchor_bytes),
        Figure::new(format!("scrub, {count} equal, CPU of both"), equal.ms, "ms")
            .goal(Goal::AtMost(60.0))
            .anchor("negentropy alone", anchor_ms),
        Figure::new(
            format!("scrub, {MISSING} of {count} missing, hashes"),
            apart.bytes,
            "B",
        )
        .goal(Goal::AtMost(1_500_000.0)),
        Figure::new(
            format!("scrub, {MISSING} of {count} missing, CPU"),
            apart.ms,
            "ms",
        ),
    ])
}

struct Cost {
    bytes: f64,
    ms: f64,
    found: u64,
}

fn item(number: u64) -> (u64, Hash) {
    let hash = blake3::hash(&number.to_be_bytes());
    (number / JOURNALS, Hash(*hash.as_bytes()))
}

/// The item's number, up to the journal it is in.
fn number(item: &(u64, Hash)) -> u64 {
    (0..JOURNALS)
        .map(|journal| item.0 * JOURNALS + journal)
        .find(|number| blake3::hash(&number.to_be_bytes()).as_bytes() == &item.1.0)
        .unwrap_or(0)
}

fn compare(asker: &Set, answerer: &Set) -> Result<Cost> {
    let begun = now();
    let mut bytes = 0;
    let mut found = 0;
    let mut next = Some(asker.open());
    while let Some(message) = next {
        bytes += framed(false, &message)?;
        let answer = answerer.answer(&message)?;
        bytes += framed(true, &answer)?;
        let compared = asker.compare(&answer)?;
        found += compared.need.len() as u64;
        next = compared.next;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let bytes = bytes as f64;
    Ok(Cost {
        bytes,
        ms: begun.elapsed().as_secs_f64() * 1_000.0,
        found,
    })
}

fn framed(answer: bool, message: &[u8]) -> Result<usize> {
    let message = message.to_vec();
    Ok(wire::encode_frame(&Frame::Scrub { answer, message })?.len())
}

fn alone(all: &[(u64, Hash)]) -> Result<(f64, f64)> {
    let mut storage = NegentropyStorageVector::with_capacity(all.len());
    for (seq, hash) in all {
        storage.insert(*seq, Id::from_byte_array(hash.0))?;
    }
    storage.seal()?;
    let begun = now();
    let mut asker = Negentropy::borrowed(&storage, 60_000)?;
    let mut answerer = Negentropy::borrowed(&storage, 60_000)?;
    let question = asker.initiate()?;
    let answer = answerer.reconcile(&question)?;
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let next = asker.reconcile_with_ids(&answer, &mut have, &mut need)?;
    anyhow::ensure!(next.is_none(), "equal sets need one question");
    let bytes = u32::try_from(question.len() + answer.len()).context("a short message")?;
    Ok((f64::from(bytes), begun.elapsed().as_secs_f64() * 1_000.0))
}
