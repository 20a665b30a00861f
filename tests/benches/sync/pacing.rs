//! `pacing`: what media-like datagrams feel of a large transfer on the same line: 300 datagrams
//! of 1,100 bytes a second, 20 Mbit/s, round trip 40 ms, a queue of 100 ms.
//!
//! Datagrams go over a QUIC connection of their own, as media does; the transfer runs over
//! another one with the congestion control of sync connections (`sync::pace` over Cubic), as
//! attachments and long tails do. Both share one simulated line. Anchor: the same with plain
//! Cubic for the transfer. The value is the 95th percentile of the one-way time above the 20 ms
//! that the empty line takes; both ends read the same clock.
//!
//! The last two lines are for a line that loses 1 % of all packets by itself, where a site's
//! configuration may choose BBR: what a transfer keeps of such a line with either, and what media
//! feels of it. BBR fills the line, and the queue with it: it is for lines without cameras.

use crate::figure::{Figure, Goal, Size, runtime};
use crate::raw::{self, Transfer};
use anyhow::Result;
use std::time::Duration;
use sync::links::Congestion;

const WORDS: &str = "delay=20ms rate=20mbit queue=100ms";
const LOSSY: &str = "delay=20ms rate=20mbit queue=100ms loss=1%";
const ONE_WAY_MS: f64 = 20.0;
const MBIT: f64 = 20.0;
/// What the datagrams themselves take of the line, with all headers.
const MEDIA_MBIT: f64 = 300.0 * 1_165.0 * 8.0 / 1e6;

pub(crate) fn run(size: Size) -> Result<Vec<Figure>> {
    let length = Duration::from_secs(size.pick(3, 15));
    let beside = async |words, congestion| {
        raw::media_beside(words, Transfer::Paced(congestion), length).await
    };
    let (paced, plain, bbr, cubic) = runtime()?.block_on(async {
        let paced = beside(WORDS, Congestion::Cubic).await?;
        let plain = raw::media_beside(WORDS, Transfer::Cubic, length).await?;
        let bbr = beside(LOSSY, Congestion::Bbr).await?;
        let cubic = beside(LOSSY, Congestion::Cubic).await?;
        anyhow::Ok((paced, plain, bbr, cubic))
    })?;
    let above = |run: &raw::Beside| run.one_way_p95_ms - ONE_WAY_MS;
    let share = |run: &raw::Beside| run.bulk_mbit / (MBIT - MEDIA_MBIT) * 100.0;
    Ok(vec![
        Figure::new(
            "pacing: media one-way p95 above the empty line",
            above(&paced),
            "ms",
        )
        .goal(Goal::AtMost(30.0))
        .anchor("without pacing", above(&plain)),
        Figure::new(
            "pacing: what the transfer keeps of the rest of the line",
            share(&paced),
            "%",
        )
        .goal(Goal::AtLeast(70.0))
        .anchor("without pacing", share(&plain)),
        Figure::new("pacing: media lost", paced.lost_share * 100.0, "%")
            .anchor("without pacing", plain.lost_share * 100.0),
        Figure::new(
            "pacing: 1 % lost: what a transfer with bbr keeps of the rest of the line",
            share(&bbr),
            "%",
        )
        .anchor("with cubic", share(&cubic)),
        Figure::new("pacing: 1 % lost: media p95 beside bbr", above(&bbr), "ms")
            .anchor("with cubic", above(&cubic)),
    ])
}
