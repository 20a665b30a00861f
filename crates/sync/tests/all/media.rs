use super::world::{hub, next, text};

#[tokio::test]
async fn a_link_carries_datagrams_and_control_messages_beside_sync() {
    let hub = hub().await;
    let mut hub_pipes = hub.links.media_pipes().unwrap();
    let east = hub.campus("东校区值班室", "E").await;
    let mut east_pipes = east.links.media_pipes().unwrap();
    let mut at_hub = next("pipe at the hub", &mut hub_pipes).await;
    let mut at_east = next("pipe at the campus", &mut east_pipes).await;
    assert_eq!((at_hub.peer, at_east.peer), (east.id(), hub.id()));
    assert!(*at_east.max_datagram.borrow() >= 1_100);

    for message in ["pull", "stop"] {
        at_east.control_out.send(text(message)).await.unwrap();
        assert_eq!(
            next("control message", &mut at_hub.control_in).await,
            text(message)
        );
    }
    at_hub.control_out.send(text("refused")).await.unwrap();
    assert_eq!(
        next("control message", &mut at_east.control_in).await,
        text("refused")
    );
    at_hub.datagrams_out.send(text("frame")).await.unwrap();
    assert_eq!(
        next("datagram", &mut at_east.datagrams_in).await,
        text("frame")
    );
    at_east.datagrams_out.send(text("nack")).await.unwrap();
    assert_eq!(
        next("datagram", &mut at_hub.datagrams_in).await,
        text("nack")
    );
}

#[tokio::test]
async fn media_comes_back_with_its_link() {
    let hub = hub().await;
    let mut hub_pipes = hub.links.media_pipes().unwrap();
    let east = hub.campus("东校区值班室", "E").await;
    let mut east_pipes = east.links.media_pipes().unwrap();
    let mut first = next("pipe", &mut east_pipes).await;
    let _first_at_hub = next("pipe", &mut hub_pipes).await;
    east.links.cut(hub.id());
    while first.control_in.recv().await.is_some() {}
    let second = next("second pipe", &mut east_pipes).await;
    let mut at_hub = next("second pipe at the hub", &mut hub_pipes).await;
    second.control_out.send(text("again")).await.unwrap();
    assert_eq!(
        next("control message", &mut at_hub.control_in).await,
        text("again")
    );
}

#[tokio::test]
async fn a_datagram_longer_than_the_path_is_dropped_and_counted() {
    let hub = hub().await;
    let mut hub_pipes = hub.links.media_pipes().unwrap();
    let east = hub.campus("东校区值班室", "E").await;
    let mut east_pipes = east.links.media_pipes().unwrap();
    let at_east = next("pipe", &mut east_pipes).await;
    let mut at_hub = next("pipe at the hub", &mut hub_pipes).await;
    let long = bytes::Bytes::from(vec![0; 70_000]);
    at_east.datagrams_out.send(long).await.unwrap();
    at_east.datagrams_out.send(text("fits")).await.unwrap();
    assert_eq!(
        next("datagram", &mut at_hub.datagrams_in).await,
        text("fits")
    );
    assert!(east.links.counters().media_datagrams_dropped >= 1);
}

#[tokio::test]
async fn a_receiver_that_lags_misses_the_oldest_datagrams() {
    let hub = hub().await;
    let mut hub_pipes = hub.links.media_pipes().unwrap();
    let east = hub.campus("东校区值班室", "E").await;
    let mut east_pipes = east.links.media_pipes().unwrap();
    let at_east = next("pipe", &mut east_pipes).await;
    let mut at_hub = next("pipe at the hub", &mut hub_pipes).await;
    let mut sent = 0u32;
    while hub.links.counters().media_datagrams_dropped < 100 {
        let datagram = bytes::Bytes::copy_from_slice(&sent.to_be_bytes());
        at_east.datagrams_out.send(datagram).await.unwrap();
        sent += 1;
        tokio::task::yield_now().await;
    }
    let mut last = None;
    let mut gap = 0;
    while gap == 0 {
        let datagram = next("datagram", &mut at_hub.datagrams_in).await;
        let number = u32::from_be_bytes(datagram[..].try_into().unwrap());
        gap = last.map_or(0, |last| number - last - 1);
        last = Some(number);
    }
    // The gap lies behind the few that were handed over already, not at the end.
    assert!(last < Some(sent - 100), "{last:?} of {sent}");
}
