//! Dialling another site until the link stands, and again when it is lost.

use super::link::{self, End};
use super::{CLOSE_DUPLICATE, CLOSE_NOT_NEEDED, CLOSE_REFUSED, HANDSHAKE, Shared, close, lock};
use crate::identity::LINK_NAME;
use rand::{Rng as _, RngCore};
use records::id::SiteId;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A new attempt is quicker than the ever rarer repeats of an old one.
const CONNECT: Duration = Duration::from_secs(4);
const BACKOFF_FIRST_MS: u64 = 200;
const BACKOFF_LAST_MS: u64 = 5_000;
/// A link that stood for so long did not fail for the reason the last one did.
const STOOD: Duration = Duration::from_secs(60);

/// Waits between attempts: 0.2 s, doubling to 5 s, each with up to a quarter of jitter.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    pub(super) fn next(&mut self, rng: &mut impl RngCore) -> Duration {
        let base = (BACKOFF_FIRST_MS << self.tries.min(10)).min(BACKOFF_LAST_MS);
        self.tries = self.tries.saturating_add(1);
        Duration::from_millis(base + rng.random_range(0..=base / 4))
    }

    /// A link is over that stood for so long. One that never stands for long, as with a site whose
    /// disk is full, costs both sides a beginning each time.
    pub(super) fn ended(&mut self, stood: Duration) {
        if stood >= STOOD {
            self.tries = 0;
        }
    }
}

/// How a link ended that came about.
struct Ended {
    peer: SiteId,
    end: End,
    /// `None` if it was never up.
    stood: Option<Duration>,
}

/// Keeps a link to whoever answers at `address`, until it is no longer wanted; then ends it,
/// however far it had come.
pub(super) async fn dial(shared: Arc<Shared>, address: String, mut wanted: watch::Receiver<bool>) {
    let mut backoff = Backoff::default();
    loop {
        match dial_once(&shared, &address, &mut wanted).await {
            Ok(Ended {
                peer,
                end: End::Duplicate,
                ..
            }) => tokio::select! {
                () = shared.link_gone(peer) => {}
                _ = wanted.wait_for(|wanted| !wanted) => return,
                () = shared.stopped() => return,
            },
            Ok(Ended {
                stood: Some(stood), ..
            }) => backoff.ended(stood),
            Ok(Ended { end, .. }) => tracing::debug!(peer.address = address, ?end, "not linked"),
            Err(cause) => tracing::debug!(peer.address = address, cause, "not linked"),
        }
        let wait = backoff.next(&mut shared.rng());
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = wanted.wait_for(|wanted| !wanted) => return,
            () = shared.stopped() => return,
        }
    }
}

async fn dial_once(
    shared: &Arc<Shared>,
    host: &str,
    wanted: &mut watch::Receiver<bool>,
) -> Result<Ended, &'static str> {
    let found = tokio::select! {
        found = tokio::net::lookup_host(host) => found,
        () = shared.stopped() => return Err("stopping"),
    };
    let mut found = found.map_err(|_| "the name has no address")?;
    let local = shared.endpoint.local_addr().map_err(|_| "stopping")?;
    let address = found
        .find(|found| found.is_ipv4() == local.is_ipv4())
        .ok_or("the name has no address of our kind")?;
    let connecting = shared
        .endpoint
        .connect_with(shared.sync_client.clone(), address, LINK_NAME)
        .map_err(|_| "stopping")?;
    let connection = tokio::time::timeout(CONNECT, connecting)
        .await
        .map_err(|_| "no answer")?
        .map_err(|error| shared.not_connected(address, &error))?;
    let Some(peer) = shared.peer_of(&connection) else {
        shared.refuse(address, "no certificate of an enrolled site");
        close(&connection, CLOSE_REFUSED);
        return Err("the certificate is not of an enrolled site");
    };
    lock(&shared.answered).insert(host.to_owned(), peer);
    // One that lets nobody open a stream is not waited for.
    let opened = tokio::time::timeout(HANDSHAKE, connection.open_bi()).await;
    let Ok(Ok(streams)) = opened else {
        close(&connection, CLOSE_REFUSED);
        return Err("no stream");
    };
    let link = link::run(shared.clone(), connection.clone(), streams, peer, true);
    let mut link = pin!(link);
    let ended = tokio::select! {
        ended = &mut link => Some(ended),
        _ = wanted.wait_for(|wanted| !wanted) => None,
    };
    let (end, stood) = if let Some(ended) = ended {
        ended
    } else {
        close(&connection, CLOSE_NOT_NEEDED);
        link.await
    };
    let duplicate = quinn::VarInt::from_u32(CLOSE_DUPLICATE);
    let told = matches!(
        connection.close_reason(),
        Some(quinn::ConnectionError::ApplicationClosed(close)) if close.error_code == duplicate
    );
    let end = if told { End::Duplicate } else { end };
    Ok(Ended { peer, end, stood })
}

impl Shared {
    /// A site we dialled is not linked: a broken handshake is our refusal, most often of another
    /// institution's certificate; a close is theirs; anything else is a silence.
    fn not_connected(&self, address: SocketAddr, error: &quinn::ConnectionError) -> &'static str {
        match error {
            quinn::ConnectionError::TransportError(broken) => {
                self.refuse(address, &broken.to_string());
            }
            quinn::ConnectionError::ConnectionClosed(_)
            | quinn::ConnectionError::ApplicationClosed(_) => {
                self.log_once(address, "the site at this address refuses us");
            }
            _ => {}
        }
        "refused"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn attempts_grow_apart_up_to_five_seconds() {
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..40)
            .map(|_| backoff.next(&mut rng).as_millis())
            .collect();
        assert!((200..=250).contains(&waits[0]), "{waits:?}");
        assert!((400..=500).contains(&waits[1]), "{waits:?}");
        assert!(
            waits[10..].iter().all(|ms| (5_000..=6_250).contains(ms)),
            "{waits:?}"
        );
    }

    #[test]
    fn a_link_that_breaks_each_time_it_is_up_is_dialled_ever_more_rarely() {
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            backoff.next(&mut rng);
            backoff.ended(Duration::from_secs(59));
        }
        assert!(backoff.next(&mut rng).as_millis() >= 5_000);
        backoff.ended(STOOD);
        assert!(backoff.next(&mut rng).as_millis() <= 250);
    }
}
