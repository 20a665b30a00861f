//! `missing`: bytes on the sync stream, both ways, when the last 10 and 1,000 changes are missing
//! at one site, beside the raw bytes of those changes.
//!
//! Real stores fed with a realistic history of two campuses, one change a bundle (the dearest
//! case: every change pays for a signed header) and four a bundle; real sessions until nothing
//! moves. The goal for 10 is their raw bytes and 1 KiB; for 1,000 it is 0.6 of their raw bytes.
//!
//! Of the 163 bytes that a bundle of one change takes on the stream, with 1,000 missing, 96 are
//! signature, salt and action id, which do not compress. The hashes of bundles that it names are
//! left out where the receiver named them in its frontier or this stream has carried them, and the
//! journals of several sites travel in one frame by their clocks, so that mostly it has. Each frame
//! tells its records anew: of 256 KiB instead of 512 they make 0.605. Tried and not taken: a column
//! of its own for each column of a change (bundles of one kind are alike across them: 5 % more), a
//! dictionary of field names (45 bytes of 4,400), zstd at level 19 (1 % less, twice the time).
//!
//! With 10 missing there are 550 bytes of greeting and frontiers, and most changes follow one that
//! only the receiver's store knows, by 32 bytes. Next: leave that out where it is the record's last
//! change in what the receiver named.
//!
//! Anchors: Automerge's own sync protocol with fresh state, and samod (the Rust automerge-repo), on
//! the records that differ alone: they would have to try all the others, too, to know which these
//! are (figure `reconnect`).

use crate::figure::{Figure, Goal, Size, folder, runtime};
use crate::pair::{connect, founded};
use crate::{per_record, repo};
use anyhow::Result;
use records::bundle::Bundle;
use records::payload::{self, Body, Section};
use tests::history::{BEGIN_MS, History, Plan};

pub(crate) fn run(size: Size) -> Result<Vec<Figure>> {
    let runtime = runtime()?;
    let mut figures = Vec::new();
    for a_bundle in [1, 4] {
        for missing in size.pick([10, 100], [10, 1_000]) {
            let plan = Plan {
                changes_per_bundle: a_bundle,
                ..Plan::year().with_records(size.pick(100, 800))
            };
            figures.extend(runtime.block_on(measure(plan, missing))?);
        }
    }
    Ok(figures)
}

async fn measure(plan: Plan, missing: usize) -> Result<[Figure; 2]> {
    let bundles: Vec<Bundle> = History::new(plan.clone()).collect();
    let (mut lacking, mut changes, mut raw) = (0, 0, 0);
    for bundle in bundles.iter().rev() {
        if changes >= missing {
            break;
        }
        for change in changes_of(bundle) {
            changes += 1;
            raw += change.len();
        }
        lacking += 1;
    }
    let (one, other) = (folder()?, folder()?);
    let (whole, behind) = (founded(one.path()).await?, founded(other.path()).await?);
    let before = bundles[..bundles.len() - lacking].to_vec();
    behind.admit(before, BEGIN_MS).await?;
    whole.admit(bundles, BEGIN_MS).await?;
    let crossed = connect([&whole, &behind]).await?;
    anyhow::ensure!(
        whole.frontier() == behind.frontier(),
        "the stores are not equal"
    );
    anyhow::ensure!(
        crossed.bundles == lacking as u64,
        "sent {}",
        crossed.bundles
    );
    let documents = per_record::documents(plan.clone(), lacking)?;
    let samod = repo::sync(documents.clone()).await?;
    let theirs = per_record::sync(documents)?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let of_raw = |bytes: u64| bytes as f64 / raw as f64;
    let a_bundle = plan.changes_per_bundle;
    let name = format!("{changes} changes missing, {a_bundle} a bundle, of their raw bytes");
    let goal = match missing {
        ..=10 => of_raw(raw as u64 + 1_024),
        _ => 0.6,
    };
    let figure = || Figure::new(&name, of_raw(crossed.bytes), "x");
    Ok([
        figure().goal(Goal::AtMost(goal)).anchor(
            "Automerge sync of the records that differ alone",
            of_raw(theirs),
        ),
        figure().anchor("samod, these records alone", of_raw(samod)),
    ])
}

pub(crate) fn changes_of(bundle: &Bundle) -> Vec<Vec<u8>> {
    let sections = payload::decode(&bundle.payload).unwrap_or_default();
    let bodies = sections.iter().filter_map(|section| match section {
        Section::Present { body, .. } => Body::decode(body).ok(),
        Section::Erased(_) => None,
    });
    let changes = bodies.filter_map(|body| match body {
        Body::Record(section) => Some(section.changes),
        _ => None,
    });
    changes.flatten().collect()
}
