//! The way pictures take: each link's media pipes to the engine, and the next hop to each site.

use crate::app::App;
use media::{PacketPair, Routes};
use records::id::SiteId;
use sync::status::{MediaPipe, PeerState, PeerStatus, Via};

/// Hands every new media connection to the engine and keeps its routes, until the site stops.
pub async fn run(app: App) {
    let Some(links) = app.links() else {
        return;
    };
    let Some(mut pipes) = links.media_pipes() else {
        return;
    };
    let mut peers = links.peers();
    loop {
        // Before waiting: peers may have come up before anybody listened.
        let now = peers.borrow_and_update().clone();
        app.engine().set_routes(routes(&now, app.identity().hub));
        tokio::select! {
            () = app.stopped() => return,
            pipe = pipes.recv() => match pipe {
                Some(pipe) => attach(&app, pipe),
                None => return,
            },
            changed = peers.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

fn attach(app: &App, pipe: MediaPipe) {
    let pair = PacketPair {
        datagrams_out: pipe.datagrams_out,
        datagrams_in: pipe.datagrams_in,
        control_out: pipe.control_out,
        control_in: pipe.control_in,
        max_datagram: pipe.max_datagram,
    };
    app.engine().attach_link(pipe.peer.0, pair);
}

/// Owner → next hop: over a link of our own where there is one, be it with the hub or directly
/// with the campus, or else through the hub.
fn routes(peers: &[PeerStatus], hub: SiteId) -> Routes {
    let up = |peer: &&PeerStatus| peer.state == PeerState::Up;
    let direct: Vec<_> = peers
        .iter()
        .filter(up)
        .filter(|peer| peer.via == Some(Via::Direct))
        .collect();
    let mut routes: Routes = direct
        .iter()
        .map(|peer| (peer.site.0, peer.site.0))
        .collect();
    let behind = peers
        .iter()
        .filter(up)
        .filter(|peer| peer.via == Some(Via::Hub));
    routes.extend(behind.map(|peer| (peer.site.0, hub.0)));
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(site: u8, state: PeerState, via: Option<Via>) -> PeerStatus {
        PeerStatus {
            site: SiteId([site; 8]),
            state,
            since_ms: None,
            via,
            progress: None,
        }
    }

    #[test]
    fn a_campus_behind_the_hub_is_asked_for_through_the_hub() {
        let peers = [
            peer(9, PeerState::Up, Some(Via::Direct)),
            peer(2, PeerState::Up, Some(Via::Hub)),
            peer(3, PeerState::Down, None),
        ];
        let routes = routes(&peers, SiteId([9; 8]));
        assert_eq!(routes.get(&[2; 8]), Some(&[9; 8]));
        assert_eq!(routes.get(&[9; 8]), Some(&[9; 8]));
        assert_eq!(routes.get(&[3; 8]), None);
    }

    #[test]
    fn a_campus_linked_directly_is_asked_without_the_hub_and_the_others_through_it() {
        let peers = [
            peer(2, PeerState::Up, Some(Via::Direct)),
            peer(4, PeerState::Up, Some(Via::Hub)),
            peer(9, PeerState::Up, Some(Via::Direct)),
        ];
        let both = routes(&peers, SiteId([9; 8]));
        assert_eq!(both.get(&[2; 8]), Some(&[2; 8]));
        assert_eq!(both.get(&[4; 8]), Some(&[9; 8]));
        let alone = routes(&peers[..1], SiteId([9; 8]));
        assert_eq!(alone.get(&[2; 8]), Some(&[2; 8]));
    }
}
