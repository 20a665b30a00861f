use super::world::{Line, hub, start, start_at};
use sync::status::Via;

#[tokio::test]
async fn three_sites_converge_and_see_each_other() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    let west = hub.campus("西校区值班室", "W").await;
    hub.write(20).await;
    east.write(30).await;
    west.write(10).await;
    for (site, other) in [(&hub, &east), (&hub, &west), (&east, &hub), (&west, &hub)] {
        site.until_holds(other).await;
    }
    for (site, other) in [(&east, &west), (&west, &east)] {
        site.until_holds(other).await;
        site.until_peer(other.id(), |peer| peer.via == Some(Via::Hub))
            .await;
    }
    assert_eq!(east.store.frontier(), hub.store.frontier());
    assert_eq!(west.store.frontier(), hub.store.frontier());
    assert!(east.links.hub_offset_ms().is_some());
}

#[tokio::test]
async fn what_is_written_is_pushed_relayed_and_acknowledged() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    let west = hub.campus("西校区值班室", "W").await;
    west.until_up(hub.id()).await;
    east.until_up(hub.id()).await;
    east.write(1).await;
    west.until_holds(&east).await;
    east.until_store("nothing is held only here", |store| {
        store.held_only_here() == 0
    })
    .await;
}

#[tokio::test]
async fn a_cut_link_heals_and_nothing_is_missing() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    east.until_up(hub.id()).await;
    for _ in 0..3 {
        east.links.cut(hub.id());
        east.write(5).await;
        hub.write(5).await;
    }
    hub.until_holds(&east).await;
    east.until_holds(&hub).await;
    assert!(east.links.counters().reconnects >= 1);
}

#[tokio::test]
async fn reconnecting_with_nothing_missing_costs_under_a_kibibyte() {
    let hub = hub().await;
    let (dir, identity) = hub.joined("东校区值班室", "E").await;
    let east = start(dir, identity, vec![hub.links.local_addr()]).await;
    east.write(300).await;
    hub.write(300).await;
    hub.until_holds(&east).await;
    east.until_holds(&hub).await;
    let (dir, identity, _) = east.stop().await;
    hub.until_down(identity.site()).await;
    let east = start(dir, identity, vec![hub.links.local_addr()]).await;
    east.until_up(hub.id()).await;
    println!("dial to up: {:?}", east.started.elapsed());
    // The clock is compared last, so all else has been said by then.
    while east.links.hub_offset_ms().is_none() {
        tokio::task::yield_now().await;
    }
    let bytes = east.links.sync_bytes_since_connect(hub.id()).unwrap();
    println!("reconnect, nothing missing: {bytes:?}");
    assert!(bytes.received + bytes.sent <= 1024, "{bytes:?}");
}

#[tokio::test]
async fn a_stopped_hub_is_noticed_and_found_again_at_its_address() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    let west = hub.campus("西校区值班室", "W").await;
    east.until_peer(west.id(), |peer| peer.via == Some(Via::Hub))
        .await;
    let (dir, identity, address) = hub.stop().await;
    east.until_down(identity.site()).await;
    east.until_down(west.id()).await;
    east.write(3).await;
    let hub = start_at(dir, identity, address, vec![]).await;
    east.until_up(hub.id()).await;
    hub.until_holds(&east).await;
    west.until_holds(&east).await;
}

#[tokio::test]
async fn two_sites_that_dial_each_other_keep_one_link() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    east.until_up(hub.id()).await;
    let east_address = east.links.local_addr();
    let (dir, identity, address) = hub.stop().await;
    let hub = start_at(dir, identity, address, vec![east_address]).await;
    hub.until_up(east.id()).await;
    east.until_up(hub.id()).await;
    hub.write(2).await;
    east.write(2).await;
    hub.until_holds(&east).await;
    east.until_holds(&hub).await;
}

#[tokio::test]
async fn a_line_that_swallows_everything_is_noticed_and_heals() {
    let hub = hub().await;
    let line = Line::to(hub.links.local_addr()).await;
    let (dir, identity) = hub.joined("东校区值班室", "E").await;
    let east = start(dir, identity, vec![line.address]).await;
    east.until_up(hub.id()).await;
    line.swallow(true);
    let cut = tokio::time::Instant::now();
    east.write(2).await;
    hub.write(2).await;
    east.until_down(hub.id()).await;
    println!("silence noticed after: {:?}", cut.elapsed());
    line.swallow(false);
    hub.until_holds(&east).await;
    east.until_holds(&hub).await;
}
