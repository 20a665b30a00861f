//! Congestion control of links: Cubic or BBR for loss, capped by [`Pace`] for delay.

use crate::pace::Pace;
use quinn::congestion::{BbrConfig, Controller, ControllerFactory, CubicConfig};
use quinn_proto::RttEstimator;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What a link does about loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Congestion {
    /// For lines that lose packets because their queue is full: leased lines, fibre.
    #[default]
    Cubic,
    /// For lines that lose packets by themselves: radio, long detours. Experimental in quinn.
    Bbr,
}

/// The congestion control of sync connections, for whoever measures it beside another.
#[must_use]
pub fn paced(congestion: Congestion) -> Arc<dyn ControllerFactory + Send + Sync> {
    Arc::new(PacedConfig(congestion))
}

/// Makes the controller of each connection.
struct PacedConfig(Congestion);

impl ControllerFactory for PacedConfig {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        let inner = match self.0 {
            Congestion::Cubic => Arc::new(CubicConfig::default()).build(now, current_mtu),
            Congestion::Bbr => Arc::new(BbrConfig::default()).build(now, current_mtu),
        };
        Box::new(Paced {
            pace: Pace::new(inner.initial_window(), current_mtu.into()),
            inner,
            origin: now,
            free: Arc::default(),
        })
    }
}

struct Paced {
    inner: Box<dyn Controller>,
    pace: Pace,
    origin: Instant,
    /// The connection carries media, which gives way to nobody.
    free: Arc<AtomicBool>,
}

/// Lets a connection send whatever loss allows. The protocol of an accepted connection is known
/// only after its controller was made.
pub(super) fn set_free(connection: &quinn::Connection) {
    if let Ok(paced) = connection.congestion_state().into_any().downcast::<Paced>() {
        paced.free.store(true, Ordering::Relaxed);
    }
}

impl Controller for Paced {
    fn on_sent(&mut self, now: Instant, bytes: u64, last_packet_number: u64) {
        self.inner.on_sent(now, bytes, last_packet_number);
    }

    fn on_ack(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        app_limited: bool,
        rtt: &RttEstimator,
    ) {
        let took = now.saturating_duration_since(sent);
        let at = now.saturating_duration_since(self.origin);
        self.pace.acked(at, took, app_limited);
        self.inner.on_ack(now, sent, bytes, app_limited, rtt);
    }

    fn on_end_acks(
        &mut self,
        now: Instant,
        in_flight: u64,
        app_limited: bool,
        largest_packet_num_acked: Option<u64>,
    ) {
        self.inner
            .on_end_acks(now, in_flight, app_limited, largest_packet_num_acked);
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        sent: Instant,
        is_persistent_congestion: bool,
        lost_bytes: u64,
    ) {
        self.inner
            .on_congestion_event(now, sent, is_persistent_congestion, lost_bytes);
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.pace.set_packet(new_mtu.into());
        self.inner.on_mtu_update(new_mtu);
    }

    fn window(&self) -> u64 {
        if self.free.load(Ordering::Relaxed) {
            self.inner.window()
        } else {
            self.inner.window().min(self.pace.window())
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(Self {
            inner: self.inner.clone_box(),
            pace: self.pace.clone(),
            origin: self.origin,
            free: self.free.clone(),
        })
    }

    fn initial_window(&self) -> u64 {
        self.inner.initial_window()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
