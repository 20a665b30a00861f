//! `live`: saved at one site → durable, gated, projected and visible at another, over a line with
//! a round trip of 40 ms, without and with 0.1 % of packets lost each way.
//!
//! Two real sites in this process, a link over real QUIC through the simulated line. A person
//! saves a log item every 80 ms; the clock runs from the answer of `Store::commit` here to the
//! first moment the other store's journal holds the bundle. Anchor: a raw QUIC stream over a line
//! like it, which carries as many bytes one way and one byte back: its round trip less half of 40.

use crate::figure::{Figure, Goal, Size, folder, now, quantile_ms, runtime};
use crate::raw;
use anyhow::{Context as _, Result};
use rand::rngs::StdRng;
use std::time::Duration;
use sync::status::PeerState;
use tests::quic::{Linking, QuicSite, founded, line, rng};

const ONE_WAY: Duration = Duration::from_millis(20);
const EVERY: Duration = Duration::from_millis(80);
/// What a log item's bundle and its frame take on the stream, about.
const BYTES: usize = 600;

pub(crate) fn run(size: Size) -> Result<Vec<Figure>> {
    let count = size.pick(25, 500);
    let mut figures = Vec::new();
    for (name, words, allowed) in [
        ("live", "delay=20ms rate=20mbit", 15.0),
        ("live, 0.1 % lost", "delay=20ms rate=20mbit loss=0.1%", 25.0),
    ] {
        let (waits, anchor) = runtime()?.block_on(async {
            let waits = sites(words, count).await?;
            let anchor = raw::echo(words, BYTES, count, EVERY).await?;
            anyhow::Ok((waits, anchor))
        })?;
        let one_way = ONE_WAY.as_secs_f64() * 1e3;
        let half = |share| quantile_ms(&anchor, share) - one_way;
        figures.push(
            Figure::new(
                format!("{name}: saved here, visible there, p50"),
                quantile_ms(&waits, 0.5),
                "ms",
            )
            .goal(Goal::AtMost(one_way + 5.0))
            .anchor("raw QUIC, same bytes, p50", half(0.5)),
        );
        figures.push(
            Figure::new(
                format!("{name}: saved here, visible there, p99"),
                quantile_ms(&waits, 0.99),
                "ms",
            )
            .goal(Goal::AtMost(one_way + allowed))
            .anchor("raw QUIC, same bytes, p99", half(0.99)),
        );
    }
    Ok(figures)
}

async fn sites(words: &str, count: usize) -> Result<Vec<Duration>> {
    let rng = &mut rng(1);
    let hub = founded(folder()?, rng)
        .await?
        .start(Linking::default())
        .await?;
    let line = line(hub.links.local_addr(), words)?;
    let east = hub.joined(folder()?, "东校区", "E", rng).await?;
    let linking = Linking {
        dial: vec![line.address()],
        ..Linking::default()
    };
    let east = east.start(linking).await?;
    east.until_peer(hub.id(), |peer| peer.state == PeerState::Up)
        .await?;
    let mut waits = Vec::new();
    let mut pace = tokio::time::interval(EVERY);
    for _ in 0..count {
        pace.tick().await;
        waits.push(one(&east, &hub, rng).await?);
    }
    waits.sort();
    Ok(waits)
}

async fn one(from: &QuicSite, to: &QuicSite, rng: &mut StdRng) -> Result<Duration> {
    let head = from.write(rng).await?;
    let saved = now();
    to.until_holds(&[head]).await.context("a live bundle")?;
    Ok(saved.elapsed())
}
