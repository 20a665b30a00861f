//! A link comes up: it counts from now on, and the peer is told what it needs to know.

use super::{End, Guard, Link};
use crate::links::board::{Place, Up};
use crate::links::counters::add;
use crate::links::{CLOSE_DUPLICATE, close, media, request};
use crate::session::Event;
use store::Boot;
use tokio::time::Instant;

impl Link {
    pub(super) fn up(&mut self) -> Result<(), End> {
        let up = Up {
            link: self.id,
            dialled: self.dialled,
            since_ms: self.shared.now().wall_ms,
            connection: self.connection.clone(),
            bytes: self.bytes.clone(),
            reach: Vec::new(),
            progress: self.shown,
        };
        match self.shared.add(self.peer, up) {
            Place::Surplus => return Err(End::Duplicate),
            Place::Taken { replaced, again } => {
                if let Some(replaced) = replaced {
                    close(&replaced, CLOSE_DUPLICATE);
                }
                if again {
                    add(&self.shared.counters.reconnects, 1);
                }
            }
        }
        tracing::info!(peer.site = %self.peer, "link up");
        self.up_since = Some(Instant::now());
        self.note_program();
        if let Some(news) = self.shared.news_for(self.peer) {
            self.send(news)?;
        }
        if self.dialled {
            let dial = media::dial(
                self.shared.clone(),
                self.connection.remote_address(),
                self.peer,
            );
            self.media = Some(Guard(tokio::spawn(dial)));
        }
        let serve = request::serve(self.shared.clone(), self.connection.clone(), self.peer);
        self.requests = Some(Guard(tokio::spawn(serve)));
        let stands = self.shared.through_hub.borrow().contains(&self.peer);
        self.handle(Event::Yield(stands))?;
        self.handle(self.ends())?;
        self.handle(Event::Addresses(self.shared.addresses_for(self.peer)))?;
        let reached = self.shared.reach.borrow().clone();
        match self.reach_event(reached) {
            Some(event) => self.handle(event),
            None => Ok(()),
        }
    }

    /// Remembers what the peer's program knows, and looks whether its data directory runs twice.
    /// If it fails, the next link says it again.
    fn note_program(&mut self) {
        let Some(hello) = self.session.theirs() else {
            return;
        };
        let store = self.shared.store.clone();
        let peer = self.peer;
        let program = store::Program {
            rules: hello.rules,
            seen_ms: self.shared.now().wall_ms,
            incarnation: hello.incarnation,
            boot: Boot {
                number: hello.boot_number,
                id: hello.boot,
            },
        };
        let address = self.connection.remote_address().ip();
        self.shared.met(peer, program, address);
        self.notes.spawn(async move {
            if let Err(error) = store.note_program(peer, program).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(peer.site = %peer, error, "a site's rule set was not noted");
            }
        });
    }
}
