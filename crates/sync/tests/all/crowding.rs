//! What an enrolled site that is broken or hostile cannot do to the others.

use super::refusing::{client, client_for, goes_on, introduction};
use super::world::{hub, start};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use records::bundle::{Bundle, Head};
use records::id::{Hash, JournalId, SiteId};
use sync::identity::LINK_NAME;
use sync::wire::{self, Frame, Lane};

async fn dial(hub: &super::world::Site, endpoint: &quinn::Endpoint) -> quinn::Connection {
    let connecting = endpoint.connect(hub.links.local_addr(), LINK_NAME).unwrap();
    connecting.await.unwrap()
}

#[tokio::test]
async fn a_site_that_dials_again_and_again_holds_two_connections() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    let (_dir, west) = hub.joined("西校区值班室", "W").await;
    east.until_up(hub.id()).await;
    let endpoint = client(&west, true);
    let mut held = Vec::new();
    for _ in 0..6 {
        let connection = dial(&hub, &endpoint).await;
        let (mut send, receive) = connection.open_bi().await.unwrap();
        // Says that it will speak, and never does.
        send.write_all(&[0, 0, 1, 0]).await.unwrap();
        held.push((connection, send, receive));
    }
    for (connection, ..) in &held[..4] {
        connection.closed().await;
    }
    goes_on(&hub, &east).await;
}

#[tokio::test]
async fn strangers_who_only_say_that_they_join_keep_no_site_out() {
    let hub = hub().await;
    let (dir, east) = hub.joined("东校区值班室", "E").await;
    let endpoint = client_for(b"dutyroom-join/1", &hub.identity, false);
    let mut joining = Vec::new();
    for _ in 0..16 {
        joining.push(dial(&hub, &endpoint).await);
    }
    let closed = joining.iter().map(quinn::Connection::closed);
    let closed = FuturesUnordered::from_iter(closed);
    closed.take(8).for_each(async |_| ()).await;
    let open = joining.iter().filter(|one| one.close_reason().is_none());
    assert_eq!(open.count(), 8);
    let east = start(dir, east, vec![hub.links.local_addr()]).await;
    goes_on(&hub, &east).await;
}

#[tokio::test]
async fn an_honest_site_goes_on_while_another_floods_and_never_reads() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    let (_dir, west) = hub.joined("西校区值班室", "W").await;
    east.until_up(hub.id()).await;
    let endpoint = client(&west, true);
    let (told, mut flooding) = tokio::sync::watch::channel(0u64);
    let address = hub.links.local_addr();
    let flood = tokio::spawn(async move {
        // Frames that are in order as far as anyone can tell without judging each bundle.
        let junk = Bundle {
            header: vec![1; 300],
            payload: vec![2; 30_000],
            signature: [3; 64],
        };
        loop {
            let connecting = endpoint.connect(address, LINK_NAME).unwrap();
            let Ok(connection) = connecting.await else {
                continue;
            };
            let Ok((mut send, _unread)) = connection.open_bi().await else {
                continue;
            };
            let mut bytes = introduction(&west, &[]);
            for after in 0u64.. {
                if send.write_all(&bytes).await.is_err() {
                    break;
                }
                told.send_modify(|frames| *frames += 1);
                bytes = wire::encode_frame(&Frame::run(
                    JournalId {
                        site: SiteId([9; 8]),
                        incarnation: 1,
                    },
                    after,
                    vec![junk.clone()],
                    Lane::Live,
                ))
                .unwrap();
            }
        }
    });
    for round in 1..=5 {
        flooding
            .wait_for(|frames| *frames > round * 20)
            .await
            .unwrap();
        goes_on(&hub, &east).await;
    }
    assert!(!flood.is_finished());
    flood.abort();
}

#[tokio::test]
async fn an_honest_site_goes_on_while_others_stall_after_their_first_words() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    let (_dir, west) = hub.joined("西校区值班室", "W").await;
    east.until_up(hub.id()).await;
    let endpoint = client(&west, true);
    let connection = dial(&hub, &endpoint).await;
    let (mut send, _unread) = connection.open_bi().await.unwrap();
    send.write_all(&introduction(&west, &[])).await.unwrap();
    // It claims what nobody has, so that the hub waits for it.
    let head = Head {
        journal: west.journal,
        seq: 1_000,
        hash: Hash([7; 32]),
    };
    let claim = Frame::Ack(wire::Ack {
        heads: vec![head],
        ..wire::Ack::default()
    });
    send.write_all(&wire::encode_frame(&claim).unwrap())
        .await
        .unwrap();
    hub.until_up(west.site()).await;
    for _ in 0..3 {
        goes_on(&hub, &east).await;
    }
}
