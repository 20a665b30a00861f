//! The promises of DESIGN.md section 3 over a world that has come to rest.

use super::actions::Acknowledged;
use super::site::Site;
use anyhow::{Context as _, Result, ensure};
use records::id::RecordId;
use std::collections::{BTreeMap, BTreeSet};
use store::{Filter, RecordRow, Store, StoredRecord};

/// Checks every promise.
///
/// # Errors
/// The first broken one.
pub async fn promises(sites: &[Site], acknowledged: &[Acknowledged]) -> Result<()> {
    let mut first: Option<BTreeMap<RecordId, Shown>> = None;
    for (index, site) in sites.iter().enumerate() {
        let store = site.store().context("a healed site is up")?;
        let records = shown(store).await?;
        nothing_acknowledged_is_lost(&records, acknowledged)
            .with_context(|| format!("at site {index}"))?;
        numbers_are_unique(&records).with_context(|| format!("at site {index}"))?;
        nothing_honest_is_quarantined(store).await?;
        ensure!(
            store.held_only_here() == 0,
            "site {index} thinks it alone holds bundles"
        );
        caches_are_only_caches(store, &records).await?;
        verifies(site)
            .await
            .with_context(|| format!("at site {index}"))?;
        match &first {
            None => first = Some(records),
            Some(first) => ensure!(*first == records, "site {index} shows other records"),
        }
    }
    Ok(())
}

/// A record as any site must show it: what depends on the site that shows it is left out.
#[derive(Debug, PartialEq)]
struct Shown {
    row: RecordRow,
    record: records::read::Record,
    entries: Vec<store::EntryOrigin>,
}

impl From<StoredRecord> for Shown {
    fn from(stored: StoredRecord) -> Self {
        let mut entries = stored.entries;
        entries.sort_by_key(|origin| (origin.hlc, origin.entry));
        Self {
            row: RecordRow {
                acked: true,
                rev: 0,
                ..stored.row
            },
            record: stored.record,
            entries,
        }
    }
}

async fn shown(store: &Store) -> Result<BTreeMap<RecordId, Shown>> {
    let mut filter = Filter {
        limit: 200,
        ..Filter::default()
    };
    let mut records = BTreeMap::new();
    loop {
        let page = store.list(&filter).await?;
        for row in page.rows {
            let stored = store.record(row.id).await?;
            let stored = stored.context("a listed record can be read")?;
            records.insert(row.id, Shown::from(stored));
        }
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return Ok(records),
        }
    }
}

fn nothing_acknowledged_is_lost(
    records: &BTreeMap<RecordId, Shown>,
    acknowledged: &[Acknowledged],
) -> Result<()> {
    for saved in acknowledged {
        let shown = records.get(&saved.record);
        let shown = shown.with_context(|| format!("acknowledged {:?} is lost", saved.record))?;
        if let Some((field, entry)) = saved.entry {
            let kept = shown.record.entries.get(field);
            let kept = kept.is_some_and(|entries| entries.contains_key(&entry));
            ensure!(kept, "acknowledged {entry:?} of {:?} is lost", saved.record);
        }
    }
    Ok(())
}

fn numbers_are_unique(records: &BTreeMap<RecordId, Shown>) -> Result<()> {
    let mut taken = BTreeSet::new();
    for shown in records
        .values()
        .filter(|shown| !shown.row.number.is_empty())
    {
        ensure!(
            taken.insert(&shown.row.number),
            "number {} is there twice",
            shown.row.number
        );
    }
    Ok(())
}

async fn nothing_honest_is_quarantined(store: &Store) -> Result<()> {
    let quarantined = store.quarantine().await?;
    ensure!(
        quarantined.is_empty(),
        "honest bundles are quarantined: {quarantined:?}"
    );
    let forks = store.forks().await?;
    ensure!(forks.is_empty(), "honest journals are forked: {forks:?}");
    Ok(())
}

/// Invariant 2: dropping every cache and replaying gives the same heads and rows.
async fn caches_are_only_caches(store: &Store, before: &BTreeMap<RecordId, Shown>) -> Result<()> {
    let heads = store.frontier();
    store.rebuild().await?;
    ensure!(store.frontier() == heads, "rebuilding moved a head");
    ensure!(
        shown(store).await? == *before,
        "rebuilding changed what is shown"
    );
    Ok(())
}

async fn verifies(site: &Site) -> Result<()> {
    let report = store::verify::verify(site.folder(), |_| ()).await?;
    ensure!(
        report.first_bad.is_none(),
        "verify finds {:?}",
        report.first_bad
    );
    Ok(())
}
