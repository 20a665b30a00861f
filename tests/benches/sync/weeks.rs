//! `weeks`: two sites that were cut off for four weeks, 33,600 changes on 8,400 records between
//! them, and their line comes back: 20 Mbit/s, round trip 40 ms.
//!
//! Two real sites in this process over real QUIC through the simulated line. Each has half of the
//! changes in its journal, one change a bundle, which is the worst case: real actions often carry
//! several. Time runs from the start of the dialling site's links to both stores holding the
//! same; bytes are all that crossed the line, both ways, QUIC's own included. Anchor: as many
//! bytes at 20 Mbit/s, the longer way.
//!
//! Both sites judge each other's changes on this machine's cores at the same time: 33,600 bundles
//! of some 0.5 ms are 17 s of processor time, of which two cores make 8 s. So where the goal is
//! missed it is the gate and not the line: the `gate` figure says what one record costs.
//! Of a bundle's bytes 96 are random and do not compress (signature, salt, action), and so are
//! the ids of new records and items. All texts here are alike; with texts that differ a bundle
//! takes about 40 bytes more, as a test of `history` counts. What `--quick` sends is mostly the
//! beginning of the connections.

use crate::figure::{Figure, Goal, Size, folder, now, runtime};
use anyhow::Result;
use std::time::Duration;
use tests::netsim::Direction;
use tests::quic::{Linking, QuicSite, founded, line, rng};

const RATE: f64 = 20e6 / 8.0;
const PEOPLE: usize = 64;

struct Run {
    took: Duration,
    up: u64,
    down: u64,
    stream: u64,
}

pub(crate) fn run(size: Size) -> Result<Vec<Figure>> {
    let bundles = size.pick(400, 16_800);
    let run = runtime()?.block_on(weeks(bundles))?;
    let bytes = (run.up + run.down) as f64;
    let at_rate = run.up.max(run.down) as f64 / RATE;
    let share = f64::from(u32::try_from(bundles)?) / 16_800.0;
    Ok(vec![
        Figure::new(
            "four weeks offline: until both are equal",
            run.took.as_secs_f64(),
            "s",
        )
        .goal(Goal::AtMost(8.0))
        .anchor("the same bytes at line rate", at_rate),
        Figure::new("four weeks offline: UDP bytes both ways", bytes / 1e6, "MB")
            .goal(Goal::AtMost(4.5 * share))
            .anchor("on the sync streams", run.stream as f64 / 1e6),
    ])
}

async fn weeks(bundles: usize) -> Result<Run> {
    let rng = &mut rng(4);
    let hub = founded(folder()?, rng)
        .await?
        .start(Linking::default())
        .await?;
    let line = line(hub.links.local_addr(), "delay=20ms rate=20mbit queue=100ms")?;
    let east = hub.joined(folder()?, "东校区", "E", rng).await?;
    let apart = east.start(Linking::default()).await?;
    fill(&apart, bundles, 1_000).await?;
    fill(&hub, bundles, 2_000).await?;
    let east = apart.restarted(Linking {
        dial: vec![line.address()],
        ..Linking::default()
    });
    let (wanted_there, begun) = (hub.store.frontier(), now());
    let east = east.await?;
    let wanted_here = east.store.frontier();
    tokio::try_join!(
        east.until_holds(&wanted_there),
        hub.until_holds(&wanted_here)
    )?;
    let took = begun.elapsed();
    let bytes = east
        .links
        .sync_bytes_since_connect(hub.id())
        .unwrap_or_default();
    Ok(Run {
        took,
        up: line.stats(Direction::Up).offered_bytes,
        down: line.stats(Direction::Down).offered_bytes,
        stream: bytes.sent + bytes.received,
    })
}

/// A quarter of the bundles begin a record, the others add to it; many people at once.
pub(crate) async fn fill(site: &QuicSite, bundles: usize, seed: u64) -> Result<()> {
    let people = (0..PEOPLE).map(async |person| {
        let rng = &mut rng(seed + person as u64);
        for _ in (person..bundles / 4).step_by(PEOPLE) {
            site.write_story(4, rng).await?;
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(people).await?;
    Ok(())
}
