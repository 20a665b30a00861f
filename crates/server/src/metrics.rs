//! Every metric of the site, in one file. No label holds personal data or grows without bound.

use crate::app::App;
use crate::error::ApiError;
use media::{SourceStats, Stats};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use store::{BlobCounts, Counts};
use sync::links::Links;
use sync::scrub::Report;
use sync::status::{PeerState, PeerStatus};

/// Counters that endpoints raise. What other crates count is read when asked for.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    seconds: Histogram,
    /// Sign-ins refused for a wrong login or password.
    pub sign_ins_failed: Counter,
    /// Sign-ins refused for too many tries.
    pub sign_ins_throttled: Counter,
    /// Requests refused for their origin.
    pub origins_refused: Counter,
    /// WebSockets of the feed that are open now.
    pub feeds: Gauge,
    /// Files uploaded.
    pub uploads: Counter,
    /// Times a reader of the feed was told to fetch everything again.
    pub resyncs: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u16,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            seconds: Histogram::new([0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0]),
            sign_ins_failed: Counter::default(),
            sign_ins_throttled: Counter::default(),
            origins_refused: Counter::default(),
            feeds: Gauge::default(),
            uploads: Counter::default(),
            resyncs: Counter::default(),
        }
    }
}

impl Metrics {
    /// Counts one answered request; `route` is the route as registered, not the path.
    pub fn request(&self, route: &str, status: u16, seconds: f64) {
        let route = route.to_owned();
        self.requests
            .get_or_create(&RequestLabels { route, status })
            .inc();
        self.seconds.observe(seconds);
    }

    /// Registers the server's own metrics.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_requests",
            "Requests answered, by route and status",
            self.requests.clone(),
        );
        registry.register(
            "http_request_seconds",
            "Time to the first byte of the answer",
            self.seconds.clone(),
        );
        registry.register(
            "sign_ins_failed",
            "Sign-ins with a wrong login or password",
            self.sign_ins_failed.clone(),
        );
        registry.register(
            "sign_ins_throttled",
            "Sign-ins refused for too many tries",
            self.sign_ins_throttled.clone(),
        );
        registry.register(
            "origins_refused",
            "Requests that another site's page sent",
            self.origins_refused.clone(),
        );
        registry.register(
            "uploads",
            "Files people have uploaded",
            self.uploads.clone(),
        );
        registry.register("feeds_open", "Open feed sockets", self.feeds.clone());
        registry.register(
            "feed_resyncs",
            "Feed readers told to fetch everything again",
            self.resyncs.clone(),
        );
    }
}

/// All metrics of the site as OpenMetrics text.
///
/// # Errors
/// `internal` when the store fails.
pub async fn text(app: &App) -> Result<String, ApiError> {
    let mut registry = Registry::with_prefix("dutyroom");
    app.metrics().register(&mut registry);
    register_store(&mut registry, &app.store().counts().await?, app);
    register_blobs(&mut registry, app.store().blob_counts().await?);
    if let Some(links) = app.links() {
        register_links(&mut registry, links);
        register_scrubs(&mut registry, links, app.store().holes_known());
    }
    register_media(&mut registry, &app.engine().stats());
    let mut text = String::new();
    encode(&mut text, &registry).expect("writing to a string does not fail");
    Ok(text)
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, ConstGauge::new(value));
}

fn counter(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, ConstCounter::new(value));
}

fn register_store(registry: &mut Registry, counts: &Counts, app: &App) {
    let held = app.store().held_only_here();
    for (name, help, value) in [
        ("store_bundles", "Bundles in journals", counts.bundles),
        ("store_records", "Records", counts.records),
        (
            "store_quarantined",
            "Bundles refused or held",
            counts.quarantined,
        ),
        (
            "store_waiting",
            "Bundles that wait for others",
            counts.waiting,
        ),
        ("store_forks", "Journals with a fork", counts.forks),
        ("store_bytes", "Size of the database", counts.bytes),
        (
            "store_held_only_here",
            "Own bundles no other site has",
            held,
        ),
    ] {
        gauge(registry, name, help, value);
    }
    let help = "Transactions of the writer";
    counter(registry, "store_transactions", help, counts.transactions);
}

fn register_blobs(registry: &mut Registry, counts: BlobCounts) {
    for (name, help, value) in [
        ("blobs", "Attachments here", counts.whole),
        ("blobs_partial", "Attachments partly here", counts.partial),
        ("blobs_wanted", "Attachments to come", counts.wanted),
        ("blob_bytes", "Bytes that attachments take", counts.bytes),
    ] {
        gauge(registry, name, help, value);
    }
}

