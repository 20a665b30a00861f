use super::world::{Site, founded, hub, start};
use quinn::crypto::rustls::QuicClientConfig;
use records::bundle::Head;
use records::id::Hash;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use sync::identity::{Identity, LINK_NAME};
use sync::status::PeerState;
use sync::wire::request::{Reply, Request, decode_request, decode_rows};
use sync::wire::{Frame, Hello, PROTOCOL, decode, decode_frame, encode, encode_frame};

/// A bare QUIC client, with or without a site's certificate.
pub(crate) fn client(identity: &Identity, with_certificate: bool) -> quinn::Endpoint {
    client_for(b"dutyroom-sync/1", identity, with_certificate)
}

/// The same for another purpose.
pub(crate) fn client_for(
    purpose: &[u8],
    identity: &Identity,
    with_certificate: bool,
) -> quinn::Endpoint {
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
    config.alpn_protocols = vec![purpose.to_vec()];
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

/// How a conversation begins, by a site that says it holds this.
pub(crate) fn introduction(identity: &Identity, heads: &[Head]) -> Vec<u8> {
    let hello = Hello {
        versions: vec![PROTOCOL],
        institution: identity.institution,
        site: identity.site(),
        incarnation: identity.journal.incarnation,
        rules: 1,
        boot_number: 1,
        boot: [1; 4],
    };
    let frames = [Frame::Hello(hello), Frame::Frontier(heads.to_vec())];
    frames.map(|frame| encode_frame(&frame).unwrap()).concat()
}

async fn body(stream: &mut quinn::RecvStream) -> Vec<u8> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).await.unwrap();
    let mut body = vec![0; u32::from_be_bytes(len) as usize];
    stream.read_exact(&mut body).await.unwrap();
    body
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
    send.write_all(&introduction(&west, &[])).await.unwrap();
    hub.until_up(west.site()).await;
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(b"\0\0\0\x04\0\xff\xff\xff").await.unwrap();
    connection.closed().await;
    assert_eq!(hub.links.counters().garbage, 1);
    goes_on(&hub, &east).await;
}

#[tokio::test]
async fn a_request_of_a_later_version_is_answered_and_the_link_goes_on() {
    let hub = hub().await;
    let (_dir, west) = hub.joined("西校区值班室", "W").await;
    let endpoint = client(&west, true);
    let connecting = endpoint.connect(hub.links.local_addr(), LINK_NAME).unwrap();
    let connection = connecting.await.unwrap();
    let (mut live, _receive) = connection.open_bi().await.unwrap();
    live.write_all(&introduction(&west, &[])).await.unwrap();
    hub.until_up(west.site()).await;
    let later = encode(&(99u8, ("since", 7u64))).unwrap();
    let known = encode(&Request::Rows { after: None }).unwrap();
    for (request, reply) in [(later, Reply::Unknown), (known, Reply::Granted)] {
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        send.write_all(&request).await.unwrap();
        send.finish().unwrap();
        assert_eq!(decode(&body(&mut receive).await), Ok(reply));
        match reply {
            Reply::Granted => drop(decode_rows(&body(&mut receive).await).unwrap()),
            Reply::Unknown => assert_eq!(receive.read_to_end(9).await.unwrap(), b""),
        }
    }
    assert_eq!(hub.links.counters().garbage, 0);
}

#[tokio::test]
async fn a_site_whose_program_knows_no_rows_keeps_its_link() {
    let hub = hub().await;
    let (_dir, west) = hub.joined("西校区值班室", "W").await;
    let endpoint = client(&west, true);
    let connecting = endpoint.connect(hub.links.local_addr(), LINK_NAME).unwrap();
    let connection = connecting.await.unwrap();
    let (mut live, mut receive) = connection.open_bi().await.unwrap();
    // So much that the hub asks for rows.
    let head = Head {
        journal: west.journal,
        seq: 1_000,
        hash: Hash([7; 32]),
    };
    live.write_all(&introduction(&west, &[head])).await.unwrap();
    let (mut answer, mut asked) = connection.accept_bi().await.unwrap();
    let asked = decode_request(&body(&mut asked).await);
    assert_eq!(asked, Ok(Some(Request::Rows { after: None })));
    answer
        .write_all(&encode(&Reply::Unknown).unwrap())
        .await
        .unwrap();
    answer.finish().unwrap();
    let ping = encode_frame(&Frame::Ping { nonce: 5 }).unwrap();
    live.write_all(&ping).await.unwrap();
    while !matches!(
        decode_frame(&body(&mut receive).await),
        Ok(Frame::Pong { nonce: 5, .. })
    ) {}
    hub.until_up(west.site()).await;
    assert_eq!(hub.links.counters().garbage, 0);
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
        cut_hash: Hash::default(),
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
