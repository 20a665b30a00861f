use super::world::{Site, founded, hub, start};
use quinn::crypto::rustls::QuicClientConfig;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use sync::identity::{Identity, LINK_NAME};
use sync::status::PeerState;
use sync::wire::{Frame, Hello, PROTOCOL, encode_frame};

/// A bare QUIC client, with or without a site's certificate.
pub(crate) fn client(identity: &Identity, with_certificate: bool) -> quinn::Endpoint {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(identity.ca.clone()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = if with_certificate {
        let key = PrivateKeyDer::Pkcs8(identity.tls_key.clone().into());
        config
            .with_client_auth_cert(vec![identity.certificate.clone()], key)
            .unwrap()
    } else {
        config.with_no_client_auth()
    };
    config.alpn_protocols = vec![b"dutyroom-sync/1".to_vec()];
    let config = QuicClientConfig::try_from(config).unwrap();
    let mut endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(config)));
    endpoint
}

async fn ends_when_sent(hub: &Site, endpoint: &quinn::Endpoint, bytes: &[u8]) {
    let connecting = endpoint.connect(hub.links.local_addr(), LINK_NAME).unwrap();
    let connection = connecting.await.unwrap();
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(bytes).await.unwrap();
    connection.closed().await;
}

pub(crate) async fn goes_on(hub: &Site, campus: &Site) {
    hub.write(1).await;
    campus.until_holds(hub).await;
    campus.write(1).await;
    hub.until_holds(campus).await;
}

#[tokio::test]
async fn a_peer_that_speaks_garbage_is_counted_and_the_honest_one_goes_on() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    let (_dir, west) = hub.joined("西校区值班室", "W").await;
    east.until_up(hub.id()).await;
    let endpoint = client(&west, true);
    let garbage: [&[u8]; 4] = [
        b"\xff\xff\xff\xff lots more to come",
        b"\0\0\0\x04\0\xff\xff\xff",
        b"\0\0\0\x05\x01\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
    ];
    for (at, bytes) in garbage.into_iter().enumerate() {
        ends_when_sent(&hub, &endpoint, bytes).await;
        assert_eq!(hub.links.counters().garbage, at as u64 + 1);
        goes_on(&hub, &east).await;
    }
}

#[tokio::test]
async fn a_request_that_is_garbage_costs_its_peer_the_link() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    let (_dir, west) = hub.joined("西校区值班室", "W").await;
    let endpoint = client(&west, true);
    let connecting = endpoint.connect(hub.links.local_addr(), LINK_NAME).unwrap();
    let connection = connecting.await.unwrap();
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    let hello = Hello {
        versions: vec![PROTOCOL],
        institution: west.institution,
        site: west.site(),
        incarnation: west.journal.incarnation,
        rules: 1,
        boot_number: 1,
        boot: [1; 4],
    };
    for frame in [Frame::Hello(hello), Frame::Frontier(vec![])] {
        send.write_all(&encode_frame(&frame).unwrap())
            .await
            .unwrap();
    }
    hub.until_up(west.site()).await;
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(b"\0\0\0\x04\0\xff\xff\xff").await.unwrap();
    connection.closed().await;
    assert_eq!(hub.links.counters().garbage, 1);
    goes_on(&hub, &east).await;
}

#[tokio::test]
async fn a_site_without_a_certificate_is_refused() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    east.until_up(hub.id()).await;
    let endpoint = client(&hub.identity, false);
    let connecting = endpoint.connect(hub.links.local_addr(), LINK_NAME).unwrap();
    connecting.await.unwrap().closed().await;
    assert_eq!(hub.links.counters().refused_peers, 1);
    goes_on(&hub, &east).await;
}

#[tokio::test]
async fn another_institutions_site_is_refused_on_both_ends() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    east.until_up(hub.id()).await;
    let (dir, stranger) = founded("别的学院").await;
    let stranger = start(dir, stranger, vec![hub.links.local_addr()]).await;
    let mut peers = hub.links.peers();
    while hub.links.counters().refused_peers < 2 || stranger.links.counters().refused_peers < 2 {
        tokio::task::yield_now().await;
    }
    assert!(
        peers
            .borrow_and_update()
            .iter()
            .all(|peer| peer.site != stranger.id())
    );
    assert!(stranger.links.peers().borrow().is_empty());
    assert_eq!(hub.links.counters().garbage, 0);
    goes_on(&hub, &east).await;
}

#[tokio::test]
async fn a_revoked_site_loses_its_link_and_gets_no_other() {
    let hub = hub().await;
    let east = hub.campus("东校区值班室", "E").await;
    let west = hub.campus("西校区值班室", "W").await;
    hub.until_up(west.id()).await;
    let op = records::payload::InstitutionOp::Revoke {
        journal: west.identity.journal,
        cut_seq: 0,
        cut_hash: records::id::Hash::default(),
    };
    let root = &hub.identity.authority.as_ref().unwrap().root;
    let institution = hub.identity.institution;
    hub.store
        .commit_institution(op, root, institution, super::world::NOW)
        .await
        .unwrap();
    west.until_down(hub.id()).await;
    while hub.links.counters().refused_peers == 0 {
        tokio::task::yield_now().await;
    }
    let gone = |peers: &Vec<sync::status::PeerStatus>| {
        peers
            .iter()
            .all(|peer| peer.site != west.id() || peer.state == PeerState::Down)
    };
    hub.links.peers().wait_for(gone).await.unwrap();
    goes_on(&hub, &east).await;
}
