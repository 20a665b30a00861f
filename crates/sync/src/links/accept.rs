//! Connections that come in: handshakes in bounded number, then by their protocol.

use super::counters::add;
use super::guests::Guests;
use super::{
    CLOSE_DUPLICATE, CLOSE_GARBAGE, CLOSE_REFUSED, HANDSHAKE, Shared, close, congestion, link,
    lock, media,
};
use crate::enrol::serve_join;
use crate::tls::{self, ALPN_JOIN, ALPN_MEDIA, ALPN_SYNC};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Handshakes under way at once; more are refused unseen.
const MAX_HANDSHAKES: usize = 64;
/// Of these, from one address: enough for the sites behind one router to come back at once.
const MAX_FROM_ONE: usize = 16;
/// From this many on, whoever dials must prove that it can be reached at its address.
const PROVE_FROM: usize = 16;
const JOIN: Duration = Duration::from_secs(30);
/// Sites that join at once: whoever only says so keeps few of the places above.
const MAX_JOINING: usize = 8;

/// Strangers' connections by address, until they have proved to be one of us.
#[derive(Default)]
struct Strangers(Mutex<HashMap<IpAddr, usize>>);

/// A stranger's place, given back when dropped.
struct Place {
    strangers: Arc<Strangers>,
    address: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Strangers {
    fn enter(self: &Arc<Self>, address: IpAddr, permit: OwnedSemaphorePermit) -> Option<Place> {
        let mut counts = lock(&self.0);
        let count = counts.entry(address).or_default();
        if *count >= MAX_FROM_ONE {
            return None;
        }
        *count += 1;
        Some(Place {
            strangers: self.clone(),
            address,
            _permit: permit,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = lock(&self.strangers.0);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

pub(super) async fn accept(shared: Arc<Shared>) {
    let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    let strangers = Arc::new(Strangers::default());
    let inside = Arc::new(Inside::default());
    let mut tasks = tokio::task::JoinSet::new();
    while let Some(incoming) = shared.endpoint.accept().await {
        while tasks.try_join_next().is_some() {}
        let Ok(permit) = handshakes.clone().try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        let under_way = MAX_HANDSHAKES - handshakes.available_permits();
        if under_way > PROVE_FROM && !incoming.remote_address_validated() {
            // One that may not be asked again is on its second try already.
            let _ = incoming.retry();
            continue;
        }
        let Some(place) = strangers.enter(incoming.remote_address().ip(), permit) else {
            incoming.refuse();
            continue;
        };
        let (shared, inside) = (shared.clone(), inside.clone());
        tasks.spawn(async move {
            let address = incoming.remote_address();
            let connection = tokio::time::timeout(HANDSHAKE, incoming).await;
            match connection {
                Ok(Ok(connection)) => serve(shared, connection, place, &inside).await,
                Ok(Err(error)) => shared.refuse(address, &error.to_string()),
                Err(_) => shared.refuse(address, "handshake timed out"),
            }
        });
    }
    // The endpoint is closed, so every connection is over and its task about to end.
    while tasks.join_next().await.is_some() {}
}

/// Who has got through a handshake.
struct Inside {
    guests: Arc<Guests<quinn::Connection>>,
    joining: Semaphore,
}

impl Default for Inside {
    fn default() -> Self {
        Self {
            guests: Arc::default(),
            joining: Semaphore::new(MAX_JOINING),
        }
    }
}

/// `place` bounds strangers: it is given back once a peer has proved to be one of us. From then
/// on `inside.guests` bounds what it may hold.
async fn serve(shared: Arc<Shared>, connection: quinn::Connection, place: Place, inside: &Inside) {
    let alpn = tls::alpn(&connection).unwrap_or_default();
    if alpn == ALPN_JOIN {
        let Ok(_joining) = inside.joining.try_acquire() else {
            close(&connection, CLOSE_REFUSED);
            return;
        };
        let served = tokio::time::timeout(JOIN, serve_joining(&shared, &connection)).await;
        if served.is_err() {
            close(&connection, CLOSE_REFUSED);
        }
        return;
    }
    let address = connection.remote_address();
    let Some(peer) = shared.peer_of(&connection) else {
        shared.refuse(address, "no certificate of an enrolled site");
        close(&connection, CLOSE_REFUSED);
        return;
    };
    let purpose = if alpn == ALPN_MEDIA {
        ALPN_MEDIA
    } else {
        ALPN_SYNC
    };
    let (_stay, oldest) = inside.guests.enter(peer, purpose, connection.clone());
    if let Some(oldest) = oldest {
        close(&oldest, CLOSE_DUPLICATE);
    }
    drop(place);
    if alpn == ALPN_MEDIA {
        congestion::set_free(&connection);
        media::accept(shared, connection, peer).await;
        return;
    }
    let streams = tokio::time::timeout(HANDSHAKE, connection.accept_bi()).await;
    if let Ok(Ok(streams)) = streams {
        link::run(shared, connection, streams, peer, false).await;
    } else {
        close(&connection, CLOSE_REFUSED);
    }
}

async fn serve_joining(shared: &Shared, connection: &quinn::Connection) {
    let address = connection.remote_address();
    let allowed = lock(&shared.throttle).allow(address.ip(), shared.now().mono_ms);
    let wall_ms = (shared.wall)();
    let (identity, store) = (&shared.identity, &shared.store);
    let mut rng = shared.rng();
    let served = serve_join(connection, identity, store, allowed, wall_ms, &mut rng).await;
    match served {
        Ok(None) => tracing::info!(peer.address = %address, "a site has joined"),
        Ok(Some(refusal)) => {
            add(&shared.counters.refused_joins, 1);
            shared.log_once(address, &refusal.to_string());
        }
        Err(error) => {
            add(&shared.counters.refused_joins, 1);
            shared.log_once(address, &error.to_string());
            close(connection, CLOSE_GARBAGE);
        }
    }
}