fn register_links(registry: &mut Registry, links: &Links) {
    let up = |peer: &&PeerStatus| peer.state == PeerState::Up;
    let up = links.peers().borrow().iter().filter(up).count() as u64;
    gauge(
        registry,
        "sync_sites_up",
        "Other sites that can be reached",
        up,
    );
    let counts = links.counters();
    for (name, help, value) in [
        (
            "sync_bytes_in",
            "Bytes received on sync streams",
            counts.sync_bytes_in,
        ),
        (
            "sync_bytes_out",
            "Bytes sent on sync streams",
            counts.sync_bytes_out,
        ),
        (
            "sync_frames_in",
            "Frames received on sync streams",
            counts.sync_frames_in,
        ),
        (
            "sync_frames_out",
            "Frames sent on sync streams",
            counts.sync_frames_out,
        ),
        (
            "sync_refused_peers",
            "Connections refused",
            counts.refused_peers,
        ),
        (
            "sync_garbage",
            "Connections that broke the protocol",
            counts.garbage,
        ),
        (
            "sync_duplicate_bundles",
            "Bundles received that were here already",
            counts.duplicate_bundles,
        ),
        ("sync_reconnects", "Links that came back", counts.reconnects),
        (
            "sync_refused_joins",
            "Join requests refused",
            counts.refused_joins,
        ),
        (
            "sync_blob_bytes_in",
            "Bytes of attachments received",
            counts.blob_bytes_in,
        ),
        (
            "sync_blob_bytes_out",
            "Bytes of attachments sent",
            counts.blob_bytes_out,
        ),
        (
            "sync_blobs_fetched",
            "Attachments fetched",
            counts.blobs_fetched,
        ),
        (
            "sync_blob_lies",
            "Answers that were not the attachment's bytes",
            counts.blob_lies,
        ),
        (
            "link_datagrams_out",
            "Media datagrams sent",
            counts.media_datagrams_out,
        ),
        (
            "link_datagrams_in",
            "Media datagrams received",
            counts.media_datagrams_in,
        ),
        (
            "link_datagrams_dropped",
            "Media datagrams dropped",
            counts.media_datagrams_dropped,
        ),
    ] {
        counter(registry, name, help, value);
    }
}

fn register_scrubs(registry: &mut Registry, links: &Links, holes: u64) {
    let status = links.scrubs().borrow().clone();
    let peers = || status.peers.values();
    let last_ms = peers().map(|report| report.at_ms).max().unwrap_or(0);
    let sum = |of: fn(&Report) -> u64| peers().map(of).sum::<u64>();
    let check = status.check;
    for (name, help, value) in [
        (
            "scrub_last_seconds",
            "When the last scrub began, since the epoch",
            last_ms.unsigned_abs() / 1_000,
        ),
        (
            "scrub_rounds",
            "Questions of the last scrub with each site",
            sum(|r| r.rounds.into()),
        ),
        (
            "scrub_bytes",
            "Bytes of the last comparisons, both ways",
            sum(|r| r.sent + r.received),
        ),
        (
            "scrub_missing_here",
            "Bundles only others had at the last scrub",
            sum(|r| r.missing_here),
        ),
        (
            "scrub_missing_there",
            "Bundles only this site had at the last scrub",
            sum(|r| r.missing_there),
        ),
        (
            "scrub_repaired_here",
            "Bundles put in place here by the last scrub",
            sum(|r| r.mended_here),
        ),
        (
            "scrub_repaired_there",
            "Bundles put in place elsewhere by the last scrub",
            sum(|r| r.mended_there),
        ),
        (
            "scrub_milliseconds",
            "Duration of the last scrubs together",
            sum(|r| r.took_ms),
        ),
        (
            "scrub_incomplete",
            "Last scrubs that were not answered to the end",
            sum(|r| u64::from(!r.complete)),
        ),
        (
            "disk_check_milliseconds",
            "Duration of the last reading of the disk",
            check.map_or(0, |c| c.took_ms),
        ),
        (
            "disk_check_bundles",
            "Bundles read by it",
            check.map_or(0, |c| c.bundles),
        ),
        (
            "store_holes",
            "Places whose bundle is lost or damaged",
            holes,
        ),
    ] {
        gauge(registry, name, help, value);
    }
    counter(registry, "scrubs", "Scrubs ended since start", status.count);
}

fn register_media(registry: &mut Registry, stats: &Stats) {
    let sources = stats.sources.values();
    let viewers = sources.clone().map(|source| source.viewers as u64).sum();
    let crossing = stats
        .links
        .values()
        .map(|link| link.subscriptions as u64)
        .sum();
    gauge(registry, "media_viewers", "Viewers now", viewers);
    gauge(
        registry,
        "media_link_flows",
        "Streams crossing links now",
        crossing,
    );
    let sum = |of: fn(&SourceStats) -> u64| sources.clone().map(of).sum();
    for (name, help, value) in [
        ("media_pulls", "Sources opened", sum(|source| source.pulls)),
        (
            "media_frames_in",
            "Frames received",
            sum(|source| source.frames_in),
        ),
        (
            "media_packets_out",
            "Packets sent to viewers",
            sum(|source| source.packets_out),
        ),
        (
            "media_bytes_out",
            "Bytes sent to viewers",
            sum(|source| source.bytes_out),
        ),
        (
            "media_frames_dropped",
            "Frames dropped at full queues",
            stats.frames_dropped,
        ),
        (
            "media_datagrams_ignored",
            "Datagrams not understood",
            stats.datagrams_ignored,
        ),
    ] {
        counter(registry, name, help, value);
    }
}
