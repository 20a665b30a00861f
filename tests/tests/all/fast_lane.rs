//! The fast lane on real links: a new site reads before it has replayed.

use anyhow::{Result, ensure};
use store::{Filter, RecordRow, Store, Verified};
use sync::identity::Identity;
use tests::history::Plan;
use tests::quic::{Linking, Prepared, QuicSite, line};
use tests::year;

const RECORDS: usize = 2_000;
/// A slow line: the journals take some seconds at least, however fast the machine.
const LINE: &str = "delay=20ms rate=1mbit";

/// A site of the history's institution, which holds as much of it as `plan` says.
async fn site(index: usize, plan: Plan, linking: Linking) -> Result<QuicSite> {
    let folder = tempfile::tempdir()?;
    year::make(index, folder.path(), plan, |_| ()).await?;
    let identity = Identity::load(folder.path())?;
    Prepared { folder, identity }.start(linking).await
}

/// Every row, as lists show them.
async fn shown(store: &Store) -> Result<Vec<RecordRow>> {
    let mut rows = Vec::new();
    let mut filter = Filter {
        limit: 200,
        ..Filter::default()
    };
    loop {
        let page = store.list_shown(&filter).await?;
        rows.extend(page.rows);
        filter.after = page.next;
        if filter.after.is_none() {
            return Ok(rows);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_site_reads_rows_before_it_has_replayed_and_none_is_left_unproved() -> Result<()> {
    let plan = Plan {
        changes: 1,
        ..Plan::year().with_records(RECORDS)
    };
    let hub = site(0, plan.clone(), Linking::default()).await?;
    let slow = line(hub.links.local_addr(), LINE)?;
    let dial = Linking {
        dial: vec![slow.address()],
        ..Linking::default()
    };
    let east = site(3, plan.with_records(0), dial).await?;
    let mut changed = east.store.changed();
    while east.store.verified().is_none() {
        changed.changed().await?;
    }
    let rows = shown(&east.store).await?;
    let newest = &shown(&hub.store).await?[0];
    let Verified { to, of } = east.store.verified().unwrap_or(Verified { to: 0, of: 0 });
    ensure!(to < of, "the replay has not ended: {to} of {of}");
    ensure!(
        rows[0].id == newest.id && rows[0].provisional,
        "{:?}",
        rows[0]
    );
    ensure!(rows[0].title == newest.title, "{:?} is {newest:?}", rows[0]);
    let decided = east.store.row(rows[0].id).await?;
    ensure!(decided.is_none(), "a row that is not proved is only listed");
    east.until_holds(&hub.store.frontier()).await?;
    while east.store.verified().is_some() {
        changed.changed().await?;
    }
    let (here, there) = (shown(&east.store).await?, shown(&hub.store).await?);
    ensure!(here.len() == RECORDS && here.iter().all(|row| !row.provisional));
    let same =
        |(a, b): (&RecordRow, &RecordRow)| (a.id, &a.title, &a.state) == (b.id, &b.title, &b.state);
    ensure!(here.iter().zip(&there).all(same), "the rows are the hub's");
    Ok(())
}
