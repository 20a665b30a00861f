//! Links over real QUIC on bad lines.

use anyhow::{Context as _, Result};
use rand::rngs::StdRng;
use records::id::SiteId;
use std::time::Duration;
use sync::links::Transport;
use sync::status::{PeerState, Via};
use tests::netsim::NetSim;
use tests::quic::{Linking, Prepared, QuicSite, founded, free_port, line, rng};

/// The shortest silence there may be, so that tests wait as little as possible.
fn transport() -> Transport {
    Transport {
        idle: Duration::from_secs(4),
        keep_alive: Duration::from_secs(1),
        ..Transport::default()
    }
}

async fn hub(rng: &mut StdRng) -> Result<QuicSite> {
    let hub = founded(tempfile::tempdir()?, rng).await?;
    let linking = Linking {
        transport: transport(),
        ..Linking::default()
    };
    hub.start(linking).await
}

async fn campus(prepared: Prepared, hub: &NetSim) -> Result<QuicSite> {
    let address = free_port()?;
    let linking = Linking {
        listen: Some(address),
        dial: vec![hub.address()],
        advertise: Some(address),
        transport: transport(),
    };
    prepared.start(linking).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn campuses_link_while_the_hub_is_gone_and_no_backlog_crosses_twice() -> Result<()> {
    let rng = &mut rng(11);
    let hub = hub(rng).await?;
    let lines = [0, 1].map(|_| line(hub.links.local_addr(), "delay=5ms"));
    let [to_east, to_west] = lines;
    let (to_east, to_west) = (to_east?, to_west?);
    let east = hub.joined(tempfile::tempdir()?, "东校区", "E", rng).await?;
    let west = hub.joined(tempfile::tempdir()?, "西校区", "W", rng).await?;
    let east = campus(east, &to_east).await?;
    let west = campus(west, &to_west).await?;
    let (through, direct) = (Some(Via::Hub), Some(Via::Direct));
    east.until_peer(west.id(), |peer| peer.via == through)
        .await?;
    west.until_peer(east.id(), |peer| peer.via == through)
        .await?;
    let first = [east.write(rng).await?, west.write(rng).await?];
    for site in [&hub, &east, &west] {
        site.until_holds(&first).await?;
    }
    until_address(&east, west.id(), true).await?;
    until_address(&west, east.id(), true).await?;

    to_east.cut(true);
    to_west.cut(true);
    east.until_peer(west.id(), |peer| peer.via == direct)
        .await?;
    west.until_peer(east.id(), |peer| peer.via == direct)
        .await?;
    let apart = [
        east.write(rng).await?,
        west.write(rng).await?,
        hub.write(rng).await?,
    ];
    west.until_holds(&apart[..2]).await?;
    east.until_holds(&apart[..2]).await?;

    to_east.cut(false);
    to_west.cut(false);
    for site in [&hub, &east, &west] {
        site.until_holds(&apart).await?;
    }
    let later = [east.write(rng).await?, west.write(rng).await?];
    for site in [&hub, &east, &west] {
        site.until_holds(&later).await?;
    }
    east.until_peer(west.id(), |peer| peer.via == through)
        .await?;
    west.until_peer(east.id(), |peer| peer.via == through)
        .await?;
    for site in [&hub, &east, &west] {
        // What is written while both ways stand may cross twice on a slow machine; no backlog does.
        let twice = site.links.counters().duplicate_bundles;
        assert!(twice <= later.len() as u64, "{}: {twice}", site.id());
        assert_eq!(site.store.frontier(), hub.store.frontier());
    }
    Ok(())
}

/// Waits until a site knows, or knows no more, where another one may be dialled.
async fn until_address(site: &QuicSite, other: SiteId, known: bool) -> Result<()> {
    let wait = async {
        while site.store.link_addresses().await?.contains_key(&other) != known {
            tokio::task::yield_now().await;
        }
        Ok(())
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), wait).await;
    waited.with_context(|| format!("{other}'s address, known: {known}"))?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campus_that_may_not_be_dialled_any_more_is_forgotten_by_all() -> Result<()> {
    let rng = &mut rng(13);
    let hub = hub(rng).await?;
    let address = hub.links.local_addr();
    let linked = |advertise| Linking {
        dial: vec![address],
        advertise,
        transport: transport(),
        ..Linking::default()
    };
    let east = hub.joined(tempfile::tempdir()?, "东校区", "E", rng).await?;
    let west = hub.joined(tempfile::tempdir()?, "西校区", "W", rng).await?;
    let east = east.start(linked(Some(free_port()?))).await?;
    let west = west.start(linked(Some(free_port()?))).await?;
    until_address(&hub, east.id(), true).await?;
    until_address(&west, east.id(), true).await?;
    let east = east.restarted(linked(None)).await?;
    until_address(&hub, east.id(), false).await?;
    until_address(&west, east.id(), false).await?;
    // West may be dialled as before.
    until_address(&east, west.id(), true).await?;
    // Whoever was away meanwhile hears of it as well.
    let east = east.restarted(linked(Some(free_port()?))).await?;
    until_address(&west, east.id(), true).await?;
    let west = west.restarted(Linking::default()).await?;
    let east = east.restarted(linked(None)).await?;
    until_address(&hub, east.id(), false).await?;
    let west = west.restarted(linked(None)).await?;
    until_address(&west, east.id(), false).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_absence_is_made_up_for_on_a_line_that_loses_packets() -> Result<()> {
    let rng = &mut rng(12);
    let hub = hub(rng).await?;
    let words = "delay=10ms jitter=2ms rate=10mbit queue=60ms loss=1% burst=0.2%/30% \
                 reorder=0.5%/8ms duplicate=0.5%";
    let line = line(hub.links.local_addr(), words)?;
    let east = hub.joined(tempfile::tempdir()?, "东校区", "E", rng).await?;
    for _ in 0..400 {
        hub.write(rng).await?;
    }
    let east = campus(east, &line).await?;
    for _ in 0..200 {
        east.write(rng).await?;
    }
    east.until_holds(&hub.store.frontier()).await?;
    hub.until_holds(&east.store.frontier()).await?;
    let is_even = |peer: &sync::status::PeerStatus| {
        let progress = peer.progress.unwrap_or_default();
        peer.state == PeerState::Up && progress.incoming.of + progress.outgoing.of == 0
    };
    east.until_peer(hub.id(), is_even).await?;
    hub.until_peer(east.id(), is_even).await?;
    Ok(())
}
