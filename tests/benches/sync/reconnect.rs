//! `reconnect`: bytes on the sync stream, both ways, when two sites meet again and nothing is
//! missing, at 10^5 and 10^6 changes.
//!
//! Two equal stores with three journals of really signed and chained bundles of four changes, two
//! real sessions between them until nothing moves; Hello, frontier, first clock question and
//! acknowledgements count, QUIC and TLS do not. The stores are made by writing bundles straight
//! into the table, without records behind them: a session reads journals alone, and signing 10^6
//! judged changes would measure something else.
//!
//! Anchors: Automerge's own sync protocol with fresh state, a record at a time, and samod (the Rust
//! automerge-repo) with every document open at both ends, on equal documents of a realistic
//! history; both measured on some records and extrapolated to the 0.11 records a change of a year
//! of two campuses.

use crate::figure::{Figure, Goal, Size, folder, runtime};
use crate::pair::{RECORDS_A_CHANGE, connect, fill, open};
use crate::{per_record, repo};
use anyhow::Result;
use std::path::Path;
use tests::history::Plan;

pub(crate) fn run(size: Size) -> Result<Vec<Figure>> {
    let runtime = runtime()?;
    let records = size.pick(50, 2_000);
    let documents = per_record::documents(Plan::year().with_records(records), 0)?;
    let samod = runtime.block_on(repo::sync(documents.clone()))?;
    let fresh = per_record::sync(documents)?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let of_changes = |bytes: u64, changes: usize| {
        bytes as f64 / records as f64 * RECORDS_A_CHANGE * changes as f64
    };
    let sizes = size.pick([2_000, 20_000], [100_000, 1_000_000]);
    let mut figures = Vec::new();
    let mut first = None;
    for changes in sizes {
        let bytes = runtime.block_on(measure(changes))?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let value = bytes as f64;
        let name = format!("reconnect, {changes} changes, 0 missing");
        let anchor = format!("Automerge sync, fresh state, from {records} records");
        figures.push(
            Figure::new(&name, value, "B")
                .goal(Goal::AtMost(1_024.0))
                .anchor(anchor, of_changes(fresh, changes)),
        );
        let anchor = format!("samod, from {records} records");
        figures.push(Figure::new(name, value, "B").anchor(anchor, of_changes(samod, changes)));
        let before = *first.get_or_insert(value);
        if before.to_bits() != value.to_bits() || changes == sizes[1] {
            let growth = (value / before - 1.0) * 100.0;
            figures.push(
                Figure::new("reconnect, growth with ten times the history", growth, "%")
                    .goal(Goal::AtMost(5.0)),
            );
        }
    }
    Ok(figures)
}

async fn measure(changes: usize) -> Result<u64> {
    let (one, other) = (folder()?, folder()?);
    fill(one.path(), changes).await?;
    copy(one.path(), other.path())?;
    let stores = [open(one.path()).await?, open(other.path()).await?];
    Ok(connect([&stores[0], &stores[1]]).await?.bytes)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_name() != "lock" {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
