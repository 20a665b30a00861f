//! `crowd`: how long an honest campus waits until its save is visible at the hub while another
//! enrolled site misbehaves: it floods frames that are in order until somebody judges the bundles
//! in them and never reads, it dials again and again without a word, or it comes back with all
//! that it wrote in a month.
//!
//! Real sites in this process over real QUIC on loopback; the campus saves a log item every 40 ms.
//! The value is the longest wait from the answer of `Store::commit` here until the hub's journal
//! holds the bundle. Anchor: the same with the other site silent. All of them share this machine's
//! cores, the attacker's own work included.

use crate::figure::{Figure, Goal, Size, folder, now, runtime};
use crate::weeks;
use anyhow::{Context as _, Result};
use quinn::crypto::rustls::QuicClientConfig;
use rustls::pki_types::PrivateKeyDer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use sync::identity::{Identity, LINK_NAME};
use sync::status::PeerState;
use sync::wire::{self, Frame, Hello, Lane, PROTOCOL};
use tests::history;
use tests::quic::{Linking, Prepared, QuicSite, founded, rng};

const EVERY: Duration = Duration::from_millis(40);
const ALLOWED_MS: f64 = 2_000.0;

/// What the other site does.
#[derive(Clone, Copy)]
enum Deed {
    Nothing,
    Floods,
    Dials,
    /// It wrote so many bundles while it was away.
    Returns(usize),
}

pub(crate) fn run(size: Size) -> Result<Vec<Figure>> {
    let count = size.pick(25, 250);
    let alone = runtime()?.block_on(longest(Deed::Nothing, count))?;
    let returns = size.pick(400, 8_400);
    let deeds = [
        ("floods and never reads", Deed::Floods),
        ("dials again and again", Deed::Dials),
        ("brings a month of its own", Deed::Returns(returns)),
    ];
    deeds
        .into_iter()
        .map(|(name, deed)| {
            let longest = runtime()?.block_on(longest(deed, count))?;
            let name = format!("honest site's longest wait while another {name}");
            Ok(Figure::new(name, longest, "ms")
                .goal(Goal::AtMost(ALLOWED_MS))
                .anchor("the other silent", alone))
        })
        .collect()
}

/// The longest of so many waits, ms.
async fn longest(deed: Deed, count: usize) -> Result<f64> {
    let random = &mut rng(3);
    let hub = founded(folder()?, random)
        .await?
        .start(Linking::default())
        .await?;
    let towards_hub = || Linking {
        dial: vec![hub.links.local_addr()],
        ..Linking::default()
    };
    let east = hub.joined(folder()?, "东校区", "E", random).await?;
    let east = east.start(towards_hub()).await?;
    let west = hub.joined(folder()?, "西校区", "W", random).await?;
    east.until_peer(hub.id(), |peer| peer.state == PeerState::Up)
        .await?;
    let doing = misbehave(deed, west, &hub).await?;
    let mut longest = Duration::ZERO;
    let mut pace = tokio::time::interval(EVERY);
    for _ in 0..count {
        pace.tick().await;
        let head = east.write(random).await?;
        let saved = now();
        hub.until_holds(&[head]).await?;
        longest = longest.max(saved.elapsed());
    }
    drop(doing);
    Ok(longest.as_secs_f64() * 1_000.0)
}

/// Whoever misbehaves does so until this is dropped.
async fn misbehave(deed: Deed, site: Prepared, hub: &QuicSite) -> Result<Option<Doing>> {
    let address = hub.links.local_addr();
    Ok(match deed {
        Deed::Nothing => None,
        Deed::Floods => Some(Doing::Alone(tokio::spawn(flood(site, address)))),
        Deed::Dials => Some(Doing::Alone(tokio::spawn(dial(site, address)))),
        Deed::Returns(bundles) => {
            let away = site.start(Linking::default()).await?;
            weeks::fill(&away, bundles, 5_000).await?;
            let back = Linking {
                dial: vec![address],
                ..Linking::default()
            };
            Some(Doing::Back(Box::new(away.restarted(back).await?)))
        }
    })
}

enum Doing {
    Alone(tokio::task::JoinHandle<Result<()>>),
    Back(#[expect(dead_code, reason = "it lives as long as it is held")] Box<QuicSite>),
}

impl Drop for Doing {
    fn drop(&mut self) {
        if let Self::Alone(task) = self {
            task.abort();
        }
    }
}

async fn flood(site: Prepared, hub: SocketAddr) -> Result<()> {
    let endpoint = client(&site.identity)?;
    let bundle = records::bundle::Bundle {
        header: vec![1; 300],
        payload: vec![2; 30_000],
        signature: [3; 64],
    };
    loop {
        let connection = endpoint.connect(hub, LINK_NAME)?.await;
        let Ok(connection) = connection else { continue };
        let Ok((mut send, _unread)) = connection.open_bi().await else {
            continue;
        };
        let mut bytes = introduction(&site.identity)?;
        for after in 0.. {
            if send.write_all(&bytes).await.is_err() {
                break;
            }
            bytes = wire::encode_frame(&Frame::run(
                history::journal(9),
                after,
                vec![bundle.clone()],
                Lane::Live,
            ))?;
        }
    }
}

async fn dial(site: Prepared, hub: SocketAddr) -> Result<()> {
    let endpoint = client(&site.identity)?;
    let mut held = Vec::new();
    loop {
        let Ok(connection) = endpoint.connect(hub, LINK_NAME)?.await else {
            continue;
        };
        let Ok((mut send, receive)) = connection.open_bi().await else {
            continue;
        };
        // Says that it will speak, and never does.
        if send.write_all(&[0, 0, 1, 0]).await.is_ok() {
            held.push((connection, send, receive));
        }
        held.retain(|(connection, ..)| connection.close_reason().is_none());
    }
}

/// How a conversation begins.
fn introduction(identity: &Identity) -> Result<Vec<u8>> {
    let hello = Frame::Hello(Hello {
        versions: vec![PROTOCOL],
        institution: identity.institution,
        site: identity.site(),
        incarnation: identity.journal.incarnation,
        rules: 1,
        boot_number: 1,
        boot: [1; 4],
    });
    let [hello, frontier] =
        [hello, Frame::Frontier(vec![])].map(|frame| wire::encode_frame(&frame));
    Ok([hello?, frontier?].concat())
}

/// A bare QUIC client that shows a site's certificate.
fn client(identity: &Identity) -> Result<quinn::Endpoint> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(identity.ca.clone())?;
    let key = PrivateKeyDer::Pkcs8(identity.tls_key.clone().into());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![identity.certificate.clone()], key)
        .context("the site's certificate")?;
    tls.alpn_protocols = vec![b"dutyroom-sync/1".to_vec()];
    let tls = QuicClientConfig::try_from(tls)?;
    let mut endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into())?;
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(tls)));
    Ok(endpoint)
}
